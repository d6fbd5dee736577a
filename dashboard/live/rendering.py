"""The rendering of streams: each change is rendered once for all followers.

A range consists of all frames of a stream above a number that a client has named. After a stream
was rendered, the stream rests: it isn't rendered again for a while, which is longer if the
rendering took longer. Changes during the rest are sent together after the rest.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from dashboard.live.batches import Batch
from dashboard.live.credentials import DATA
from dashboard.live.frames import Frame, frames
from dashboard.live.gate import Gate
from dashboard.live.socket import QUEUED, READY, FollowedStream, Socket
from dashboard.live.streams import Head, Stream, heads
from dashboard.live.threads import CallResult, DatabaseThread
from dashboard.live.views import View
from dashboard.live.watches import Watch

LOOK = 1.0
"""The seconds between two comparisons of the heads of all followed streams with the database."""
TURN = 0.25
"""The seconds for which ranges are sent before new changes are looked for again."""
MOST_DRAWN, MOST_READ = 100, 500
"""The maximum numbers of frames made for a stream at a time: of frames with HTML, and with data."""
SOCKETS_AT_ONCE = 100
"""The number of sockets for which frames are queued before other tasks have a turn."""
logger = logging.getLogger(__name__)

Range = tuple[Stream, str, int]


class Rendering:
    """The streams that are rendered for their followers, and the task that renders them."""

    def __init__(self, gate: Gate, on_round: Callable[[], None]) -> None:
        """Begin to render; `on_round` is called before each comparison of all streams."""
        self._gate, self._on_round = gate, on_round
        self._thread = DatabaseThread("drawing")
        self._watches: dict[tuple[Stream, str], Watch] = {}
        self._ranges: dict[Range, set[Socket]] = {}
        self._rung = asyncio.Event()
        self._round_at = 0.0
        self._task = asyncio.create_task(self._draw_all(), name="hub drawing")

    @property
    def has_followers(self) -> bool:
        return bool(self._watches)

    def watch_of(self, stream: Stream, form: str) -> Watch | None:
        """Return the stream's watch in this form; None if no socket follows it in this form."""
        return self._watches.get((stream, form))

    def follow(self, socket: Socket, watch: Watch) -> None:
        """Add a socket to the followers of a watch, without sending anything to the socket."""
        self._watches[watch.stream, watch.form] = watch
        watch.followers.add(socket)
        socket.following[watch.stream] = FollowedStream(watch.form)

    def send_from(
        self, socket: Socket, stream: Stream, following: FollowedStream, after: int
    ) -> None:
        """Queue a range for a socket. The range is sent before any later change of the stream."""
        following.seq, following.state = after, QUEUED
        watch = self._watches.get((stream, following.form))
        if watch and not watch.redraws and after >= watch.head[0]:
            following.state = READY
            return
        self._ranges.setdefault((stream, following.form, after), set()).add(socket)
        self._rung.set()

    def leave(self, socket: Socket, stream: Stream, form: str) -> None:
        if watch := self._watches.get((stream, form)):
            watch.followers.discard(socket)
            if not watch.followers:
                del self._watches[stream, form]

    def hear(self, names: set[str]) -> None:
        """Schedule a rendering of the streams with these names, because they have changed."""
        for (stream, _), watch in self._watches.items():
            if str(stream) in names:
                self._ring(watch)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._thread.close()

    def _ring(self, watch: Watch) -> None:
        watch.is_rung = True
        self._rung.set()

    async def _draw_all(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._rung.wait()
            # Cleared before the look, so that a ring during the look causes another one.
            self._rung.clear()
            try:
                await self._look()
                await self._send_ranges()
            except Exception:
                logger.exception(
                    "Changes to streams couldn't be read. The next check reads them again."
                )
                await asyncio.sleep(LOOK)

    def _pause(self) -> float:
        """Return the seconds until the next comparison of heads, or until a stream's rest ends."""
        if self._ranges:
            return 0
        now = time.monotonic()
        rests = [watch.rests_until for watch in self._watches.values() if watch.is_rung]
        return max(min([self._round_at, *rests]) - now, 0)

    async def _look(self) -> None:
        """Compare the heads of streams with the database, and send frames of changed streams.

        Only announced streams are compared, and once a second all of them. A stream that rests is
        left for later.
        """
        now = time.monotonic()
        is_round = self._round_at <= now
        if is_round:
            self._round_at = now + LOOK
            self._on_round()
        watches = list(self._watches.values())
        due = [watch for watch in watches if watch.is_due(now, is_round=is_round)]
        if not due:
            return
        found = await self._thread.run(heads, {watch.stream for watch in due})
        for watch in due:
            # Cleared before the read, so that a ring during the read isn't lost.
            watch.is_rung = False
            head = found.get(watch.stream)
            if head is not None and head != watch.head:
                await self._hand_out(watch, head)

    async def _hand_out(self, watch: Watch, head: Head) -> None:
        """Send the new frames of a stream to all followers.

        If rendering fails, the followers are told that they have missed changes, so that they ask
        for them.
        """
        stream, limit = watch.stream, most_of(watch.form)
        # Followers that come during the read aren't among these; they get ranges of their own.
        ready = {one for one in watch.followers if one.following[stream].state == READY}
        try:
            new = await self._draw(stream, watch.form, ready, watch.head[0])
        except Exception:
            logger.exception("Frames of %s couldn't be rendered. Pages ask for them again.", stream)
            watch.head, watch.rests_until = head, time.monotonic() + LOOK
            for socket in ready & watch.followers:
                socket.lose(stream)
            return
        # A full range may end before the head, so the rest is read next. A smaller one may go past
        # the head, which was read earlier.
        reached = new.value[-1].seq if new.value else head[0]
        reached = reached if len(new.value) >= limit else max(reached, head[0])
        watch.head = (reached, *head[1:])
        watch.rest(new, now=time.monotonic())
        if reached < head[0]:
            self._ring(watch)
        await self._deliver_to(watch, ready, Batch(stream, new.value), reached)

    async def _deliver_to(
        self, watch: Watch, ready: set[Socket], batch: Batch, reached: int
    ) -> None:
        """Queue a batch for the followers in `ready`, and ranges for followers that came later.

        After every `SOCKETS_AT_ONCE` followers, other tasks of the event loop have a turn.
        """
        stream = watch.stream
        for at, socket in enumerate(list(watch.followers), 1):
            following = socket.following.get(stream)
            if following and following.form == watch.form and following.state == READY:
                if socket in ready:
                    self._deliver(socket, stream, following, batch, reached)
                else:
                    self.send_from(socket, stream, following, following.seq)
            if at % SOCKETS_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _deliver(
        self, socket: Socket, stream: Stream, following: FollowedStream, batch: Batch, reached: int
    ) -> bool:
        """Queue the part of a batch that a socket's user may see, and return True.

        Return False if the user has no access, or if the socket's queue has no room.
        """
        view = self._gate.view(socket, stream)
        if view is None:
            return False
        if not socket.hand(stream, *batch.messages_for(view, after=following.seq)):
            return False
        following.seq = max(following.seq, reached)
        return True

    async def _send_ranges(self) -> None:
        """Send the ranges that clients wait for.

        This ends after `TURN` seconds, so that new changes aren't delayed. The other ranges are
        sent later.
        """
        ends = time.monotonic() + TURN
        while self._ranges and time.monotonic() < ends:
            asked = next(iter(self._ranges))
            sockets = self._ranges.pop(asked)
            try:
                await self._send_range(*asked, sockets)
            except Exception:
                logger.exception(
                    "A range of %s couldn't be rendered. Pages ask for it again.", asked[0]
                )
                for socket in sockets:
                    socket.lose(asked[0])

    async def _send_range(
        self, stream: Stream, form: str, after: int, sockets: Iterable[Socket]
    ) -> None:
        """Send a range to the sockets that wait for it.

        If the stream has more frames, queue the next range.
        """
        asking = [socket for socket in sockets if self._awaits(socket, stream, form, after)]
        if not asking:
            return
        new = await self._draw(stream, form, asking, after)
        found = new.value
        reached = found[-1].seq if found else after
        is_full, watch = len(found) >= most_of(form), self._watches.get((stream, form))
        is_behind = reached > after and watch is not None and reached < watch.head[0]
        batch = Batch(stream, found)
        for socket in asking:
            following = socket.following.get(stream)
            if not following or not self._awaits(socket, stream, form, after):
                continue
            if self._deliver(socket, stream, following, batch, reached):
                following.state = READY
                if is_full or is_behind:
                    self.send_from(socket, stream, following, reached)

    def _awaits(self, socket: Socket, stream: Stream, form: str, after: int) -> bool:
        """Return True if the socket waits for the range above this number, in this form."""
        following = socket.following.get(stream)
        if following is None or following.form != form:
            return False
        return following.state == QUEUED and following.seq == after

    async def _draw(
        self, stream: Stream, form: str, sockets: Iterable[Socket], after: int
    ) -> CallResult[list[Frame]]:
        """Return the frames with numbers above `after`.

        A change that none of these sockets' users may see isn't rendered.
        """
        began = time.monotonic()
        views = {view for one in sockets if (view := self._gate.view(one, stream)) is not None}
        copies = [(one, one if one.is_whole else one.copy()) for one in views]
        drawn = await self._thread.time(
            frames, stream, form, [copy for _, copy in copies], after=after, limit=most_of(form)
        )
        self._take_over(copies, stream, at=began)
        return drawn

    def _take_over(self, copies: Sequence[tuple[View, View]], stream: Stream, *, at: float) -> None:
        """Add the runs that were looked up in copies of views to the views themselves.

        The gate may have replaced a view meanwhile. Then its runs are added to the newer view.
        """
        for _, copy in copies:
            now = self._gate.view_of(copy.viewer, stream)
            if now is not None and not copy.is_whole and not now.is_whole:
                now.take(copy, asked_at=at)


def most_of(form: str) -> int:
    """Return the maximum number of frames of this form that are made at one time."""
    return MOST_READ if form == DATA else MOST_DRAWN
