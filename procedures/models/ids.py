"""Ids of database rows."""

import os
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models

RANDOM_BITS = (1 << 62) - 1


def first_at(moment: datetime) -> UUID:
    """Return the lowest id of a row that was made at `moment` or later."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def uuid7() -> UUID:
    """Return a version 7 UUID (RFC 9562); the order of these UUIDs is the order of their creation.

    The UUID consists of the time in milliseconds, the fraction of the last millisecond, and random
    bits. Lists are ordered and paged by such ids.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    # These 12 bits hold the sub-millisecond part, so that rows of the same millisecond are in
    # order, and pages by key skip none.
    fraction = (rest << 12) // 1_000_000
    chance = int.from_bytes(os.urandom(8)) & RANDOM_BITS
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | chance)


if TYPE_CHECKING:
    Numbered = models.BigAutoField[Any, Any]
else:
    Numbered = models.BigAutoField


class PlainAutoField(Numbered):
    """An auto field without SQLite's AUTOINCREMENT, which would write one more page per commit."""

    def db_type_suffix(self, connection: Any) -> str | None:
        suffix: str | None = super().db_type_suffix(connection)  # type: ignore[misc]
        # Without AUTOINCREMENT, the number of a deleted last row may be used again, but rows of a
        # journal are never deleted.
        return None if connection.vendor == "sqlite" else suffix
