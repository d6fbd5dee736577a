"""Passes over many rows, in which one that fails delays no other."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import OperationalError, transaction

from procedures import journal

logger = logging.getLogger(__name__)
LONGEST_LOCK = 0.5
"""Seconds."""
T = TypeVar("T")


def serve_each(rows: Iterable[T], serve: Callable[[T], object], *, name: str) -> None:
    """Serve each row, or id of one, as `serve_one` does; `name` says what one is."""
    for row in rows:
        serve_one(row, serve, name=f"{name} {row}")


def serve_one(row: T, serve: Callable[[T], object], *, name: str) -> bool:
    """Serve a row in a transaction of its own; if that fails, log it under its name.

    Returns False if its lock was not given in time.
    """
    try:
        _serve(row, serve)
    except OperationalError as error:
        logger.warning("%s will be tried again later: %s", name, error)
        return False
    except Exception:
        logger.exception("A periodic pass failed on %s.", name)
    return True


@transaction.atomic
def _serve(row: T, serve: Callable[[T], object]) -> None:
    journal.limit_locks(LONGEST_LOCK)
    serve(row)
