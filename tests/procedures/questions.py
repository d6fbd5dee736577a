"""Questions to people, with their time limits."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from procedures.engine import Context, File, RequestExpiredError, procedure
from tests.procedures.traces import act, saw


@procedure
def question(ctx: Context) -> bool:
    ctx.step(act, "before", name="before")
    decision = ctx.approve("Pay 31.20 €?", evidence={"order": 7})
    saw.append(decision)
    ctx.step(act, "after", name="after")
    return bool(decision)


@procedure
def equal_questions(ctx: Context) -> list[bool]:
    return [bool(ctx.approve("Once more?")) for _ in range(2)]


@procedure
def two_questions(ctx: Context) -> list[bool]:
    return [bool(ctx.approve("Pay?")), bool(ctx.approve("Send?"))]


@procedure
def questions_after_steps(ctx: Context, steps: int) -> list[bool]:
    for turn in range(steps):
        ctx.step(act, f"turn {turn}", pure=True)
    return [bool(ctx.approve("Pay?")), bool(ctx.approve("Send?"))]


@procedure
def named_questions(ctx: Context) -> list[bool]:
    return [bool(ctx.approve("Pay?", name="pay")), bool(ctx.approve("Send?", name="send"))]


@procedure
def typed_answers(ctx: Context) -> list[Any]:
    values: list[Any] = [ctx.ask("How much?", Decimal).value]
    values.append(ctx.ask("When?", date).value)
    values.append(ctx.choose("Which?", ["a", "b"], many=True).value)
    values.append(ctx.review("Fine?", "Dear bob").value)
    saw.extend(values)
    return values


DECISIONS = {"send": "Send", "request_changes": "Request changes", "items": "Ask the shop"}
"""One of them has a name that a template would look up in a dict."""


@procedure
def decided_data(ctx: Context, silence: Any = None) -> list[Any]:
    """Reviewed data in an order that a replay turns."""
    draft = ctx.step(read_draft, name="draft")
    said = ctx.review(
        "Right?", draft, decisions=DECISIONS, expires="1h", default=silence or {"decision": "late"}
    )
    saw.append(said.decision)
    return [said.decision, said.value, bool(said), said.outcome]


def read_draft() -> dict[str, Any]:
    return {"total": 7, "lines": [{"order": "A-1"}]}


@procedure
def default_beyond_the_rules(ctx: Context) -> list[Any]:
    many = ctx.ask("How many?", Annotated[int, Field(ge=1)], expires="1h", default=0)
    name = ctx.ask("Who?", str, expires="1h", default="")
    return [many.value, many.timed_out, name.value]


@procedure
def deadline_with_default(ctx: Context) -> bool:
    decision = ctx.approve("Go?", expires="1h", default=True)
    saw.append(decision)
    return bool(decision)


@procedure
def deadline_that_fails(ctx: Context) -> str:
    try:
        ctx.approve("Go?", expires="1h", on_timeout="fail")
    except RequestExpiredError as error:
        return str(error)
    return "answered"


@procedure
def deadline_that_withdraws(ctx: Context) -> bool:
    decision = ctx.approve("Go?", expires="1h", on_timeout="withdraw")
    saw.append(decision)
    return bool(decision)


def write_bill() -> File:
    return File.keep("blum.csv", "Mrs Blum;31.20\n")


@procedure
def bill_and_question(ctx: Context) -> bool:
    ctx.step(write_bill)
    return bool(ctx.approve("Pay Mrs Blum 31.20 €?", expires="2h", default=False))
