"""How failures of the database are told to the engine."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from procedures.engine.errors import Refused, StorageLost

logger = logging.getLogger(__name__)


class Storage:
    """A database that is away or busy ends this worker's hold; anything else is refused."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, (OperationalError, InterfaceError)):
            raise StorageLost(str(error)) from error
        if isinstance(error, DatabaseError):
            raise Refused(f"{type(error).__name__}: {error}") from error


storage = Storage()
"""Around each use of the database in a worker's hands; no generator, as each step passes it."""


def limit_locks(seconds: float) -> None:
    """In this transaction, wait so long for a row: a host that is gone may hold it for hours."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{seconds}s'")


@contextmanager
def durable() -> Iterator[None]:
    """A transaction of its own; what stands inside somebody else's would not be kept."""
    if connection.in_atomic_block and not getattr(
        connection.atomic_blocks[-1], "_from_testcase", 0
    ):
        raise Refused(
            "Inside transaction.atomic() nothing can be kept: call steps and ask outside of it."
        )
    with transaction.atomic():
        yield


@contextmanager
def receivers() -> Iterator[None]:
    """What a layer above refuses undoes the commit it takes part in."""
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        raise Refused(f"{type(error).__name__}: {error}") from error


@contextmanager
def regardless() -> Iterator[None]:
    """What a layer above refuses is undone alone, and logged: the commit stands without it."""
    try:
        with transaction.atomic(), receivers():
            yield
    except Refused:
        logger.exception("A run was ended by force, and something above did not take part.")
