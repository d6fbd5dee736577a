"""Steps that leave transactions open, and sessions with settings."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, Literal

from django.db import Error, connection, transaction
from psycopg.sql import SQL

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
    "composed",
    "behind",
    "function",
    "temporary",
    "driver",
    "clean",
    "raised",
]
HELD: list[Any] = []
"""A value that a module keeps for ever."""


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
    "composed": lambda _: _say(SET[connection.vendor], is_composed=True),
    "behind": lambda _: _say(BEHIND[connection.vendor]),
    "function": lambda _: _say(FUNCTION[connection.vendor]),
    "temporary": lambda _: _say(TEMPORARY[connection.vendor]),
    "driver": lambda _: _set_driver(),
    "clean": lambda _: None,
}
BEHIND: dict[str, str] = {
    "sqlite": "PRAGMA foreign_keys = OFF",
    "postgresql": "SELECT 1; SET statement_timeout = '1ms'",
}
FUNCTION: dict[str, str] = {
    "sqlite": "PRAGMA foreign_keys = OFF",
    "postgresql": "SELECT SET_CONFIG ('statement_timeout', '1ms', false)",
}
TEMPORARY: dict[str, str] = {
    "sqlite": "CREATE TEMPORARY TABLE countersign_procedures_signal (id)",
    "postgresql": "SELECT 1 AS id INTO TEMP countersign_procedures_signal",
}
"""Hides a table of ours from whoever comes next."""
SET: dict[str, str] = {
    "sqlite": "PRAGMA foreign_keys = OFF",
    "postgresql": "SET statement_timeout = '1ms'",
}
ASKED = {"sqlite": "PRAGMA foreign_keys", "postgresql": "SHOW statement_timeout"}


def _set_driver() -> None:
    driver: Any = connection.connection
    if connection.vendor == "sqlite":
        driver.row_factory = lambda _cursor, row: {str(place): one for place, one in enumerate(row)}
    else:
        driver.read_only = True


def _refuse(*_: Any) -> None:
    raise AssertionError("This wrapper was never taken off.")


def _say(statement: str, *, is_composed: bool = False) -> None:
    is_composed = is_composed and connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute(SQL(statement) if is_composed else statement)


def look() -> str:
    """The settings of the session, as the next step finds them."""
    with transaction.atomic():
        Signal.objects.filter(name="no such one").delete()
        count = Signal.objects.count()
    with connection.cursor() as cursor:
        cursor.execute(ASKED[connection.vendor])
        return f"{count} {cursor.fetchone()[0]}"


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
