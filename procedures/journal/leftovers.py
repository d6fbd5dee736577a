"""What code leaves behind on our database connections: found after each step, and put away.

A transaction that a step has entered and never left would keep this process's later commits from
everybody, for ever; a setting of the session would be another run's.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import psycopg
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import TransactionStatus

from procedures.models.cursors import this_database
from procedures.slot import slot

PLAIN = (
    *("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES", "EXPLAIN", "SET LOCAL"),
    *("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"),  # found by how the connection stands
)
"""What a statement may begin with that leaves nothing in the session."""
LASTING = ("set_config(", "pg_advisory_lock", "pg_try_advisory_lock")


class Standing(NamedTuple):
    """How one connection stands."""

    depth: int
    """How many atomic blocks are open."""
    savepoints: int
    wrappers: int
    is_autocommit: bool


NOTHING_OPEN = Standing(0, 0, 0, is_autocommit=True)
HAS_ONE = len(settings.DATABASES) == 1


class Standings:
    """How all connections of this thread stand before code runs, and what it does to them."""

    def __init__(self) -> None:
        self.before: dict[str, Standing] = {}
        self.lasting: dict[str, str] = {}
        """Statements, by connection, whose effect outlasts them."""
        self.used: set[str] = set()
        """Connections that a statement was sent by: the first of a transaction begins it."""
        for one in _opened():
            self.before[one.alias] = _standing(one)
            one.execute_wrappers.append(self._see)

    def put_away(self) -> str:
        """Say what was left open, "" if nothing, and put it away with all the session holds."""
        told = ""
        for one in _opened():
            if words := self._put_away(one):
                told = f"{told} {words}".strip()
        return told

    def _put_away(self, database: BaseDatabaseWrapper) -> str:
        before = self.before.get(database.alias, NOTHING_OPEN)
        del database.execute_wrappers[before.wrappers :]  # ours, and what the code has added
        words = _left_open(database, before, is_used=database.alias in self.used)
        if words:
            _go_back(database, before)
        if words or database.alias in self.lasting:
            _close_when_possible(database, before)
        return words

    def _see(
        self,
        execute: Callable[..., Any],
        sql: Any,
        params: Any,
        many: bool,  # noqa: FBT001 (Django's own order)
        context: dict[str, Any],
    ) -> Any:
        alias = context["connection"].alias
        self.used.add(alias)
        if isinstance(sql, str) and _is_lasting(sql):
            self.lasting[alias] = sql
        return execute(sql, params, many, context)

    _see.is_ours = True  # type: ignore[attr-defined]  # what the engine says passes it by


def _is_lasting(sql: str) -> bool:
    first = sql.lstrip("( \n\t")[:9].upper()
    if not first.startswith(PLAIN):
        return True
    return "(" in sql and any(name in sql for name in LASTING)


def _opened() -> Sequence[BaseDatabaseWrapper]:
    """The connections of this thread; to ask Django for all costs as much as half of a step."""
    if HAS_ONE and asyncio._get_running_loop() is None:  # noqa: SLF001 (asyncio documents it)
        return (this_database(),)
    return connections.all(initialized_only=True)


def _standing(database: BaseDatabaseWrapper) -> Standing:
    if not (database.atomic_blocks or database.savepoint_ids or database.execute_wrappers) and (
        database.autocommit or database.connection is None
    ):
        return NOTHING_OPEN
    return Standing(
        len(database.atomic_blocks),
        len(database.savepoint_ids),
        len(database.execute_wrappers),
        database.autocommit or database.connection is None,
    )


def _left_open(database: BaseDatabaseWrapper, before: Standing, *, is_used: bool) -> str:
    driver = database.connection
    if not (before.depth or database.atomic_blocks) and (
        driver is None or (database.autocommit and not _is_in_transaction(driver))
    ):
        return ""  # as after nearly every step
    now = _standing(database)
    if now.depth > before.depth or now.savepoints > before.savepoints:
        return "It left a transaction open: transaction.atomic() was entered and never left."
    if now.depth < before.depth:
        return "It ended the transaction that it was called in."
    return (
        _broken_inside(database, is_used=is_used) if before.depth else _begun_outside(database, now)
    )


def _begun_outside(database: BaseDatabaseWrapper, now: Standing) -> str:
    if not now.is_autocommit:
        return "It switched autocommit off, and did not switch it on again."
    if database.connection is not None and _is_in_transaction(database.connection):
        return "It began a transaction (BEGIN), and neither committed it nor rolled it back."
    return ""


def _broken_inside(database: BaseDatabaseWrapper, *, is_used: bool) -> str:
    if database.needs_rollback:
        return "It let an error pass that has undone its transaction: nothing of it can be kept."
    status = _status_of(database.connection)
    if status == TransactionStatus.INERROR:
        return "It let a database error pass: nothing of its transaction can be kept."
    is_sqlite = database.vendor == "sqlite"
    if (status == TransactionStatus.IDLE and is_used) or (
        is_sqlite and not database.connection.in_transaction
    ):
        return "It ended the transaction that it was called in (COMMIT or ROLLBACK)."
    return ""


def _is_in_transaction(driver: Any) -> bool:
    if isinstance(driver, psycopg.Connection):
        return driver.pgconn.transaction_status in OPEN
    return bool(driver.in_transaction)


def _status_of(driver: Any) -> TransactionStatus | None:
    if not isinstance(driver, psycopg.Connection):
        return None
    return TransactionStatus(driver.pgconn.transaction_status)


def _go_back(database: BaseDatabaseWrapper, before: Standing) -> None:
    """To the blocks that were open before; whatever still holds the others goes first."""
    if len(database.atomic_blocks) > before.depth:
        slot.replace("code left a transaction open")
        with suppress(Exception):  # what is collected here may end its block, and complain
            gc.collect()
    del database.atomic_blocks[before.depth :]
    del database.savepoint_ids[before.savepoints :]
    database.in_atomic_block = bool(before.depth)
    database.needs_rollback = bool(before.depth)
    database.run_on_commit = []


def _close_when_possible(database: BaseDatabaseWrapper, before: Standing) -> None:
    """At once, or, inside the engine's own transaction, when it has ended."""
    if before.depth:
        UNCLEAN.add(database.alias)
    else:
        close_truly(database)


OPEN = (TransactionStatus.INTRANS, TransactionStatus.INERROR, TransactionStatus.ACTIVE)
UNCLEAN: set[str] = set()
"""The connections to be closed when their transaction has ended."""


@contextmanager
def closed_after() -> Iterator[None]:
    """Close what code has left unclean inside a transaction of the engine's, after it."""
    try:
        yield
    finally:
        while UNCLEAN:
            close_truly(connections[UNCLEAN.pop()])


def close_truly(database: BaseDatabaseWrapper) -> None:
    """Not back into the pool: what the session holds goes with it."""
    driver = database.connection
    database.in_atomic_block = database.needs_rollback = False
    database.closed_in_transaction = False
    database.atomic_blocks.clear()
    database.savepoint_ids.clear()
    database.run_on_commit = []
    with suppress(Exception):
        if driver is not None:
            driver.close()
    with suppress(Exception):
        database.close()
    database.connection = None


def begin_clean() -> None:
    """Before anything is claimed: nothing is open, whatever became of the turn before."""
    for one in _opened():
        is_open = one.connection is not None and _is_in_transaction(one.connection)
        if one.in_atomic_block or is_open:
            close_truly(one)
