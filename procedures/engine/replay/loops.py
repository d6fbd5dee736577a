"""A block of code that behaves as if no event loop were running in its thread.

Django refuses to use the database in a thread with a running event loop.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def outside_the_loop() -> Iterator[None]:
    """Hide the thread's running event loop from the code in the block.

    The loop can't do anything else until the block ends.
    """
    loop = asyncio._get_running_loop()  # noqa: SLF001 (asyncio documents it)
    # Django refuses to use its database while a loop runs in the thread, because other coroutines
    # would have to wait. Here they should wait: nothing may happen before the engine's commit.
    asyncio._set_running_loop(None)  # noqa: SLF001
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)  # noqa: SLF001
