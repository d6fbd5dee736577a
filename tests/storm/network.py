"""The event loop of a storm's proxies and pages, in a thread beside the test's own."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from random import Random
from typing import Any, Self, TypeVar

from tests.storm.clients import Witness
from tests.storm.proxy import HostileProxy
from tests.storm.redis_proxy import DeafProxy

T = TypeVar("T")


class Network:
    """Proxies and the pages behind them, while it is entered."""

    def __init__(self, chance: Random, redis: Path, deaf: Path) -> None:
        self.chance = chance
        self.loop = asyncio.new_event_loop()
        self.deaf = DeafProxy(redis, deaf, chance)
        self.proxies: list[HostileProxy] = []
        self._pages: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self.do(self.deaf.listen())
        return self

    def __exit__(self, *_: object) -> None:
        self.do(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)

    def open(self, pages: Sequence[Witness], port: int) -> None:
        """Open pages from now on, each behind a proxy of its own."""
        self.do(self._open(pages, port))

    def read_afresh(self, pages: Sequence[Witness], port: int) -> None:
        """Open pages without anything between them and the web server."""
        self.do(self._read_afresh(pages, port))

    def calm(self) -> None:
        for proxy in self.proxies:
            proxy.is_calm = True
        self.deaf.is_deaf = False

    async def _open(self, pages: Sequence[Witness], port: int) -> None:
        for page in pages:
            proxy = HostileProxy(port, Random(self.chance.random()))  # noqa: S311 (no secret)
            await proxy.listen()
            self.proxies.append(proxy)
            page_lives = page.live(proxy.port, Random(self.chance.random()))  # noqa: S311
            self._pages.append(asyncio.create_task(page_lives))

    async def _read_afresh(self, pages: Sequence[Witness], port: int) -> None:
        for page in pages:
            self._pages.append(asyncio.create_task(page.live(port, self.chance)))

    async def _close(self) -> None:
        for page in self._pages:
            page.cancel()
        await asyncio.gather(*self._pages, return_exceptions=True)
        for proxy in self.proxies:
            await proxy.close()
        await self.deaf.close()
