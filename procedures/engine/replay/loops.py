"""Running code outside the thread's event loop, because Django's storage refuses to run in one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def outside_the_loop() -> Iterator[None]:
    """Hide the running event loop from the code in the block; the loop stands still meanwhile."""
    loop = asyncio._get_running_loop()  # noqa: SLF001 (asyncio documents it)
    # Django refuses to use its database while a loop runs in the thread, because other coroutines
    # would have to wait. Here they should wait: nothing may happen before the engine's commit.
    asyncio._set_running_loop(None)  # noqa: SLF001
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)  # noqa: SLF001
