"""`AsyncClient` for tests without an event loop, which has its own in another thread."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from inspect import isasyncgen, isawaitable
from typing import Any

from anyio.from_thread import BlockingPortal

from countersign_client import AsyncClient, AsyncQuestion


class Blocking:
    """The methods of an asynchronous client or question, each of which waits for its result."""

    def __init__(self, one: AsyncClient | AsyncQuestion, portal: BlockingPortal) -> None:
        self._one, self._portal = one, portal

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._one, name)
        return self._waiting(found) if callable(found) else found

    def __repr__(self) -> str:
        return repr(self._one)

    def _waiting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = method(*args, **kwargs)
            if isasyncgen(result):
                return self._each(result)
            return self._wrapped(self._wait(result) if isawaitable(result) else result)

        return call

    def _wrapped(self, result: Any) -> Any:
        return Blocking(result, self._portal) if isinstance(result, AsyncQuestion) else result

    def _each(self, items: AsyncGenerator[Any, None]) -> Iterator[Any]:
        end = object()
        try:
            while (item := self._wait(anext(items, end))) is not end:
                yield item
        finally:
            self._wait(items.aclose())

    def _wait(self, awaitable: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await awaitable

        return self._portal.call(wait)
