"""Runs that look at, send to and cancel other runs, and wait for the first of several."""

from typing import Any

from procedures.engine import ChildFailedError, Context, SignalError, UnreachableRunError, procedure
from tests.procedures.traces import act, saw


@procedure
def receiving(ctx: Context, asks: bool = True) -> Any:  # noqa: FBT001, FBT002
    if asks:
        ctx.approve("Ready?")
    try:
        received = ctx.signal("word", int).wait()
    except SignalError as error:
        return [error.name, error.message]
    return [received.value, received.sender.partition(" ")[0]]


@procedure
def sending(ctx: Context, value: Any = 7, error: str = "", asks: bool = False) -> Any:  # noqa: FBT001, FBT002
    child = ctx.spawn(receiving, asks=asks)
    ctx.send(child, "word", value, error=error)
    ctx.approve("Sent?")
    return child.wait()


@procedure
def sending_twice(ctx: Context) -> Any:
    child = ctx.spawn(receiving, asks=False)
    for value in (1, 2):
        ctx.send(child.run_id or "", "word", value, id="the same")
    ctx.sleep("1h")
    return child.wait()


@procedure
def answering_above(ctx: Context) -> None:
    assert ctx.parent_id
    ctx.send(ctx.parent_id, "word", 9)


@procedure
def hearing_below(ctx: Context) -> Any:
    ctx.spawn(answering_above)
    return [ctx.signal("word", int).wait().value, ctx.parent_id]


@procedure
def reaching_out(ctx: Context, to: str, act_done: str = "signal") -> str:
    try:
        ctx.send(to, "word", 7)
    except UnreachableRunError as error:
        ctx.step(act, "refused", name="refused")
        ctx.approve("Go on?")
        return str(error)
    return "sent"


@procedure
def cancelling(ctx: Context) -> Any:
    child = ctx.spawn(receiving)
    ctx.approve("Cancel it?")
    child.cancel("It takes too long.")
    try:
        child.wait()
    except ChildFailedError as error:
        return [error.outcome, child.status]


@procedure
def withdrawing(ctx: Context) -> list[Any]:
    question = ctx.later.approve("Old?")
    timer, signal = ctx.timer("1h"), ctx.signal("paid")
    ctx.approve("Withdraw?")
    for one in (question, timer, signal):
        one.cancel("Nobody needs it.")
        one.cancel("Twice is once.")
    said = question.wait()
    ctx.approve("Done?")
    return [str(said.outcome), said.comment, question.status, timer.status, signal.wait().timed_out]


@procedure
def reading_below(ctx: Context) -> list[str]:
    child, question = ctx.spawn(receiving, asks=False), ctx.later.ask("Who?")
    read = [child.status, question.status]
    ctx.approve("Look again?")
    read += [child.status, question.status]
    saw.append(tuple(read))
    ctx.approve("And again?")
    return [*read, child.status]


@procedure
def keeping_open(ctx: Context, count: int = 3) -> list[str]:
    asked = [ctx.later.ask(f"No. {number}?", name=f"q{number}") for number in range(count)]
    first = ctx.wait_any(*asked, keep_open=True)
    saw.append(first.key)
    left = [one for one in asked if one is not first]
    ctx.approve("Go on?")
    second = ctx.wait_any(*left, keep_open=True)
    ctx.approve("End?")
    return [first.key, second.key, str(second.wait().value)]


@procedure
def keeping_nothing_open(ctx: Context, count: int = 3) -> str:
    """Other code of the same run."""
    asked = [ctx.later.ask(f"No. {number}?", name=f"q{number}") for number in range(count)]
    return ctx.wait_any(*asked).key


@procedure
def as_they_come(ctx: Context, count: int = 3, most: int = 100) -> list[str]:
    asked = [ctx.later.ask(f"No. {number}?", name=f"q{number}") for number in range(count)]
    order = []
    for one in ctx.as_finished(asked):
        order.append(f"{one.key}={ctx.step(act, one.wait().value, name='take')}")
        if len(order) == most:
            break
    return order


@procedure
def above_a_receiver(ctx: Context) -> Any:
    return ctx.call(receiving, asks=False)
