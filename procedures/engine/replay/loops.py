"""Running code outside the thread's event loop, because Django's storage refuses to run in one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def outside_the_loop() -> Iterator[None]:
    """Hide the running event loop from the code in the block; the loop stands still meanwhile."""
    loop = asyncio._get_running_loop()  # noqa: SLF001 (asyncio documents it)
    # Django refuses its database while a loop runs in the thread, since others would wait for it;
    # here they are meant to: the engine's commit must come before anything else.
    asyncio._set_running_loop(None)  # noqa: SLF001
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)  # noqa: SLF001
