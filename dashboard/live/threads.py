"""Threads with their own database connections, which don't wait for requests of pages."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The return value of a function, and the time it took."""

    value: T
    worked: float
    """The seconds of processor time that the thread used."""
    took: float
    """The seconds from the function's beginning to its end, without the wait in the queue."""


class DatabaseThread:
    """A thread that calls one function after another, and closes broken connections."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return (await self.time(work, *args, **kwargs)).value

    async def time(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Done[T]:
        """Call the function in the thread; return its result with the time it took."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _do, partial(work, *args, **kwargs))

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


def _do(work: Callable[[], T]) -> Done[T]:
    began, used = time.monotonic(), time.thread_time()
    close_old_connections()
    try:
        value = work()
    finally:
        close_old_connections()
    return Done(value, time.thread_time() - used, time.monotonic() - began)
