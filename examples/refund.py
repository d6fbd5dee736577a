"""Refunds of the returned orders in an export, with an approval for each one above a limit."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from functools import partial
from itertools import chain, pairwise
from typing import Annotated, Any

from pydantic import Field

from examples.amounts import add_up, money
from examples.orders import (
    RETURNED,
    Count,
    Export,
    Order,
    read_columns,
    read_orders,
    read_statuses,
)
from examples.sheets import sheet_bytes
from procedures.engine import Check, Context, File, Response, procedure

BY_LIMIT = "system: limit"
COLUMNS = ("order", "customer", "amount", "currency", "reason", "outcome", "decided_by", "comment")
LISTED = COLUMNS[:5]
"""The columns of an order that the evidence of a question about a group contains."""
AT_ONCE = 20
"""The maximum number of orders with one question each; more orders are asked about in groups."""
MOST_LISTED = 50
"""The maximum number of orders that the evidence of a question about a group lists."""
MOST_STATUSES = 12
"""The maximum number of statuses named in a sentence."""


class Verdict(StrEnum):
    """The outcome for one returned order."""

    REFUNDED = "refunded"
    REFUSED = "refused"
    UNANSWERED = "no answer in time"


@dataclass(frozen=True)
class Decision:
    """The decision about one order, with the name of whoever made the decision."""

    order: Order
    verdict: Verdict
    decided_by: str
    comment: str = ""


@dataclass(frozen=True)
class Total:
    """The number of orders with one outcome, and the sum of the amounts of these orders."""

    orders: int
    amount: Decimal


@dataclass(frozen=True)
class Report:
    """The result of a run: a total for each outcome, and a file with the outcome of each order."""

    read: int
    """The number of orders in the file, returned or not."""
    refunded: Total
    refused: Total
    unanswered: Total
    currency: str
    file: File
    statuses: list[Count]
    """The number of orders by status."""


def check_limit(limit: Decimal) -> None:
    if limit < 0:
        raise ValueError(f"The limit is {limit}, but it must be zero or more.")


Limit = Annotated[
    Decimal,
    Check(check_limit),
    Field(
        description="Orders up to this amount are refunded without asking.",
        json_schema_extra={"minimum": 0},
    ),
]


Statuses = Annotated[
    str,
    Check(read_statuses),
    Field(description="The statuses of the orders to refund, separated by commas."),
]
Columns = Annotated[
    str,
    Check(read_columns),
    Field(
        description="The file's names for the columns order, customer, amount, status, currency "
        "and reason, if they differ. Example: order = Name, amount = Total."
    ),
]


@procedure(
    title="Refund orders",
    subject="Refund the orders of {orders}",
    roles={"start": "support", "answer": "finance", "operate": "operators"},
)
def refund(
    ctx: Context,
    orders: Annotated[File, Check(read_orders, needs=("statuses", "columns"))],
    limit: Limit = Decimal("100"),
    statuses: Statuses = RETURNED,
    columns: Columns = "",
) -> Report:
    """Refund the returned orders of a CSV file, and list the outcome of each.

    The file needs the columns order, customer, amount and status; currency and reason are optional.
    Orders with the status "returned" are refunded: up to the limit without asking, above it if
    finance approves. All questions to finance are open at the same time. If more than 20 orders are
    above the limit, finance is asked about groups of them. If finance doesn't answer within two
    hours, an order isn't refunded.
    """
    ctx.stage("Read the orders")
    found = ctx.step(find_returned, orders, statuses, columns)
    returned, above = len(found.returned), sum(order.amount > limit for order in found.returned)
    ctx.log(f"Orders read: {found.read:,}; returned: {returned:,}; above the limit: {above:,}.")
    ctx.stage("Decide")
    decisions = decide(ctx, found.returned, limit)
    ctx.stage("Write the result")
    report = sum_up(found, decisions, ctx.step(write_refunds, found, decisions))
    ctx.notify(summary(report))
    if not returned:
        ctx.alert(nothing_returned(report, statuses))
    return report


def find_returned(orders: File, statuses: str, columns: str) -> Export:
    """Return the orders of a file.

    This function is a step, so the file isn't read again in each replay.
    """
    return read_orders(orders, statuses=statuses, columns=columns)


# Deciding


def decide(ctx: Context, orders: Sequence[Order], limit: Decimal) -> list[Decision]:
    """Decide about each order; only orders above the limit need somebody's answer."""
    above = ask(ctx, [order for order in orders if order.amount > limit])
    # Decisions are found by line, because each line may write the same order number differently.
    decided = {decision.order.line: decision for decision in above}
    by_limit = partial(Decision, verdict=Verdict.REFUNDED, decided_by=BY_LIMIT)
    return [decided.get(order.line) or by_limit(order) for order in orders]


def ask(ctx: Context, orders: Sequence[Order]) -> list[Decision]:
    """Ask about each order, or about groups if there are many orders.

    All questions are open together.
    """
    if len(orders) > AT_ONCE:
        groups = [partial(ask_for_group, orders=group) for group in grouped(orders)]
        return list(chain.from_iterable(ctx.gather(*groups)))
    handles = [
        ctx.later.approve(
            f"Refund {order.price} for order {order.order} ({order.customer})?",
            yes=f"Refund {order.price}",
            no="Do not refund",
            evidence=asdict(order),
            expires="2h",
            default=False,
        )
        for order in orders
    ]
    answers = ctx.wait_all(*handles)
    return [decided(order, answer) for order, answer in zip(orders, answers, strict=True)]


def ask_for_group(ctx: Context, orders: Sequence[Order]) -> list[Decision]:
    """Ask one question about a group of orders; if the answer is "each", ask further questions."""
    price = money(add_up(order.amount for order in orders), orders[0].currency)
    answer = ctx.choose(
        f"Refund {len(orders):,} orders, {price} in all?",
        {
            "all": f"Refund all {len(orders):,}: {price}",
            "each": "Decide one by one" if len(orders) <= AT_ONCE else "Decide in smaller groups",
            "none": "Refund none of them",
        },
        evidence=listed(orders),
        expires="2h",
        default="none",
    )
    if answer.value == "each":
        return ask(ctx, orders)
    return [decided(order, answer, is_yes=answer.value == "all") for order in orders]


def grouped(orders: Sequence[Order]) -> list[Sequence[Order]]:
    """Split the orders into at most twenty groups of nearly the same size, in file order."""
    count = min(-(-len(orders) // AT_ONCE), AT_ONCE)
    ends = [len(orders) * number // count for number in range(count + 1)]
    return [orders[start:end] for start, end in pairwise(ends)]


def listed(orders: Sequence[Order]) -> dict[str, Any]:
    """Return the evidence for a group: all orders, or the largest ones and the sum of the rest."""
    largest = sorted(orders, key=lambda order: -order.amount)[:MOST_LISTED]
    shown = orders if len(orders) <= MOST_LISTED else largest
    rows = [{name: getattr(order, name) for name in LISTED} for order in shown]
    if shown is orders:
        return {"orders": rows}
    kept = {order.line for order in largest}
    others = add_up(order.amount for order in orders if order.line not in kept)
    return {"largest": rows, "others": len(orders) - len(rows), "others_amount": others}


def decided(order: Order, answer: Response[Any], *, is_yes: bool | None = None) -> Decision:
    silent = Verdict.UNANSWERED if answer.timed_out else Verdict.REFUSED
    verdict = Verdict.REFUNDED if (bool(answer) if is_yes is None else is_yes) else silent
    return Decision(order, verdict, answer.responder, answer.comment)


# The result


def write_refunds(found: Export, decisions: Sequence[Decision]) -> File:
    """Write the decisions as a CSV file with the export's delimiter, line ends and decimal mark."""
    rows = [
        {
            **asdict(decision.order),
            "amount": str(decision.order.amount).replace(".", found.mark),
            "outcome": decision.verdict,
            "decided_by": decision.decided_by,
            "comment": decision.comment,
        }
        for decision in decisions
    ]
    content = sheet_bytes(COLUMNS, rows, found.dialect)
    return File.keep("refunds.csv", content, content_type="text/csv")


def sum_up(found: Export, decisions: Sequence[Decision], file: File) -> Report:
    def total(verdict: Verdict) -> Total:
        amounts = [chosen.order.amount for chosen in decisions if chosen.verdict == verdict]
        return Total(len(amounts), add_up(amounts))

    return Report(
        found.read,
        refunded=total(Verdict.REFUNDED),
        refused=total(Verdict.REFUSED),
        unanswered=total(Verdict.UNANSWERED),
        currency=found.returned[0].currency if found.returned else "",
        file=file,
        statuses=found.statuses,
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
    return f"Orders read: {report.read:,}; {became}. They are listed in {report.file.name}."


def nothing_returned(report: Report, statuses: str) -> str:
    """Return the text of an alert for a file without returned orders.

    The text names the statuses that the orders in the file have.
    """
    found = ", ".join(map(str, report.statuses[:MOST_STATUSES]))
    more = len(report.statuses) - MOST_STATUSES
    rest = f" and {more:,} more" if more > 0 else ""
    return (
        f"Nothing was refunded: no order has the status {' or '.join(quoted(statuses))}. "
        f"Found: {found}{rest}. If one of them means returned, start again and enter it "
        "under “statuses”."
    )


def quoted(statuses: str) -> Iterator[str]:
    return (f"“{status}”" for status in sorted(read_statuses(statuses)))
