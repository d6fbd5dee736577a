"""Steps that leave transactions open, and sessions with settings."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, Literal

from django.db import Error, connection, transaction

from procedures.engine import Context, procedure
from procedures.models import Signal

Way = Literal[
    "dropped",
    "held",
    "nested",
    "savepoint",
    "begin",
    "autocommit",
    "wrapper",
    "session",
    "clean",
    "raised",
]
HELD: list[Any] = []
"""What a module keeps for ever."""


def leave_open(way: Way) -> str:
    LEAVING[way](ExitStack())
    if way == "raised":
        raise ValueError("It broke.")
    return way


def _begin(stack: ExitStack) -> None:
    stack.enter_context(transaction.atomic())


def _begin_and_hold(stack: ExitStack) -> None:
    HELD.append(stack)
    _begin(stack)


def _begin_twice(stack: ExitStack) -> None:
    _begin(stack)
    _begin(stack)


def _begin_with_savepoint(stack: ExitStack) -> None:
    _begin(stack)
    transaction.savepoint()


def _wrap(stack: ExitStack) -> None:
    stack.enter_context(connection.execute_wrapper(_refuse))


LEAVING: dict[Way, Callable[[ExitStack], object]] = {
    "dropped": _begin,
    "raised": _begin,
    "held": _begin_and_hold,
    "nested": _begin_twice,
    "savepoint": _begin_with_savepoint,
    "begin": lambda _: _say("BEGIN"),
    "autocommit": lambda _: transaction.set_autocommit(False),
    "wrapper": _wrap,
    "session": lambda _: _say(SET[connection.vendor]),
    "clean": lambda _: None,
}
SET: dict[str, str] = {
    "sqlite": "PRAGMA foreign_keys = OFF",
    "postgresql": "SET statement_timeout = '1ms'",
}
ASKED = {"sqlite": "PRAGMA foreign_keys", "postgresql": "SHOW statement_timeout"}


def _refuse(*_: Any) -> None:
    raise AssertionError("This wrapper was never taken off.")


def _say(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def look() -> str:
    """How the session is set, as the next step finds it."""
    Signal.objects.count()
    with connection.cursor() as cursor:
        cursor.execute(ASKED[connection.vendor])
        return str(cursor.fetchone()[0])


@procedure
def careless(ctx: Context, way: Way = "dropped") -> str:
    with suppress(Exception):
        ctx.step(leave_open, way)
    return ctx.step(look)


Inside = Literal["nested", "swallowed", "commit", "marked"]


def break_inside(way: Inside) -> str:
    """Within the transaction of the step itself."""
    match way:
        case "nested":
            ExitStack().enter_context(transaction.atomic())
        case "swallowed":
            with suppress(Error), transaction.atomic(savepoint=False):
                _say("SELECT nothing FROM nowhere")
        case "commit":
            _say("COMMIT")
        case "marked":
            transaction.set_rollback(True)
    return way


@procedure
def breaking(ctx: Context, way: Inside) -> str:
    with suppress(Exception):
        ctx.step(break_inside, way, transaction=True)
    return ctx.step(look, transaction=True)


@procedure
def careless_between(ctx: Context, way: Way) -> str:
    leave_open(way)
    return "done"
