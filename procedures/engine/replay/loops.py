"""Leaving an event loop for a moment: storage is used outside of one, as Django wants it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def outside_the_loop() -> Iterator[None]:
    """What stands inside sees no running loop in this thread; the loop stands still meanwhile."""
    loop = asyncio._get_running_loop()  # noqa: SLF001 (asyncio documents it)
    asyncio._set_running_loop(None)  # noqa: SLF001
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)  # noqa: SLF001
