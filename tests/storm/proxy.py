"""A network between pages and the web server that cuts, delays, doubles and reorders.

Each message meets one fate, by chance. What a connection has taken is delivered unless it is cut:
a network that drops a message from the middle of a connection isn't TCP.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random
from typing import Any

from tests.storm.websocket_frames import Passed, read_frame

FATES = {"pass": 62, "double": 12, "late": 12, "slow": 12, "cut": 2}
"""The parts of a hundred messages that pass, that come twice, that come after later ones, that hold
up later ones, and that come in part, as the last of their connection."""
LONGEST = 0.3
"""Seconds for which a message is held."""
LARGEST = 1 << 24
Pair = tuple[StreamReader, StreamWriter]
GONE = (OSError, asyncio.IncompleteReadError, ValueError)


class Proxy:
    """Relays each connection to the server behind, until one of both sides ends."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    async def close(self) -> None:
        self._server.close()
        await asyncio.sleep(0)  # whoever was accepted just now begins, and can be ended
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def open_behind(self) -> Coroutine[Any, Any, Pair]:
        raise NotImplementedError

    async def greet(self, client: Pair, server: Pair) -> None:
        """Pass on what comes before the messages."""

    async def pass_in(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Pass on what the client sends."""
        raise NotImplementedError

    async def pass_out(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Pass on what the server sends."""
        raise NotImplementedError

    async def _connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(*GONE, asyncio.CancelledError):
            server = await opened(self.open_behind())
            try:
                await self._relay((reader, writer), server)
            finally:
                server[1].transport.abort()
        writer.transport.abort()

    async def _relay(self, client: Pair, server: Pair) -> None:
        await self.greet(client, server)
        pumps = [
            asyncio.create_task(self.pass_in(client[0], server[1])),
            asyncio.create_task(self.pass_out(server[0], client[1])),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)


class HostileProxy(Proxy):
    """Listens on a port of its own, before the web server at another."""

    def __init__(self, port_behind: int, chance: Random) -> None:
        super().__init__(chance)
        self.port_behind = port_behind
        self.port = 0
        self.fates: Counter[str] = Counter()
        self.is_calm = False
        self.drops_all = False
        """Planted: nothing comes any more, and nobody is told."""

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0, limit=LARGEST)
        self.port = self._server.sockets[0].getsockname()[1]

    def open_behind(self) -> Coroutine[Any, Any, Pair]:
        return asyncio.open_connection("127.0.0.1", self.port_behind, limit=LARGEST)

    async def greet(self, client: Pair, server: Pair) -> None:
        for reader, writer in ((client[0], server[1]), (server[0], client[1])):
            writer.write(await reader.readuntil(b"\r\n\r\n"))

    async def pass_in(self, reader: StreamReader, writer: StreamWriter) -> None:
        await self._pump(reader, writer, lambda: False)

    async def pass_out(self, reader: StreamReader, writer: StreamWriter) -> None:
        await self._pump(reader, writer, lambda: self.drops_all)

    async def _pump(
        self, reader: StreamReader, writer: StreamWriter, drops: Callable[[], bool]
    ) -> None:
        while True:
            frame = await read_frame(reader)
            if drops() and frame.is_text:
                continue
            await self._deal(frame, writer)
            await writer.drain()

    async def _deal(self, frame: Passed, writer: StreamWriter) -> None:
        fate = "pass"
        if frame.is_text and not self.is_calm:
            [fate] = self._chance.choices(list(FATES), list(FATES.values()))
            self.fates[fate] += 1
        if fate == "cut":
            writer.write(frame.whole[: len(frame.whole) // 2])
            raise ConnectionAbortedError
        held = self._chance.uniform(0, LONGEST)
        if fate == "slow":
            await asyncio.sleep(held)
        if fate in ("double", "late"):
            asyncio.get_running_loop().call_later(held, send, writer, frame.whole)
        if fate != "late":
            send(writer, frame.whole)


def send(writer: StreamWriter, content: bytes) -> None:
    if not writer.is_closing():
        writer.write(content)


async def opened(opening: Coroutine[Any, Any, Pair]) -> Pair:
    """Open a connection. If that is cancelled meanwhile, nothing stays open."""
    task = asyncio.ensure_future(opening)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(*GONE):
            (await task)[1].transport.abort()
        raise
