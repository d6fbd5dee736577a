"""Refunds the returned orders of an export, with an approval for each one above a limit."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from procedures.engine import Check, Context, File, procedure
from procedures.library.orders import Order, money, read_orders
from procedures.library.sheets import sheet_bytes

BY_LIMIT = "system: limit"
COLUMNS = ("order", "customer", "amount", "currency", "reason", "outcome", "decided_by", "comment")


class Verdict(StrEnum):
    """What became of a returned order."""

    REFUNDED = "refunded"
    REFUSED = "refused"
    UNANSWERED = "no answer in time"


@dataclass(frozen=True)
class Found:
    """What a file holds that the run goes on with."""

    read: int
    """How many orders the file has."""
    returned: list[Order]


@dataclass(frozen=True)
class Decision:
    """Whether one order is refunded, and who said so."""

    order: Order
    verdict: Verdict
    decided_by: str
    comment: str = ""


@dataclass(frozen=True)
class Total:
    """How many orders, and how much money."""

    orders: int
    amount: Decimal


@dataclass(frozen=True)
class Report:
    """What became of the returned orders; the file names each one."""

    read: int
    """How many orders the file had, the ones that were not returned included."""
    refunded: Total
    refused: Total
    unanswered: Total
    currency: str
    file: File


def check_limit(limit: Decimal) -> None:
    if limit < 0:
        raise ValueError(f"The limit is {limit}: it must be zero or more.")


Limit = Annotated[
    Decimal,
    Check(check_limit),
    Field(
        description="Up to this amount an order is refunded without asking.",
        json_schema_extra={"minimum": 0},
    ),
]


@procedure(
    title="Refund orders",
    roles={"start": "support", "answer": "finance", "operate": "operators"},
)
def refund(
    ctx: Context, orders: Annotated[File, Check(read_orders)], limit: Limit = Decimal("100")
) -> Report:
    """Refund the returned orders of a CSV file and get a list of what became of each.

    The file needs the columns order, customer, amount and status; currency and reason may be
    there too. Orders whose status is "returned" are refunded: up to the limit at once, above
    it when finance approves. No answer within two hours means no.
    """
    ctx.stage("Read the orders")
    found = ctx.step(find_returned, orders)
    returned, above = len(found.returned), sum(order.amount > limit for order in found.returned)
    ctx.log(f"Orders read: {found.read:,}; returned: {returned:,}; above the limit: {above:,}.")
    ctx.stage("Decide")
    decisions = [decide(ctx, order, limit) for order in found.returned]
    ctx.stage("Write the result")
    report = sum_up(found, decisions, ctx.step(write_refunds, decisions))
    ctx.notify(summary(report))
    return report


def find_returned(orders: File) -> Found:
    """A step, so that the file is read once and not again after every answer."""
    read = read_orders(orders)
    return Found(len(read), [order for order in read if order.is_returned])


def decide(ctx: Context, order: Order, limit: Decimal) -> Decision:
    if order.amount <= limit:
        return Decision(order, Verdict.REFUNDED, BY_LIMIT)
    answer = ctx.approve(
        f"Refund {order.price} for order {order.order} ({order.customer})?",
        yes=f"Refund {order.price}",
        no="Do not refund",
        evidence=asdict(order),
        expires="2h",
        default=False,
    )
    silent = Verdict.UNANSWERED if answer.timed_out else Verdict.REFUSED
    verdict = Verdict.REFUNDED if answer else silent
    return Decision(order, verdict, answer.responder, answer.comment)


def write_refunds(decisions: Sequence[Decision]) -> File:
    rows = [
        {
            **asdict(decision.order),
            "outcome": decision.verdict,
            "decided_by": decision.decided_by,
            "comment": decision.comment,
        }
        for decision in decisions
    ]
    return File.keep("refunds.csv", sheet_bytes(COLUMNS, rows), content_type="text/csv")


def sum_up(found: Found, decisions: Sequence[Decision], file: File) -> Report:
    def total(verdict: Verdict) -> Total:
        amounts = [chosen.order.amount for chosen in decisions if chosen.verdict == verdict]
        return Total(len(amounts), sum(amounts, Decimal("0.00")))

    return Report(
        found.read,
        refunded=total(Verdict.REFUNDED),
        refused=total(Verdict.REFUSED),
        unanswered=total(Verdict.UNANSWERED),
        currency=found.returned[0].currency if found.returned else "",
        file=file,
    )


def summary(report: Report) -> str:
    totals = {
        Verdict.REFUNDED: report.refunded,
        Verdict.REFUSED: report.refused,
        Verdict.UNANSWERED: report.unanswered,
    }
    parts = [
        f"{verdict}: {total.orders:,} ({money(total.amount, report.currency)})"
        for verdict, total in totals.items()
        if total.orders
    ]
    became = "; ".join(parts) or "none returned"
    return f"Orders read: {report.read:,}; {became}. The list is {report.file.name}."
