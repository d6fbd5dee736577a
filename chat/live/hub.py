"""One hub per web process: reads a change once, renders it once, hands it to all its followers.

It learns of changes by the doorbell, and by comparing the heads of everything that is followed
once a second: Redis only makes it faster.
"""

import asyncio
import json
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import redis.asyncio
from channels.db import database_sync_to_async
from django.conf import settings

from chat.doorbell import CHANNEL
from chat.live.frames import LARGEST_RANGE, Frame, frames
from chat.live.streams import Head, Stream, heads

LOOK = 1.0
"""Seconds between two looks at the heads."""
logger = logging.getLogger(__name__)


class Follower(Protocol):
    """Somebody who is sent frames."""

    def hand(self, frame: str) -> None: ...


@dataclass
class Watch:
    """One stream in one form, and who follows it."""

    head: Head
    followers: set[Follower] = field(default_factory=set)


Watched = tuple[Stream, str]


class Hub:
    """What is followed in this process."""

    def __init__(self) -> None:
        self._watches: dict[Watched, Watch] = {}
        self._rung = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._watch_heads(), name="hub heads"),
            asyncio.create_task(self._listen(), name="hub doorbell"),
        ]

    async def follow(self, follower: Follower, stream: Stream, form: str, *, after: int) -> None:
        """Hand over what follows the cursor now, and from then on every change."""
        head = (await database_sync_to_async(heads)([stream])).get(stream)
        if head is None:
            return
        watch = self._watches.setdefault((stream, form), Watch(head))
        watch.followers.add(follower)
        await self.catch_up(follower, stream, form, after=after)

    async def catch_up(self, follower: Follower, stream: Stream, form: str, *, after: int) -> None:
        """Everything after the cursor, in order."""
        while True:
            found = await _frames(stream, form, after)
            for frame in found:
                follower.hand(encode(stream, frame))
            if len(found) < LARGEST_RANGE:
                return
            after = found[-1]["seq"]

    def leave(self, follower: Follower, stream: Stream, form: str) -> None:
        watch = self._watches.get((stream, form))
        if watch:
            watch.followers.discard(follower)
            if not watch.followers:
                del self._watches[stream, form]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch_heads(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), LOOK)
            self._rung.clear()
            try:
                await self._look()
            except Exception:
                logger.exception("The hub could not read what is new; it tries again.")
                await asyncio.sleep(LOOK)

    async def _look(self) -> None:
        """Compare every followed stream with where it stands, and hand out what is new."""
        if not self._watches:
            return
        found = await database_sync_to_async(heads)({stream for stream, _ in self._watches})
        changed = [
            (stream, form, watch, found[stream])
            for (stream, form), watch in list(self._watches.items())
            if stream in found and found[stream] != watch.head
        ]
        for stream, form, watch, head in changed:
            await self._hand_out(stream, form, watch, head)

    async def _hand_out(self, stream: Stream, form: str, watch: Watch, head: Head) -> None:
        new = await _frames(stream, form, watch.head[0])
        reached = new[-1]["seq"] if len(new) >= LARGEST_RANGE else head[0]
        watch.head = (reached, *head[1:])
        if reached != head[0]:
            self._rung.set()
        for frame in new:
            text = encode(stream, frame)
            for follower in tuple(watch.followers):
                follower.hand(text)

    async def _listen(self) -> None:
        """The doorbell; a Redis that is away is waited for."""
        while True:
            try:
                await self._hear_all()
            except (redis.RedisError, OSError, ValueError) as error:
                logger.debug("The doorbell is away: %s", error)
                await asyncio.sleep(LOOK)

    async def _hear_all(self) -> None:
        client = redis.asyncio.from_url(settings.REDIS_URL)
        async with client, client.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            async for message in subscription.listen():
                if message["type"] == "message":
                    self._hear(json.loads(message["data"]))

    def _hear(self, names: Iterable[str]) -> None:
        if {str(stream) for stream, _ in self._watches}.intersection(names):
            self._rung.set()


def encode(stream: Stream, frame: Frame) -> str:
    return json.dumps({"stream": str(stream), **frame})


@database_sync_to_async
def _frames(stream: Stream, form: str, after: int) -> list[Frame]:
    return frames(stream, form, after=after)
