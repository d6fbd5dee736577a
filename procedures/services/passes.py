"""Periodic passes over many rows, in which a failure for one row doesn't affect the others."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import OperationalError

from procedures import journal
from procedures.transactions import service_atomic

logger = logging.getLogger(__name__)
LONGEST_LOCK = 0.5
"""Seconds that a pass waits for a lock."""
T = TypeVar("T")


def serve_each(rows: Iterable[T], serve: Callable[[T], object], *, name: str) -> None:
    """Call `serve` for each row or id, each in a new transaction, and log errors.

    `name` is the kind of the rows for the log.
    """
    for row in rows:
        serve_one(row, serve, name=f"{name} {row}")


def serve_one(row: T, serve: Callable[[T], object], *, name: str) -> bool:
    """Call `serve` with the row in a new transaction; if that fails, log the error with `name`.

    Returns False, so that the caller tries again later, if the database couldn't serve the row now:
    for example, because another transaction kept it locked for longer than `LONGEST_LOCK`.
    """
    try:
        _serve(row, serve)
    except OperationalError as error:
        logger.warning("%s will be tried again later: %s", name, error)
        return False
    except Exception:
        logger.exception("%s: a periodic task failed.", name)
    return True


@service_atomic
def _serve(row: T, serve: Callable[[T], object]) -> None:
    journal.limit_locks(LONGEST_LOCK)
    serve(row)
