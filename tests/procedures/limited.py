"""Procedures with limits."""

from contextlib import suppress

from procedures.engine import ChildFailedError, Context, Limits, Retry, StepFailedError, procedure
from tests.procedures.traces import act


@procedure(limits=Limits(steps=3))
def three_steps_at_most(ctx: Context, count: int, way: str = "") -> int:
    if way == "undone":
        ctx.compensate(act, "undo", name="undo")
    for number in range(count):
        ctx.step(act, str(number), name="work")
    return count


@procedure(limits=Limits(events=9))
def nine_events_at_most(ctx: Context, way: str) -> None:
    ctx.compensate(act, "undo", name="undo")
    while True:
        try:
            one_more(ctx, way)
        except Exception:  # noqa: BLE001 (as code is that never wants to end)
            act("swallowed")


def one_more(ctx: Context, way: str) -> None:
    if way == "steps":
        ctx.step(act, "step")
    elif way == "tries":
        ctx.step(fail_again, retry=Retry(100, backoff="1ms"))
    elif way == "logs":
        ctx.log("Still here.")
    elif way == "state":
        ctx.state["count"] = ctx.state.get("count", 0) + 1
    else:
        ctx.later.ask("What else?")


def fail_again() -> None:
    raise OSError("No.")


def act_and_fail() -> None:
    act("first")
    raise OSError("No.")


@procedure(limits=Limits(steps=1))
def going_on_without(ctx: Context) -> str:
    with suppress(StepFailedError):
        ctx.step(act_and_fail)
    return ctx.step(act, "second")


@procedure
def smallest(ctx: Context, number: int = 0) -> int:
    return number


@procedure(limits=Limits(children=3))
def three_children_at_most(ctx: Context, one_by_one: int, in_a_map: int) -> int:
    for _ in range(one_by_one):
        ctx.call(smallest)
    return len(ctx.map(smallest, [{"number": number} for number in range(in_a_map)]))


@procedure(limits=Limits(depth=2))
def set_in_one_another(ctx: Context, deep: int) -> str:
    try:
        return str(ctx.call(set_in_one_another, deep=deep - 1)) if deep else "deep enough"
    except ChildFailedError as error:
        return error.message


@procedure(limits=Limits(max_duration="2 days"))
def two_days_at_most(ctx: Context, way: str = "question") -> str:
    if way != "question":
        ctx.compensate(act, "undo", name="undo")
    if way in ("question", "undone"):
        ctx.approve("Go on?")
    elif way == "set":
        ctx.wait_any(ctx.later.ask("This?"), ctx.signal("paid"))
    elif way == "retry":
        ctx.step(fail_again, retry=Retry(2, backoff="5 days", max_backoff="5 days"))
    return ctx.step(act, "done")


@procedure(limits=Limits(steps=2, max_duration="2 days"))
def two_at_a_time(ctx: Context, number: int = 1) -> int:
    for _ in range(2):
        ctx.step(act, "step")
    ctx.sleep("16h")
    if number < 9:
        ctx.continue_as_new(number=number + 1)
    return number


@procedure(limits=Limits(steps=2))
def beside_another(ctx: Context) -> None:
    ctx.gather(does_too_much, books)


def does_too_much(ctx: Context) -> None:
    ctx.approve("Go on?")
    for _ in range(2):
        ctx.step(act, "step")


def books(ctx: Context) -> None:
    ctx.step(act, "book")
    ctx.compensate(act, "unbook", name="unbook")
    ctx.approve("Keep it?")
