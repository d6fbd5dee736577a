"""The hub of a web process, which reads and renders each change once for all its followers.

It learns of changes from the doorbell, and once a second by comparing the heads of all followed
streams; Redis only makes it faster. A stream that is expensive to render rests in proportion to its
rendering time; the changes during a rest are sent together after it.
"""

import asyncio
import json
import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import redis.asyncio
from channels.db import database_sync_to_async

from chat.doorbell import CHANNEL
from dashboard.live.bells import Bells, Listener
from dashboard.live.frames import LARGEST_RANGE, Frame, frames
from dashboard.live.streams import Head, Stream, heads
from dashboard.live.views import View
from procedures.conf import conf

LOOK = 1.0
"""Seconds between two comparisons of all heads."""
SHARE = 10
"""A stream's rest as a multiple of the time that rendering it took."""
logger = logging.getLogger(__name__)


class Follower(Listener, Protocol):
    """An object that receives frames, such as the consumer of a page."""

    def view(self, stream: Stream) -> View | None:
        """Return the part of a stream that this follower may see, or None if it has left."""


@dataclass
class Watch:
    """A followed stream in one form, with its followers."""

    head: Head
    followers: set[Follower] = field(default_factory=set)
    is_rung: bool = False
    rests_until: float = 0.0
    """The end of the stream's rest, on the monotonic clock."""

    def is_due(self, now: float, *, is_round: bool) -> bool:
        return self.rests_until <= now and (is_round or self.is_rung)

    def rest(self, *, since: float, now: float) -> None:
        """Let the stream rest, after it was rendered from `since` until `now`."""
        pause = (now - since) * SHARE
        self.rests_until = since + pause


Watched = tuple[Stream, str]


class Hub:
    """The streams that pages follow in this process."""

    def __init__(self) -> None:
        self._watches: dict[Watched, Watch] = {}
        self._rung = asyncio.Event()
        self._round_at = 0.0
        self.bells = Bells(_ask)
        self._tasks = [
            asyncio.create_task(self._watch_heads(), name="hub heads"),
            asyncio.create_task(self._listen(), name="hub doorbell"),
        ]

    async def follow(self, follower: Follower, stream: Stream, form: str, *, after: int) -> None:
        """Send the follower the frames after the cursor, and from then on every new one."""
        if stream.is_doorbell:
            self.bells.follow(follower, stream)
            return
        head = (await database_sync_to_async(heads)([stream])).get(stream)
        # It may have been left, or taken away, while its head was read: nobody would leave it once
        # more, and its frames would come for as long as this process lives.
        if head is None or follower.view(stream) is None:
            return
        watch = self._watches.setdefault((stream, form), Watch(head))
        watch.followers.add(follower)
        await self.catch_up(follower, stream, form, after=after)

    async def catch_up(self, follower: Follower, stream: Stream, form: str, *, after: int) -> None:
        """Send the follower everything after the cursor, in order."""
        if stream.is_doorbell:
            self.bells.greet(follower, stream)
            return
        while (view := follower.view(stream)) is not None:
            found = await _frames(stream, form, [view], after)
            for frame in found:
                follower.hand(encode(stream, frame.content_for(view)))
            if len(found) < LARGEST_RANGE:
                return
            after = found[-1].seq

    def leave(self, follower: Follower, stream: Stream, form: str) -> None:
        if stream.is_doorbell:
            self.bells.leave(follower, stream)
            return
        watch = self._watches.get((stream, form))
        if watch:
            watch.followers.discard(follower)
            if not watch.followers:
                del self._watches[stream, form]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.bells.close()

    async def _watch_heads(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), self._pause())
            # Before the look: a ring that comes while it is under way asks for another one.
            self._rung.clear()
            try:
                await self._look()
            except Exception:
                logger.exception("The hub couldn't read what is new. It will try again.")
                await asyncio.sleep(LOOK)

    def _pause(self) -> float:
        """Return the seconds until the next comparison, or until a resting stream may be read."""
        now = time.monotonic()
        rests = [watch.rests_until for watch in self._watches.values() if watch.is_rung]
        return max(min([self._round_at, *rests]) - now, 0)

    async def _look(self) -> None:
        """Compare heads: of all streams once a second, otherwise of those the doorbell named."""
        now = time.monotonic()
        is_round = self._round_at <= now
        if is_round:
            self._round_at = now + LOOK
        watches = list(self._watches.items())
        due = [(key, watch) for key, watch in watches if watch.is_due(now, is_round=is_round)]
        if not due:
            return
        found = await database_sync_to_async(heads)({stream for (stream, _), _ in due})
        for (stream, form), watch in due:
            # Before the read, for a ring that comes meanwhile.
            watch.is_rung = False
            if stream in found and found[stream] != watch.head:
                await self._hand_out(stream, form, watch, found[stream])

    async def _hand_out(self, stream: Stream, form: str, watch: Watch, head: Head) -> None:
        began = time.monotonic()
        # Whoever comes while this is read is not among them: they catch up by themselves.
        looks = [(follower, follower.view(stream)) for follower in watch.followers]
        views = {follower: view for follower, view in looks if view is not None}
        new = await _frames(stream, form, views.values(), watch.head[0])
        # A full range may have ended before the head: the rest is read next, not skipped.
        reached = new[-1].seq if len(new) >= LARGEST_RANGE else head[0]
        watch.head = (reached, *head[1:])
        # Who left while this was read must get nothing more.
        present = watch.followers & views.keys()
        for frame in new:
            text, number = encode(stream, frame.content), encode(stream, {"seq": frame.seq})
            for follower in present:
                follower.hand(text if views[follower].sees(frame.subject) else number)
        if reached != head[0]:
            self._ring(watch)
        watch.rest(since=began, now=time.monotonic())

    def _ring(self, watch: Watch) -> None:
        watch.is_rung = True
        self._rung.set()

    async def _listen(self) -> None:
        """Listen to the doorbell; if Redis is unreachable, try again every second."""
        while True:
            try:
                await self._hear_all()
            except (redis.RedisError, OSError, ValueError) as error:
                logger.debug("Redis can't be reached, so pages learn of changes later: %s", error)
                await asyncio.sleep(LOOK)

    async def _hear_all(self) -> None:
        client = redis.asyncio.from_url(conf.REDIS_URL)
        async with client, client.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            async for message in subscription.listen():
                if message["type"] == "message":
                    self._hear(json.loads(message["data"]))

    def _hear(self, names: Iterable[str]) -> None:
        wanted = set(names)
        self.bells.hear(wanted)
        for (stream, _), watch in self._watches.items():
            if str(stream) in wanted:
                self._ring(watch)


async def _ask(function: Any, *args: Any) -> Any:
    return await database_sync_to_async(function)(*args)


def encode(stream: Stream, content: dict[str, Any]) -> str:
    return json.dumps({"stream": str(stream), **content})


@database_sync_to_async
def _frames(stream: Stream, form: str, views: Iterable[View], after: int) -> list[Frame]:
    return frames(stream, form, views, after=after)
