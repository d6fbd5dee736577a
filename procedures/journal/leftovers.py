"""Leftovers of author code on database connections, which are found and removed after each step.

If a step begins a transaction and never ends it, nobody sees what this process commits later. If a
step changes a setting of the database session, other runs are affected.
"""

import asyncio
import gc
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from operator import attrgetter
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg.pq import TransactionStatus

from procedures.slot import slot
from procedures.store.cursors import this_database

PLAIN = (
    *("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES", "EXPLAIN", "SET LOCAL"),
    # The connection's state shows what they leave.
    *("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"),
)
"""The first words of SQL statements that change nothing in the database session."""
OURS = {"lease_keeper", "excuse", "messenger", "doorbell"}
"""The names of the threads that the product itself starts in a worker process."""
LASTING = re.compile(
    r"\b(set_config|setseed|pg_(try_)?advisory_lock(_shared)?)\s*\(|\binto\s+temp(orary)?\b|;\s*\S",
    re.IGNORECASE,
)
"""Pieces of SQL that change the database session, or after which a second statement follows."""
ATTRIBUTES: dict[str, Callable[[Any], Any]] = {
    "sqlite": attrgetter("isolation_level", "row_factory", "text_factory"),
    "postgresql": attrgetter(
        *("_isolation_level", "_read_only", "_deferrable"),
        *("row_factory", "cursor_factory", "_prepared.prepare_threshold"),
    ),
}
"""Functions that read the settings of a driver's connection, by database.

They read private attributes of psycopg, because its properties are slow.
"""


class TransactionState(NamedTuple):
    """The transaction state of a connection."""

    depth: int
    """The number of open atomic blocks."""
    savepoints: int
    is_autocommit: bool


NOTHING_OPEN = TransactionState(0, 0, is_autocommit=True)
HAS_ONE = len(settings.DATABASES) == 1


class ConnectionStates:
    """The transaction states of this thread's connections, recorded before author code runs.

    After the code, the connections are compared with these states.
    """

    __slots__ = ("_looks",)

    def __init__(self) -> None:
        self._looks = [*map(ConnectionWatch, _opened())]

    def put_away(self) -> str:
        """Remove what the code left open on all connections.

        Returns a sentence about what was left open, or "" if that was nothing.
        """
        sentences = ""
        for look in self._looks:
            if words := look.put_away():
                sentences = f"{sentences} {words}".strip()
        # In a web process or in a test, other threads aren't leftovers of a step.
        if slot.is_open and len(opened_connections.by_thread) > 1:
            sentences = f"{sentences} {opened_connections.put_away()}".strip()
        return sentences if HAS_ONE else f"{sentences} {self._put_away_new()}".strip()

    def _put_away_new(self) -> str:
        """Remove what the code left open on connections that it has opened itself.

        Returns a sentence about what was left open, or "" if that was nothing.
        """
        known = {look.database.alias for look in self._looks}
        new = [ConnectionWatch(one, NOTHING_OPEN) for one in _opened() if one.alias not in known]
        return " ".join(filter(None, [look.put_away() for look in new]))


class ConnectionWatch:
    """An observer of one connection, for the time in which author code runs.

    It records the transaction state before the code, and what kinds of queries the code sends.
    """

    __slots__ = (
        "before",
        "database",
        "driver",
        "is_set",
        "is_used",
        "leaves_something",
        "wrappers",
    )
    is_ours = True
    """True for the product's own wrappers in Django's `execute_wrappers`.

    The engine's own queries aren't sent through them.
    """

    def __init__(
        self, database: BaseDatabaseWrapper, before: TransactionState | None = None
    ) -> None:
        self.database, self.before = database, before or _transaction_state(database)
        self.driver, self.is_set = database.connection, _attributes(database)
        self.wrappers = database.execute_wrappers
        # Set a new list instead of changing the old one: code that has kept the old list, or adds
        # to it, must not get our wrapper later.
        database.execute_wrappers = [*self.wrappers, self]
        self.is_used = False
        """True if the code has sent a query.

        On PostgreSQL, the first query begins the transaction.
        """
        self.leaves_something = False
        """True if one of the code's queries may have changed the database session."""

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: Any,
        params: Any,
        many: bool,  # noqa: FBT001 (Django's own order)
        context: dict[str, Any],
    ) -> Any:
        self.is_used = True
        # psycopg's composed statements aren't strings, so their effect isn't known, and the session
        # isn't used again.
        if not isinstance(sql, str) or _is_lasting(sql):
            self.leaves_something = True
        return execute(sql, params, many, context)

    def put_away(self) -> str:
        """Remove what the code left open on this connection.

        Returns a sentence about what was left open, or "" if that was nothing.
        """
        database, before = self.database, self.before
        # Drop our wrapper, and those that the code has added.
        database.execute_wrappers = self.wrappers
        driver, words = database.connection, ""
        if (
            before is not NOTHING_OPEN
            or database.atomic_blocks
            or (driver is not None and (not database.autocommit or _is_in_transaction(driver)))
        ):  # seldom true
            words = _left_open(database, before, is_used=self.is_used)
        if words:
            _go_back(database, before)
        # If the connection was replaced, the settings can't be compared: a new connection has none
        # of the code's.
        is_reset = driver is self.driver and _attributes(database) != self.is_set
        if words or self.leaves_something or is_reset:
            _close_when_possible(database, before)
        return words


class OpenedConnections:
    """The connections opened by all threads of this process, including an author's threads."""

    def __init__(self) -> None:
        # Use weak references, or the connections of ended threads would stay open until the process
        # ends.
        self.by_thread = WeakKeyDictionary[BaseDatabaseWrapper, threading.Thread]()
        connection_created.connect(self._note)

    def _note(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        self.by_thread[connection] = threading.current_thread()

    def put_away(self) -> str:
        """Close each connection on which a thread that author code started has an open transaction.

        An open transaction keeps its locks. The thread itself can't be ended, so this process is
        replaced. Returns a sentence about the thread, or "" if there is no such thread.
        """
        sentences = ""
        # Copy the items, because another thread may open a connection meanwhile.
        for database, thread in [*self.by_thread.items()]:
            driver = database.connection
            if thread is threading.current_thread() or thread.name in OURS or driver is None:
                continue
            with suppress(Exception):  # its thread may have closed it meanwhile
                if _is_in_transaction(driver):
                    driver.close()
                    slot.replace("a thread of a step held a transaction open")
                    sentences = "It left a thread behind that held a transaction open."
        return sentences


opened_connections = OpenedConnections()


def _is_lasting(sql: str) -> bool:
    first = sql.lstrip("( \n\t")[:9].upper()
    if not first.startswith(PLAIN):
        return True
    return LASTING.search(sql) is not None


def _attributes(database: BaseDatabaseWrapper) -> Any:
    """Return the settings of the driver's connection; None if the driver has no open connection."""
    try:
        return ATTRIBUTES[database.vendor](database.connection)
    except Exception:  # noqa: BLE001 (for a closed connection, SQLite raises)
        return None


def _opened() -> Sequence[BaseDatabaseWrapper]:
    """Return the connections of this thread.

    If the site has one database, this doesn't call Django: the call would take half as long as a
    step.
    """
    if HAS_ONE and asyncio._get_running_loop() is None:  # noqa: SLF001 (asyncio documents it)
        return (this_database(),)
    return connections.all(initialized_only=True)


def _transaction_state(database: BaseDatabaseWrapper) -> TransactionState:
    is_autocommit = database.autocommit or database.connection is None
    if is_autocommit and not (database.atomic_blocks or database.savepoint_ids):
        return NOTHING_OPEN
    return TransactionState(
        len(database.atomic_blocks), len(database.savepoint_ids), is_autocommit=is_autocommit
    )


def _left_open(database: BaseDatabaseWrapper, before: TransactionState, *, is_used: bool) -> str:
    now = _transaction_state(database)
    if now.depth > before.depth or now.savepoints > before.savepoints:
        return "It left a transaction open: transaction.atomic() was entered but never exited."
    if now.depth < before.depth:
        return "It ended the transaction that it was called in."
    return (
        _broken_inside(database, is_used=is_used) if before.depth else _begun_outside(database, now)
    )


def _begun_outside(database: BaseDatabaseWrapper, now: TransactionState) -> str:
    if not now.is_autocommit:
        return "It switched autocommit off and didn't switch it back on."
    if database.connection is not None and _is_in_transaction(database.connection):
        return "It began a transaction (BEGIN) but neither committed it nor rolled it back."
    return ""


def _broken_inside(database: BaseDatabaseWrapper, *, is_used: bool) -> str:
    if database.needs_rollback:
        return "It ignored an error that broke its transaction, so nothing can be committed."
    status = _status_of(database.connection)
    if status == TransactionStatus.INERROR:
        return "It ignored a database error, so nothing in its transaction can be committed."
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


def _go_back(database: BaseDatabaseWrapper, before: TransactionState) -> None:
    """Drop the atomic blocks that the code left open, and restore the state `before` the code.

    Garbage is collected first: it may contain generators that were suspended inside an atomic
    block.
    """
    if len(database.atomic_blocks) > before.depth:
        slot.replace("code left a transaction open")
        with suppress(Exception):  # a collected block may exit now and raise
            # A generator that is suspended inside `atomic`, and that nobody refers to, would
            # otherwise exit its block later, in the middle of another run's transaction.
            gc.collect()
    del database.atomic_blocks[before.depth :]
    del database.savepoint_ids[before.savepoints :]
    database.in_atomic_block = bool(before.depth)
    # Inside the engine's own transaction, nothing may be stored any more, because it isn't known
    # how the code has broken it.
    database.needs_rollback = bool(before.depth)
    database.run_on_commit = []


def _close_when_possible(database: BaseDatabaseWrapper, before: TransactionState) -> None:
    """Close the connection now, or at the end of the engine's own transaction if that is open."""
    if before.depth:
        # The engine's transaction is still open on this connection, and must be rolled back
        # properly first.
        UNCLEAN.add(database.alias)
    else:
        close_truly(database)


OPEN = (TransactionStatus.INTRANS, TransactionStatus.INERROR, TransactionStatus.ACTIVE)
UNCLEAN: set[str] = set()
"""The names of connections that are closed when the engine's transaction on them has ended."""


@contextmanager
def closed_after() -> Iterator[None]:
    """Run the block, and then close the connections that author code left unclean.

    The block is a transaction of the engine, and needs these connections until its end.
    """
    try:
        yield
    finally:
        while UNCLEAN:
            close_truly(connections[UNCLEAN.pop()])


def close_truly(database: BaseDatabaseWrapper) -> None:
    """End the connection's database session, instead of returning the connection to the pool."""
    driver = database.connection
    # Inside a block, Django's `close` raises or postpones its work. Clear the marks of such blocks,
    # which are abandoned anyway.
    database.in_atomic_block = database.needs_rollback = False
    database.closed_in_transaction = False
    database.atomic_blocks.clear()
    database.savepoint_ids.clear()
    database.run_on_commit = []
    with suppress(Exception):
        if driver is not None:
            # Close the driver's connection first: Django's `close` would return it to the pool,
            # with the session's settings and locks.
            driver.close()
    with suppress(Exception):
        database.close()
    database.connection = None


def begin_clean() -> None:
    """Close connections on which a transaction is still open.

    This is called before a worker claims a run.
    """
    for one in _opened():
        is_open = one.connection is not None and _is_in_transaction(one.connection)
        if one.in_atomic_block or is_open:
            close_truly(one)
