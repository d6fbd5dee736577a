"""Pages without a browser: each follows streams over a socket, reconnects, and notes everything."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin

from tests.live_client import Followed, Frame, LiveClient
from tests.storm.elements import elements_of

LONGEST_PAUSE = 0.3
PATIENCE = 10
Line = tuple[int, Any, Any]
Credential = dict[str, str]
"""The header with which a page or a program connects."""
Wish = tuple[str, str]
"""A stream, and the form in which it is followed."""


@dataclass
class Kept:
    """The part of a stream that a page has applied."""

    lines: list[Line] = field(default_factory=list)
    """Each number, with the kind and the object of the change."""
    shown: dict[str, str] = field(default_factory=dict)
    """The elements by their ids."""


class Witness(LiveClient):
    """A page that notes what it applies."""

    fault = ""
    """The planted fault, in words; "" for a page that does as the protocol says."""

    def __init__(self, name: str, credential: Credential, wishes: Sequence[Wish]) -> None:
        super().__init__()
        self.name, self.credential = name, credential
        self.kept: dict[str, Kept] = defaultdict(Kept)
        self.connections, self.rung_at = 0, 0.0
        self.is_connected = False
        for stream, form in wishes:
            self.follow(stream, form)

    def apply(self, followed: Followed, frame: Frame) -> None:
        if ":" not in followed.stream:
            if followed.stream == "inbox":
                self.rung_at = time.monotonic()
            return
        kept = self.kept[followed.stream]
        if frame["seq"] != followed.cursor:
            what = frame.get("object", frame.get("key"))
            kept.lines.append((frame["seq"], frame.get("kind"), what))
        if "html" in frame:
            kept.shown |= elements_of(frame["html"])

    def begin_again(self, followed: Followed) -> None:
        self.kept[followed.stream] = Kept()

    async def live(self, port: int, chance: Random) -> None:
        """Stay connected until cancelled, as a page does while it is open."""
        here = f"127.0.0.1:{port}"
        # A program has no origin, and none of its streams is drawn.
        is_page = "Cookie" in self.credential
        while True:
            with suppress(OSError, WebSocketException, TimeoutError, EOFError):
                async with connect(
                    f"ws://{here}/live",
                    origin=Origin(f"http://{here}") if is_page else None,
                    additional_headers=self.credential,
                    max_size=None,
                    open_timeout=PATIENCE,
                    close_timeout=0,
                ) as socket:
                    self.connections, self.is_connected = self.connections + 1, True
                    for message in self.follow_again():
                        await socket.send(message)
                    async for text in socket:
                        for message in self.take(text):
                            await socket.send(message)
            self.is_connected = False
            await asyncio.sleep(chance.uniform(0, LONGEST_PAUSE))


class OffByOne(Witness):
    """A page that asks, after a reconnect, for what comes after the frame it has not had."""

    fault = "cursor off by one"

    def follow_again(self) -> list[str]:
        for followed in self.streams.values():
            if followed.cursor:
                followed.cursor += 1
        return super().follow_again()


class Unordered(Witness):
    """A page that applies each frame as it comes, and of every two messages the second one first.

    Not only what the network exchanges: on a fast machine it may never meet two of one stream.
    """

    fault = "a frame out of order"
    held: str | bytes = ""

    def take(self, text: str | bytes) -> list[str]:
        first, self.held = self.held, "" if self.held else text
        return [*super().take(text), *super().take(first)] if first else []

    def misses(self, followed: Followed, frame: Frame) -> bool:
        return False

    def repeats(self, followed: Followed, frame: Frame) -> bool:
        return False


class Tailless(Witness):
    """A page whose network loses the last frames; see `HostileProxy.drops_all`."""

    fault = "dropped tail"


PLANTED = {"cursor": OffByOne, "order": Unordered, "tail": Tailless}
