"""Procedures of a usual site, whose runs `bench.fill` copies."""

from dataclasses import dataclass

from procedures.engine import Context, File, Retry, procedure
from procedures.engine.declaration.roles import Role

SAMPLE = "order,amount\n" + "\n".join(f"A-{number},{number}.20" for number in range(40))
LATER = Retry(attempts=5, backoff="3 hours", max_backoff="3 hours")
ROLES: dict[Role, str] = {"start": "support", "answer": "finance", "operate": "operators"}


@dataclass(frozen=True)
class Invoice:
    """An invoice as it was read."""

    number: str
    supplier: str
    amount: str
    lines: list[str]


def read_invoice(number: str) -> Invoice:
    lines = [f"{count} boxes of paper, delivered to the second floor" for count in range(1, 5)]
    return Invoice(number, "A supplier of paper", "31.20", lines)


def check_invoice(invoice: Invoice) -> bool:
    return bool(invoice.lines)


def pay(number: str) -> str:
    return f"paid {number}"


def write_letter(number: str) -> str:
    return f"The invoice {number} was paid. " * 5


def fail(what: str) -> None:
    raise ValueError(f"{what} can't be reached.")


def store_report(name: str) -> File:
    return File.store(f"{name}.csv", SAMPLE)


@procedure(title="Pay an invoice", roles=ROLES)
def pay_invoice(ctx: Context, number: str, note: str = "", asks: str = "finance") -> str:
    """Ask somebody about an invoice and pay it."""
    ctx.stage("Read")
    invoice = ctx.step(read_invoice, number)
    ctx.step(check_invoice, invoice)
    ctx.stage("Decide")
    answer = ctx.approve(
        f"Pay {invoice.amount} € for the invoice {number}?",
        evidence={"number": number, "supplier": invoice.supplier, "lines": invoice.lines},
        assign=asks,
        expires="60 days",
        default=False,
    )
    if not answer.value:
        return "not paid"
    ctx.stage("Pay")
    paid = ctx.step(pay, number)
    ctx.step(write_letter, number)
    ctx.notify(f"The invoice {number} is paid.")
    return paid


@procedure(title="Import orders", roles=ROLES | {"see": "auditors"})
def import_orders(ctx: Context, source: str, fails: str = "") -> int:
    """Import the orders of a day without asking anybody."""
    ctx.stage("Fetch")
    for part in ("orders", "customers", "prices"):
        ctx.step(write_letter, f"{source}/{part}", name=f"fetch {part}")
    if fails == "later":
        ctx.step(fail, "The shop", retry=LATER)
    if fails:
        ctx.step(fail, "The shop")
    ctx.stage("Store")
    for part in ("orders", "customers", "prices"):
        ctx.step(write_letter, f"{source}/{part}", name=f"store {part}", pure=True)
    return 60


@procedure(title="Report a month", roles=ROLES)
def report_month(ctx: Context, month: str, waits: str = "1 minute") -> str:
    """Write a file, wait for a child run and a timer, and ask how the file is to be sent."""
    report = ctx.step(store_report, month)
    ctx.call(import_orders, source=month)
    ctx.sleep(waits, reason="Until the books are closed")
    way = ctx.choose("How is the report sent?", {"mail": "By mail", "post": "By post"})
    return f"{report.name} by {way.value}"


@procedure(title="Sign a contract", roles={"start": "support", "answer": "legal"})
def sign_contract(ctx: Context, partner: str) -> str:
    """Let somebody review the text of a contract."""
    ctx.step(write_letter, partner)
    text = f"The contract with {partner}.\n" + "It is about paper.\n" * 20
    return str(ctx.review("Is this contract right?", text).value)
