"""Errors of the database, translated into the engine's errors."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.dispatch import Signal

from procedures.engine.errors import CommitRefused, FileStoreError, StorageLost
from procedures.transactions import engine_atomic

logger = logging.getLogger(__name__)
AWAY = (OperationalError, InterfaceError, FileStoreError)
LEFT_OUT = "A run was ended at once, although a receiver of the run_ended signal failed."
LOST_CODES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
LOST_CLASSES = ("08", "53", "57P", "58", "XX")
"""Classes of PostgreSQL's error codes that mean that the database can't be used.

They stand for errors of the connection, of resources such as memory, of a shutdown and of the
operating system, and for damaged data. Slow or wrong queries have codes of other classes.
"""
UNPREPARED = ("26000", "42P05")
"""Error codes for a prepared statement that a pooler has sent over the wrong connection."""
SENT_WRONGLY = (*UNPREPARED, "0A000", "25P02")
"""Error codes that blame the way in which a query was sent, such as with a stale plan."""


class Storage:
    """A context that raises `StorageLost` if the database is lost, else `CommitRefused`."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            return
        if isinstance(error, AWAY) or is_ours(error):
            raise StorageLost(str(error)) from error
        if isinstance(error, DatabaseError):
            raise CommitRefused(f"{type(error).__name__}: {error}") from error


def fault_of(error: BaseException) -> StorageLost | None:
    """Return a `StorageLost` if the error means that the database can't be used now, else None.

    A wrong, slow or deadlocked query is a fault of the author's code, and `Retry` handles it.
    """
    cause = error.__cause__
    if not isinstance(error, DatabaseError) or cause is None:
        return None
    if isinstance(cause, sqlite3.Error):
        # The low byte is the primary code; the upper bytes say which file or which call failed.
        is_lost = getattr(cause, "sqlite_errorcode", 0) & 0xFF in LOST_CODES
    else:
        is_lost = _is_lost_server(error, getattr(cause, "sqlstate", None))
    return StorageLost(f"{type(error).__name__}: {error}") if is_lost else None


def _is_lost_server(error: DatabaseError, state: str | None) -> bool:
    if state is None:  # the server sent no answer
        return isinstance(error, OperationalError)
    return state.startswith((*LOST_CLASSES, *UNPREPARED))


def is_ours(error: BaseException | None) -> bool:
    """Return True if the database refused how a query was sent, not the query itself."""
    state = getattr(getattr(error, "__cause__", None), "sqlstate", None)
    return isinstance(error, DatabaseError) and state in SENT_WRONGLY


storage = Storage()
"""The context in which workers use the database.

It is an object with `__enter__` and `__exit__`, because a generator would be slower.
"""


def limit_locks(seconds: float) -> None:
    """Limit the seconds for which this transaction waits for a lock.

    A host that has vanished may hold a lock for hours.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # SET takes no parameters. `seconds` is one of our own constants, never input from
            # outside.
            cursor.execute(f"SET LOCAL lock_timeout = '{seconds}s'")


@contextmanager
def durable() -> Iterator[None]:
    """Run the block in a new transaction; raises `CommitRefused` if a transaction is already open.

    Inside an open transaction, the end of the block wouldn't commit anything.
    """
    # Django marks the block around a `TestCase` with `_from_testcase`. In that block a commit is a
    # savepoint, so steps can be tested there.
    if connection.in_atomic_block and not getattr(
        connection.atomic_blocks[-1], "_from_testcase", 0
    ):
        raise CommitRefused(
            "Inside transaction.atomic(), nothing can be stored. Call steps and ask people"
            " outside of it."
        )
    with engine_atomic:
        yield


@contextmanager
def receivers() -> Iterator[None]:
    """Raise a receiver's error as `CommitRefused`, which rolls the transaction back."""
    try:
        yield
    # If the database is lost, the receiver hasn't refused: the claim is given up and repeated, and
    # the run isn't quarantined.
    except AWAY:
        raise
    except Exception as error:
        # A statement that a pooler can't assign is repeated, too, because no receiver has refused
        # anything.
        if is_ours(error):
            raise
        raise CommitRefused(f"{type(error).__name__}: {error}") from error


def tell_regardless(hook: Signal, **facts: Any) -> None:
    """Call a hook's receivers, and log their errors, so that no receiver can refuse anything.

    If a receiver's SQL fails, the changes of all receivers are rolled back, but not the changes
    that the caller has made.
    """
    try:
        # Use a separate savepoint: an error in a receiver's SQL breaks the transaction on
        # PostgreSQL, but the forced end must be stored anyway.
        with transaction.atomic(), receivers():
            for _, refusal in hook.send_robust(type(facts["run"]), **facts):
                if isinstance(refusal, AWAY):
                    raise refusal
                if refusal is not None:
                    logger.error(LEFT_OUT, exc_info=refusal)
    except AWAY:
        raise
    except (
        CommitRefused,
        DatabaseError,
    ):  # the refusal has broken the transaction of all receivers
        logger.exception(LEFT_OUT)
