"""Threads that only the live stream uses, so that requests for pages don't delay its work."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")
CallInThread = Callable[..., Awaitable[Any]]
"""A function that takes another function and its arguments, and calls that function in a thread.

That thread may use the database.
"""


@dataclass(frozen=True, slots=True)
class CallResult(Generic[T]):
    """The return value of a function that a thread has called, and the time that the call took."""

    value: T
    worked: float
    """The processor time that the call used, in seconds."""
    took: float
    """The duration of the call in seconds, without the time for which it waited for the thread."""


class DatabaseThread:
    """A thread that calls one function after another, and closes broken database connections."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return (await self.time(work, *args, **kwargs)).value

    async def time(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> CallResult[T]:
        """Call a function in the thread, and return its result with the time that the call took."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _do, partial(work, *args, **kwargs))

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


def _do(work: Callable[[], T]) -> CallResult[T]:
    began, used = time.monotonic(), time.thread_time()
    close_old_connections()
    try:
        value = work()
    finally:
        close_old_connections()
    return CallResult(value, time.thread_time() - used, time.monotonic() - began)
