"""Cursors, reused for the SQL statements that every claim, step and end of a run executes.

On PostgreSQL each of these statements is prepared once per connection.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends import utils
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import FORMAT_QMARK_REGEX
from django.db.backends.sqlite3.base import SQLiteCursorWrapper as SQLiteCursor
from django.db.backends.utils import CursorWrapper
from psycopg.pq import TransactionStatus

from procedures.engine.replay.loops import outside_the_loop
from procedures.store.prepared import BEGIN, COMMIT, Cell, Cells, PreparedCursor, Rows

DEBUG = settings.DEBUG
"""A copy of Django's setting: reading it from Django would take as long as opening a cursor."""


class Cursor(Protocol):
    """The part of a cursor's interface that is enough for SQL statements that change rows."""

    @property
    def rowcount(self) -> int: ...

    def execute(self, statement: str, cells: Sequence[Cell] = ...) -> Any: ...


def kept_cursor() -> CursorWrapper:
    """Return a reused cursor with Django's wrappers.

    If a tool observes the database queries, returns a new cursor.
    """
    database = this_database()
    # Tools that count or forbid statements set a "cursor" of their own on the instance, and must
    # see our statements as well.
    if database.queries_logged or "cursor" in database.__dict__:
        return database.cursor()
    kept = _kept_for(database)
    return database.cursor() if kept.is_watched else database.make_cursor(kept.cursor)


def this_database() -> BaseDatabaseWrapper:
    """Return this thread's database connection; `django.db.connection` would take longer.

    Inside a running event loop, returns the connection that Django keeps for the event loop.
    """
    # Django gives each event loop connections of its own. All coroutines of the loop would share
    # the thread's connection.
    if asyncio._get_running_loop() is not None:  # noqa: SLF001 (asyncio documents it)
        return connections[DEFAULT_DB_ALIAS]
    return _kept.database


def bare_cursor(database: BaseDatabaseWrapper) -> Cursor:
    """Return the driver's own cursor; if a tracer or the like observes queries, return Django's.

    Use the cursor outside transactions, in `wrap_database_errors`. Django's and psycopg's cursors
    would cost more than all other Python code of a step.
    """
    # Check all of this for each statement, because a tracer may be installed at any time, and must
    # not miss a statement.
    is_seen = (
        DEBUG
        or database.force_debug_cursor
        or (database.execute_wrappers and _are_watched(database.execute_wrappers))
        or utils.CursorWrapper.execute is not DJANGOS_EXECUTE  # Sentry replaces this method
        or "cursor" in database.__dict__
    )
    if is_seen:
        return database.cursor()
    kept = _kept_for(database)
    return database.cursor() if kept.is_watched else kept.bare


def begin_with(statement: str, cells: Sequence[Cells]) -> Rows | None:
    """Send a statement and the BEGIN of the open atomic block at once; return the selected rows.

    Returns None and sends nothing if the statement must be executed by a cursor: on SQLite, behind
    a pooler, while a tool observes the queries, or if the transaction has begun already.
    """
    database = this_database()
    if (cursor := _exchanging(database)) is None:
        return None
    cursor.has_begun, driver = False, database.connection
    is_first = driver.pgconn.transaction_status == TransactionStatus.IDLE
    # The driver would write the site's own isolation level and the like after BEGIN.
    is_plain = (driver.isolation_level, driver.read_only, driver.deferrable) == PLAIN
    if driver.autocommit or not (is_first and is_plain):
        return None
    with database.wrap_database_errors:
        found = cursor.exchange((BEGIN, ()), (statement, cells))
    cursor.has_begun = found is not None
    return found[1] if found else None


def end_with(*statements: tuple[str, Sequence[Cells]]) -> list[Rows] | None:
    """Send these statements and the COMMIT of the open atomic block at once.

    Returns the rows of each statement. The server commits only if all of them succeed; the end of
    the block then has nothing more to do on the server. Returns None and sends nothing if the block
    wasn't begun by `begin_with`, or is inside another one.
    """
    database = this_database()
    if len(database.atomic_blocks) != 1 or (cursor := _exchanging(database)) is None:
        return None
    # psycopg may have deallocated what is prepared when it began the transaction.
    if not cursor.has_begun:
        return None
    cursor.has_begun = False
    with database.wrap_database_errors:
        found = cursor.exchange(*statements, (COMMIT, ()))
    return found[:-1] if found else None


def _exchanging(database: BaseDatabaseWrapper) -> PreparedCursor | None:
    """Return the cursor that sends several statements at once, if it may be used now."""
    cursor = bare_cursor(database)
    return cursor if isinstance(cursor, PreparedCursor) else None


PLAIN = (None, None, None)


def _are_watched(wrappers: Sequence[Any]) -> bool:
    """Return True if one of the wrappers isn't ours."""
    for one in wrappers:  # noqa: SIM110 (a generator would cost each step two more calls)
        if not getattr(one, "is_ours", False):
            return True
    return False


def _is_djangos(method: Any) -> bool:
    """Return True if the code of the method is in one of Django's files.

    The name and the module of a method prove nothing: a patch may have copied them.
    """
    code = getattr(method, "__code__", None)
    return code is not None and code.co_filename.startswith(DJANGO)


DJANGO = str(Path(utils.__file__).parents[2])
# Compare the files of the code, because a patch often copies the name and the module of the method
# that it replaces.
DJANGOS_EXECUTE = CursorWrapper.execute if _is_djangos(CursorWrapper.execute) else None
"""Django's own `execute`, or None if it was replaced before this module was imported."""


def _kept_for(database: Any) -> "_CursorCache":
    # A cursor belongs to one connection of the driver. Django opens another connection after an
    # error or at its maximum age, and then the old cursor would fail.
    if database.connection is None:
        database.ensure_connection()
    if _kept.driver is not database.connection:
        _kept.keep(database)
    return _kept


class _CursorCache(threading.local):
    """The database of this thread, and the reusable cursors of its current connection."""

    driver: Any = None
    cursor: Any = None
    bare: Any = None
    is_watched = False
    """True if something observes the connection's queries, so that no cursor is reused."""

    def __init__(self) -> None:
        # Inside a running event loop, `connections` would return the loop's own connection, and
        # this thread would use that one from then on.
        with outside_the_loop():
            self.database = connections[DEFAULT_DB_ALIAS]

    def keep(self, database: Any) -> None:
        driver = self.driver = database.connection
        self.is_watched = not _is_djangos(type(database).cursor) or _is_watched(driver)
        # Never bypass a wrapped driver, such as a tracer's: only Django's own cursors call all of
        # its methods.
        if self.is_watched:
            return
        if isinstance(driver, sqlite3.Connection):
            self.cursor, self.bare = driver.cursor(_SQLiteCursor), _BareSQLite(driver)
            return
        self.cursor = self.bare = psycopg.Cursor(driver)
        # The site's settings switch prepared statements off for a pooler that doesn't support them.
        # The next server wouldn't know a name that was prepared here.
        if driver.prepare_threshold is not None:  # prepared statements work on this connection
            self.bare = PreparedCursor(driver)


_kept = _CursorCache()


def _is_watched(driver: Any) -> bool:
    if type(driver) is sqlite3.Connection:
        return False
    factory = getattr(driver, "cursor_factory", None)
    is_plain = getattr(factory, "__module__", "").startswith(KNOWN_CURSORS)
    return not (issubclass(type(driver), psycopg.Connection) and is_plain)


KNOWN_CURSORS = ("django.", "psycopg.")


class _SQLiteCursor(SQLiteCursor):
    """A cursor that converts the placeholders of each SQL statement only once."""

    def convert_query(self, query: str, *, param_names: Any = None) -> str:
        return _with_question_marks(query)


class _BareSQLite(sqlite3.Cursor):
    def execute(self, statement: str, cells: Any = ()) -> Any:
        return super().execute(_with_question_marks(statement), cells)


@lru_cache(maxsize=256)
def _with_question_marks(query: str) -> str:
    return str(FORMAT_QMARK_REGEX.sub("?", query))
