"""Ids that order by time, so that lists page by key."""

import os
import time
from uuid import UUID

RANDOM_BITS = (1 << 62) - 1


def uuid7() -> UUID:
    """A version 7 UUID (RFC 9562): milliseconds, then the rest of the nanoseconds, then chance."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    chance = int.from_bytes(os.urandom(8)) & RANDOM_BITS
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | chance)
