"""A Redis for the web server that loses doorbells, some of them or for a while all."""

import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path
from random import Random

from chat.doorbell import CHANNEL
from tests.storm.proxy import GONE, opened

LOST = 0.3
"""The share of doorbells that get lost."""
NESTED = {b"*": 1, b">": 1, b"~": 1, b"%": 2}
"""The kinds of replies that hold others, and how many for each that they count."""


class DeafProxy:
    """Listens at a socket of its own, before the Redis at another."""

    def __init__(self, path_behind: Path, path: Path, chance: Random) -> None:
        self.path_behind, self.path = path_behind, path
        self.lost = 0
        self.is_deaf = False
        """Whether all doorbells get lost."""
        self._chance = chance
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        self._server = await asyncio.start_unix_server(self._connect, self.path)

    async def close(self) -> None:
        self._server.close()
        await asyncio.sleep(0)  # whoever was accepted just now begins, and can be ended
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, client: StreamReader, to_client: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(*GONE, asyncio.CancelledError):
            redis, to_redis = await opened(asyncio.open_unix_connection(self.path_behind))
            pumps = [
                asyncio.create_task(self._pass(client, to_redis)),
                asyncio.create_task(self._hear(redis, to_client)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
                to_redis.transport.abort()
        to_client.transport.abort()

    async def _pass(self, reader: StreamReader, writer: StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    async def _hear(self, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            reply = await read_reply(reader)
            is_bell = b"message" in reply[:30] and CHANNEL.encode() in reply
            if is_bell and (self.is_deaf or self._chance.random() < LOST):
                self.lost += 1
            else:
                writer.write(reply)
                await writer.drain()


async def read_reply(reader: StreamReader) -> bytes:
    """The next reply, whole, as bytes."""
    line = await reader.readuntil(b"\r\n")
    kind, rest = line[:1], line[1:-2]
    if kind in (b"$", b"=") and int(rest) >= 0:
        return line + await reader.readexactly(int(rest) + 2)
    if kind in NESTED and int(rest) > 0:
        parts = [await read_reply(reader) for _ in range(int(rest) * NESTED[kind])]
        return line + b"".join(parts)
    return line
