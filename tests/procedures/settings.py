"""Steps that change what all code of a process shares, each in its own way, and code that looks."""

import asyncio
import os
import random
import tempfile
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from procedures.engine import Context, Retry, StepFailedError, procedure
from procedures.engine.execution.rare import around_turns
from tests.procedures.changes import ALL


def change(way: str, error: str = "") -> str:
    ALL[way].change()
    if error:
        raise ValueError(error)
    return way


async def change_later(way: str) -> str:
    await asyncio.sleep(0)
    return change(way)


def look(way: str) -> str:
    """Finds how the process is set, as other code of it would."""
    return repr(ALL[way].look())


@procedure
def changing(ctx: Context, way: str, how: str = "plain") -> list[str]:
    """A step changes a setting; what the code and the next step find then."""
    with suppress(StepFailedError):
        CALLS[how](ctx, way)
    return [look(way), ctx.step(look, way)]


CALLS: dict[str, Callable[[Context, str], object]] = {
    "plain": lambda ctx, way: ctx.step(change, way),
    "transaction": lambda ctx, way: ctx.step(change, way, transaction=True),
    "pure": lambda ctx, way: ctx.step(change, way, pure=True),
    "timed": lambda ctx, way: ctx.step(change, way, timeout="1m"),
    "async": lambda ctx, way: ctx.step(change_later, way, name="change"),
    "raises": lambda ctx, way: ctx.step(change, way, "It broke.", retry=Retry(2, "1ms")),
    "gather": lambda ctx, way: ctx.gather(changes_in_branch(way), does_nothing),
}


def changes_in_branch(way: str) -> Callable[[Context], str]:
    def changes(branch: Context) -> str:
        return branch.step(change, way)

    return changes


def does_nothing(branch: Context) -> None:
    """Stands beside the branch that changes something."""


@procedure
def changing_between(ctx: Context, way: str) -> list[str]:
    """The code itself changes a setting, and goes on with it after a question."""
    change(way)
    seen = ctx.step(look, way)
    ctx.ask("Go on?")
    return [seen, look(way), ctx.step(look, way, name="look again")]


@procedure
def changing_against(ctx: Context, way: str) -> list[str]:
    """A step sets back what the code itself has changed before it."""
    usual = around_turns.read()
    change(way)
    seen = look(way)

    def set_back() -> None:
        around_turns.set_back(usual)

    ctx.step(set_back)
    return [seen, look(way)]


@procedure
def looking(ctx: Context) -> dict[str, list[str]]:
    """The settings as the code and a step find them."""
    return {way: [look(way), ctx.step(look, way)] for way in ALL}


def draw(*, seeded: bool) -> float:
    if seeded:
        random.seed(31)
    return random.random()  # noqa: S311 (no secret)


@procedure
def drawing(ctx: Context, *, seeded: bool) -> float:
    return ctx.step(draw, seeded=seeded)


def refunds() -> str:
    return str(Decimal("999.95") + Decimal("70.10"))


@procedure
def refunding(ctx: Context) -> str:
    return f"{refunds()} {ctx.step(refunds)}"


def leave_for_good(folder: str) -> None:
    """The working directory that the code has chosen is gone after this."""
    os.chdir("/")
    Path(folder).rmdir()


@procedure
def unrecoverable(ctx: Context) -> str:
    folder = ctx.step(tempfile.mkdtemp, name="make")
    Path(folder).mkdir(exist_ok=True)
    os.chdir(folder)
    ctx.step(leave_for_good, folder)
    return "done"
