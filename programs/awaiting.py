"""Calls of functions that may be `async`, inside a step."""

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any


class Finishing:
    """A context manager that yields a function, which awaits a value if the value is awaitable.

    All values of one visit are awaited in the same event loop.
    """

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    def __enter__(self) -> "Finishing":
        return self

    def __exit__(self, *_: object) -> None:
        if self._runner:
            self._runner.close()

    def __call__(self, value: Any) -> Any:
        if not inspect.isawaitable(value):
            return value
        self._runner = self._runner or asyncio.Runner()
        return self._runner.run(_awaited(value))


def _awaited(value: Any) -> Coroutine[Any, Any, Any]:
    async def wait() -> Any:
        return await value

    return wait()
