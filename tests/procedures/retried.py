"""Failures in a branch or a child, until the tests have mended them."""

from typing import Any

from procedures.engine import Context, procedure
from tests.procedures.families import doubled
from tests.procedures.together import ask_ann, break_unless_mended
from tests.procedures.traces import act


def work_and_break(ctx: Context) -> str:
    ctx.step(act, "work", name="work")
    return ctx.step(break_unless_mended, name="mend")


def gather_within(ctx: Context) -> list[Any]:
    return ctx.gather(work_and_break)


def call_within(ctx: Context) -> str:
    return str(ctx.call(broken_child))


@procedure
def broken_child(ctx: Context, number: int = 0, asks: bool = False) -> str:  # noqa: FBT001, FBT002
    ctx.step(act, f"work {number}", name="work")
    if asks:
        ctx.approve("Go on?")
    else:
        ctx.step(break_unless_mended, name="mend")
    return f"fine {number}"


@procedure
def broken_branch(ctx: Context, within: str = "") -> list[Any]:
    broken = {"": work_and_break, "gather": gather_within, "call": call_within}[within]
    return ctx.gather(ask_ann, broken)


@procedure
def above_broken(ctx: Context) -> str:
    """Waits for its child long after that has failed."""
    child = ctx.spawn(broken_child)
    ctx.approve("Go on?")
    return str(child.wait())


@procedure
def twice_above_broken(ctx: Context) -> str:
    return str(ctx.call(above_broken))


@procedure
def broken_or_asked(ctx: Context) -> str:
    child = ctx.spawn(broken_child)
    first = ctx.wait_any(child, ctx.later.ask("Which?"))
    return f"{first.key}: {child.wait()}"


@procedure
def above_many(ctx: Context) -> list[Any]:
    """The second fails, the third asks, the fourth begins when one of them has ended."""
    inputs = [{"number": number, "asks": number == 2} for number in range(3)]
    return ctx.map(broken_child, [{"number": 9, "asks": True}, *inputs[1:], inputs[0]], at_most=3)


@procedure
def above_one_by_one(ctx: Context) -> list[Any]:
    return ctx.map(broken_child, [{"number": number} for number in range(3)], at_most=1)


def break_after_a_yes(ctx: Context) -> str:
    ctx.approve("Go on?")
    return ctx.step(break_unless_mended, name="mend")


@procedure
def two_branches_one_late(ctx: Context) -> list[Any]:
    return ctx.gather(ask_ann, break_after_a_yes)


@procedure
def calling_strictly(ctx: Context) -> int:
    result: int = ctx.call(doubled, number=4, asks=True)
    return result
