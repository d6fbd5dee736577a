"""Runs that read what people write to them."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from procedures.engine import (
    Context,
    ConverseOptions,
    File,
    InboxMessage,
    Retry,
    Step,
    procedure,
)
from tests.procedures.traces import act, did, interludes, let_others_act, saw


def told(message: InboxMessage) -> str:
    return f"{message.sender}: {message.text}"


@procedure(listens=True)
def listening(ctx: Context, steps: int = 2) -> list[list[str]]:
    """Read the inbox after each question, and note once what was read."""
    read = []
    for number in range(steps):
        ctx.approve(f"Go on {number}?")
        found = [told(one) for one in ctx.inbox()]
        ctx.step(act, f"do {number} after {found}", name=f"do {number}")
        read.append(found)
    return read


@procedure(listens=True)
def conversing(ctx: Context) -> list[str]:
    said = [told(one) for one in ctx.inbox()]
    while message := ctx.converse(f"You said {len(said)} things. What next?", expires="1h"):
        assert isinstance(message.at, datetime)
        said.append(told(message))
        ctx.step(act, message.text, name="do")
    saw.append(asdict(message) | {"at": None})
    return said


@procedure(listens=True)
def conversing_strictly(ctx: Context, options: dict[str, Any]) -> str:
    given: ConverseOptions = options  # type: ignore[assignment]  # whatever a test gives
    return ctx.converse("Which?", **given).text


@procedure(listens=True)
def conversing_in_branches(ctx: Context) -> list[str]:
    def talks(inner: Context) -> str:
        return told(inner.converse("Which colour?"))

    def asks(inner: Context) -> str:
        return inner.approve("Paint it?").responder

    return [*ctx.gather(talks, asks)]


@procedure(listens=True)
def conversing_below(ctx: Context) -> Any:
    return ctx.call(conversing_strictly, options={})


@procedure
def deaf(ctx: Context) -> None:
    ctx.inbox()


@procedure(listens=True)
def dying_listener(ctx: Context) -> list[list[str]]:
    """Read the inbox before and after a step in which the worker may die."""
    ctx.approve("Go on?")
    early = [one.text for one in ctx.inbox()]
    ctx.step(let_others_act)
    return [early, [one.text for one in ctx.inbox()]]


@procedure
def looks_for_payments(ctx: Context) -> list[Any]:
    """Look for signals before and after a step in which the worker may die, and wait for one."""
    ctx.approve("Go on?")
    early = ctx.received("paid")
    ctx.step(let_others_act)
    late = ctx.received("paid")
    waited = ctx.signal("paid", int).wait()
    return [[one.value for one in early], [one.value for one in late], waited.value]


@procedure(listens=True)
def failing_listener(ctx: Context) -> list[str]:
    ctx.approve("Fail?", assign="operators")
    ctx.step(fail_unless_mended)
    return [one.text for one in ctx.inbox()]


def fail_unless_mended() -> None:
    did.append("failed")
    if did.count("failed") == 1:
        raise ValueError("Not yet.")


def count_slowly(step: Step) -> list[str]:
    """Work in three pieces, and read what people write between them."""
    heard = []
    for number in range(3):
        if interludes:
            interludes.pop(0)()
        heard += [f"{number}: {one.text}" for one in step.messages()]
    return heard


@procedure(steer=True)
def steered(ctx: Context, pure: bool = False) -> list[list[str]]:  # noqa: FBT001, FBT002
    heard = ctx.step(count_slowly, retry=Retry(2, "1s"), pure=pure)
    return [heard, [one.text for one in ctx.inbox()]]


@procedure(steer=True)
def steered_too_late(ctx: Context) -> list[str]:
    ctx.step(let_others_act)
    return [one.text for one in ctx.inbox()]


@procedure(steer=True)
def steered_after_a_question(ctx: Context) -> list[str]:
    ctx.approve("Go on?")
    return ctx.step(count_slowly)


booked: dict[str, tuple[str, list[int]]] = {}
"""The bookings, by idempotency key, with each attempt."""


def enter_booking(what: str, step: Step) -> str:
    booked.setdefault(step.idempotency_key, (what, []))[1].append(step.attempt)
    return what


@procedure(listens=True)
def booking(ctx: Context) -> list[str]:
    """Book what people say, and what they add while it works."""
    done: list[str] = []
    while (message := ctx.converse(f"{len(done)} so far. What next?")).text != "done":
        done.append(ctx.step(enter_booking, message.text, name="book"))
        done += [ctx.step(enter_booking, more.text, name="add") for more in ctx.inbox()]
    return done


@procedure(listens=True)
def conversing_twice(ctx: Context) -> list[str]:
    first = ctx.converse("Which colour?")
    early = [one.text for one in ctx.inbox()]
    return [first.text, ctx.converse("Which size?").text, *early]


def refuse() -> None:
    raise ConnectionError("The bank does not answer.")


@procedure(listens=True)
def retrying_listener(ctx: Context) -> None:
    ctx.approve("Pay back?")
    ctx.step(refuse, name="pay_back", retry=Retry(3, "1h"))


def read_files(files: list[File]) -> list[str]:
    return [f"{one.name}: {one.text()}" for one in files]


@procedure(listens=True)
def reading_sent_files(ctx: Context) -> list[list[str]]:
    """Read the files of messages that are there already, and of one that is waited for."""
    messages = [*ctx.inbox(), ctx.converse("Which files?")]
    return [[one.text, *ctx.step(read_files, list(one.files))] for one in messages]
