"""Procedures that run a second time, from somewhere in the middle."""

from typing import Any

from procedures.engine import BranchFailedError, Context, File, Step, procedure
from tests.procedures.families import doubled, write_list
from tests.procedures.together import ask_ann, fail_later
from tests.procedures.traces import act, did, saw


def note_key(step: Step) -> str:
    did.append(step.idempotency_key)
    return step.idempotency_key


def fail_once_asked() -> None:
    if "mended" not in saw:
        raise OSError("broken")


@procedure
def going_shopping(ctx: Context, goods: str = "milk", strict: bool = False) -> str:  # noqa: FBT001, FBT002
    ctx.step(act, f"list {goods}", name="list", strict=strict)
    said = ctx.approve(f"Buy {goods}?", name="may")
    if not said:
        return f"no {goods}"
    ctx.step(act, f"buy {goods}", name="buy")
    ctx.step(act, f"carry {goods}", name="carry")
    return f"{goods}, {said.responder}"


@procedure
def drawing_lots(ctx: Context) -> list[Any]:
    begun, drawn = ctx.now().isoformat(), [ctx.random.random(), str(ctx.uuid())]
    ctx.step(act, "first", name="first")
    then = ctx.now().isoformat()
    key = ctx.step(note_key, name="second")
    return [begun, then, *drawn, ctx.random.random(), key]


@procedure
def two_of_three(ctx: Context) -> list[str]:
    asked = [ctx.later.approve("Pay?", name=name) for name in ("ann", "ben", "cem")]
    won = ctx.wait_n(2, *asked)
    ctx.step(act, "pay", name="pay")
    return [one.key for one in won]


@procedure
def asked_before(ctx: Context) -> list[str]:
    """The last wait was answered, or not, before the step in the middle."""
    asked = [ctx.later.ask("Which?", name=name) for name in ("ann", "ben", "cem")]
    asked[0].wait()
    ctx.step(act, "work", name="work")
    return [one.key for one in ctx.wait_n(2, *asked)]


@procedure
def with_a_child(ctx: Context, waits: bool = True) -> int:  # noqa: FBT001, FBT002
    child = ctx.spawn(doubled, number=4)
    if waits:
        child.wait()
    ctx.step(act, "work", name="work")
    result: int = child.wait()
    return result


@procedure
def with_branches(ctx: Context) -> list[Any]:
    try:
        ends: list[Any] = ctx.gather(ask_ann, fail_later)
    except BranchFailedError as error:
        ends = [error.branch]
    ctx.step(act, "after", name="after")
    return ends


@procedure
def turning(ctx: Context, number: int = 1, goods: str = "milk") -> str:
    ctx.step(act, f"{goods} {number}", name="work")
    key = ctx.step(note_key, name="key")
    if number < 2:
        ctx.continue_as_new(number=number + 1, goods=goods)
    return f"{ctx.started_by}: {goods}, {key}"


@procedure
def booked_twice(ctx: Context, insured: bool = True) -> None:  # noqa: FBT001, FBT002
    ctx.step(act, "book a room", name="room")
    if insured:
        ctx.compensate(act, "cancel the room", name="no_room")
    ctx.approve("Book a flight?")
    ctx.step(act, "book a flight", name="flight")
    ctx.compensate(act, "cancel the flight", name="no_flight")
    ctx.step(fail_once_asked, name="pay")


@procedure
def many_quick_steps(ctx: Context, times: int) -> int:
    total = sum(int(ctx.step(abs, -1, name="quick", pure=True)) for _ in range(times))
    ctx.step(act, "last", name="last")
    return total


@procedure
def two_files(ctx: Context) -> list[str]:
    shopping = ctx.step(write_list)
    other = ctx.step(lambda: [File.keep("other.txt", "soap")], name="other")
    return [ctx.step(shopping.text, name="read"), str(len(other))]
