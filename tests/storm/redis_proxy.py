"""A Redis for the web server that loses doorbells, some of them or for a while all."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Any

from chat.doorbell import CHANNEL
from tests.storm.proxy import Pair, Proxy

LOST = 0.3
"""The share of doorbells that get lost."""
NESTED = {b"*": 1, b">": 1, b"~": 1, b"%": 2}
"""The kinds of replies that hold others, and how many for each that they count."""


class DeafProxy(Proxy):
    """Listens at a socket of its own, before the Redis at another."""

    def __init__(self, path_behind: Path, path: Path, chance: Random) -> None:
        super().__init__(chance)
        self.path_behind, self.path = path_behind, path
        self.lost = 0
        self.is_deaf = False
        """True while all doorbells get lost."""

    async def listen(self) -> None:
        self._server = await asyncio.start_unix_server(self._connect, self.path)

    def open_behind(self) -> Coroutine[Any, Any, Pair]:
        return asyncio.open_unix_connection(self.path_behind)

    async def pass_in(self, reader: StreamReader, writer: StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    async def pass_out(self, reader: StreamReader, writer: StreamWriter) -> None:
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
