"""The hub of a web process, which reads and renders each change once for all followers.

The hub learns of changes from Redis. Once a second, it also compares the numbers of the newest
changes of all followed streams with the database. So without Redis, changes are only sent later.
After a stream was rendered, the stream rests: it isn't rendered again for a while, which is longer
if the rendering took longer. Changes during the rest are sent together after the rest.
"""

import asyncio
import logging
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from chat.doorbell import RIGHTS, SIGHT
from dashboard.live.batches import Batch, encode
from dashboard.live.bells import Bells
from dashboard.live.credentials import DATA, Refusal
from dashboard.live.frames import MAKERS, Frame, frames
from dashboard.live.gate import Ask, Gate
from dashboard.live.listening import listen
from dashboard.live.places import Places
from dashboard.live.socket import LOST, QUEUED, READY, Following, Socket
from dashboard.live.streams import Head, Stream, heads
from dashboard.live.texts import Texts
from dashboard.live.threads import DatabaseThread, Done
from dashboard.live.together import Together
from dashboard.live.views import View
from dashboard.live.watches import Watch
from procedures import dispatch

LOOK = 1.0
"""The seconds between two comparisons of the heads of all followed streams with the database."""
REPORT = 5.0
"""The seconds between two reports of the number of open sockets."""
TELL_AGAIN = 2.0
"""The seconds until a socket that hasn't asked for missed changes is told of them again."""
TURN = 0.25
"""The seconds for which ranges are sent before the hub looks for new changes again.

A range consists of all frames of a stream above a number that a client has named.
"""
MOST_DRAWN, MOST_READ = 100, 500
"""The maximum numbers of frames made for a stream at a time: of frames with HTML, and with data."""
SOCKETS_AT_ONCE = 100
"""The number of sockets for which frames are queued before other tasks have a turn."""
MOST_STREAMS = 100
"""The maximum number of streams that a page can follow."""
PAGE = "page"
"""The form of frames for the pages of people."""
NOT_YOURS = "Not found, or you don't have access."
STALE = "Your access has changed. Read the stream again from the start."
logger = logging.getLogger(__name__)

Range = tuple[Stream, str, int]


class Hub:
    """The streams that clients follow in this process, and the sockets of these clients."""

    def __init__(self) -> None:
        self.sockets: set[Socket] = set()
        self.gate = Gate(self)
        self.drawing, self._ringing = DatabaseThread("drawing"), DatabaseThread("bells")
        self.bells = Bells(self._ringing.run)
        self._reporting = DatabaseThread("reports")
        self.texts = Texts(self.gate)
        self.together = Together(self.gate, self._ringing.run)
        self._watches: dict[tuple[Stream, str], Watch] = {}
        self._ranges: dict[Range, set[Socket]] = {}
        self._losers: set[Socket] = set()
        self._rung = asyncio.Event()
        self._round_at = 0.0
        self._tasks = [
            asyncio.create_task(self._draw_all(), name="hub drawing"),
            asyncio.create_task(listen(self.hear, self.together.notice), name="hub doorbell"),
            asyncio.create_task(self._report_sockets(), name="hub report"),
        ]

    def join(self, socket: Socket) -> None:
        """Add a socket, and have the gate check its credential."""
        self.sockets.add(socket)
        self.gate.put(Ask(socket, "join"))

    def follow(
        self,
        socket: Socket,
        stream: Stream,
        form: str,
        *,
        after: int,
        mark: str = "",
        at: Places | None = None,
    ) -> None:
        """Send the socket the frames with numbers above `after`, and from then on each new frame.

        For the streams `inbox` and `runs`, `mark` takes the place of the number, and for
        `text:<id>`, `at` does. Raises `ValueError` in three cases: the stream has no such form, the
        form is for pages and the socket is a program's, or the socket already follows
        `MOST_STREAMS` streams.
        """
        if (stream.kind, form) not in MAKERS:
            raise ValueError(f"{stream} can't be followed as {form!r}")
        if not socket.credential.allows(form):
            raise ValueError(f"programs follow streams as {DATA!r}, not as {form!r}")
        if len(socket.following) + socket.waiting >= MOST_STREAMS:
            raise ValueError(f"a socket can follow at most {MOST_STREAMS} streams")
        self.gate.put(Ask(socket, "follow", stream, form, after, at or {}, mark))

    def send_range(self, socket: Socket, stream: Stream, *, after: int) -> None:
        """Send the socket all frames with numbers above `after` again, if it follows the stream.

        Raises `ValueError` if too many requests of the socket wait for a check of rights.
        """
        if socket.waiting >= MOST_STREAMS:
            raise ValueError(f"a socket can ask for at most {MOST_STREAMS} ranges at once")
        self.gate.put(Ask(socket, "range", stream, after=after))

    def type(self, socket: Socket, stream: Stream) -> None:
        """Tell the other members of a session that the socket's user is typing there."""
        if stream.kind != "session":
            raise ValueError(f"people can type only in sessions, not in {stream}")
        self.together.type(socket, stream.key)

    def leave(self, socket: Socket, stream: Stream) -> None:
        """Stop sending a stream to a socket, once its earlier requests have been handled."""
        self.gate.put(Ask(socket, "leave", stream))

    def _forget(self, socket: Socket, stream: Stream) -> None:
        following = socket.following.pop(stream, None)
        if stream.is_doorbell:
            self.bells.leave(socket, stream)
        elif stream.is_text:
            self.texts.leave(socket, stream)
        elif stream.kind == "session":
            self.together.leave(socket, stream.key)
        watch = following and self._watches.get((stream, following.form))
        if watch:
            watch.followers.discard(socket)
            if not watch.followers:
                del self._watches[stream, watch.form]

    def drop(self, socket: Socket) -> None:
        """Remove a socket that has been closed."""
        self._remove(socket)
        socket.outbox.stop()

    def _remove(self, socket: Socket) -> None:
        self.sockets.discard(socket)
        self._losers.discard(socket)
        for stream in list(socket.following):
            self._forget(socket, stream)

    def send_missed_heads(self, socket: Socket) -> None:
        """Tell a socket in which streams it has missed changes.

        The outbox calls this when its queue has room again.
        """
        if socket in self._losers and self.gate.is_confirmed:
            for stream, following in socket.lost:
                self._tell_head(socket, stream, following)
            if not socket.lost:
                self._losers.discard(socket)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.bells.close()
        await self.texts.close()
        await self.together.close()
        await self.gate.close()
        self.drawing.close()
        self._ringing.close()
        self._reporting.close()

    # The gate's decisions.

    def is_watched(self, stream: Stream, form: str) -> bool:
        return stream.is_doorbell or stream.is_text or (stream, form) in self._watches

    def do(self, ask: Ask, head: Head | None) -> None:
        """Carry out a request of a socket that the gate has allowed."""
        if ask.verb == "leave":
            self._forget(ask.socket, ask.stream)
        elif ask.verb == "follow":
            self._begin(ask, head)
        else:
            self._repeat(ask.socket, ask.stream, ask.after)

    def _begin(self, ask: Ask, head: Head | None) -> None:
        socket, stream = ask.socket, ask.stream
        # Read before the socket is forgotten: if the socket is the only follower, its watch is
        # removed then, and the head is given only for streams that nobody followed.
        watch = self._watches.get((stream, ask.form)) or (head and Watch(stream, ask.form, head))
        self._forget(socket, stream)
        if stream.is_doorbell:
            socket.following[stream] = Following(ask.form, READY)
            self.bells.follow(socket, stream, ask.mark, form=ask.form)
            return
        if stream.is_text:
            socket.following[stream] = Following(ask.form, READY)
            self.texts.follow(socket, stream, ask.at)
            return
        if not watch:
            self.deny(socket, stream)
            return
        self._watches[stream, ask.form] = watch
        watch.followers.add(socket)
        socket.following[stream] = Following(ask.form)
        if stream.kind == "session" and ask.form == PAGE:
            self.together.enter(socket, stream.key)
            socket.tell(encode({"stream": str(stream), "newest": watch.head[0]}))
        self._repeat(socket, stream, ask.after)

    def _repeat(self, socket: Socket, stream: Stream, after: int) -> None:
        """Send a socket everything after the given number again, if it follows the stream."""
        following = socket.following.get(stream)
        if following and stream.is_doorbell:
            self.bells.greet(socket, stream)
        elif following and not stream.is_text:
            self._send_from(socket, stream, following, after)

    def deny(self, socket: Socket, stream: Stream) -> None:
        self._forget(socket, stream)
        socket.tell(encode({"stream": str(stream), "denied": NOT_YOURS}))

    def refresh(self, socket: Socket, stream: Stream) -> None:
        socket.tell(encode({"stream": str(stream), "stale": STALE}))

    def end(self, socket: Socket, refusal: Refusal) -> None:
        self._remove(socket)
        words = [encode({"error": refusal.words})] if refusal.words else []
        socket.outbox.close(refusal.code, *words)

    async def _report_sockets(self) -> None:
        """Report the number of open sockets, for the figures on the home pages of operators."""
        while True:
            count = str(len(self.sockets))
            await self._reporting.run(dispatch.SOCKETS.tell, os.getpid(), count)
            await asyncio.sleep(REPORT)

    # What pages are sent.

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
            for socket in list(self._losers):
                self.send_missed_heads(socket)
        watches = list(self._watches.values())
        due = [watch for watch in watches if watch.is_due(now, is_round=is_round)]
        if not due:
            return
        found = await self.drawing.run(heads, {watch.stream for watch in due})
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
                self._lose(socket, socket.following[stream])
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
                    self._send_from(socket, stream, following, following.seq)
            if at % SOCKETS_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _deliver(
        self, socket: Socket, stream: Stream, following: Following, batch: Batch, reached: int
    ) -> bool:
        """Queue the part of a batch that a socket's user may see, and return True.

        Return False if the user has no access, or if the socket's queue has no room.
        """
        view = self.gate.view(socket, stream)
        if view is None:
            return False
        if not self.send(socket, stream, *batch.messages_for(view, after=following.seq)):
            return False
        following.seq = max(following.seq, reached)
        return True

    def send(self, socket: Socket, stream: Stream, *texts: str) -> bool:
        """Queue frames for a socket and return True, or return False if that isn't possible now.

        In this case, the socket is later told that it has missed changes, and asks for them.
        """
        following = socket.following.get(stream)
        if not self.gate.is_confirmed or not socket.outbox.put(*texts):
            if following:
                self._lose(socket, following)
            return False
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
                    if following := socket.following.get(asked[0]):
                        self._lose(socket, following)

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
                    self._send_from(socket, stream, following, reached)

    def _send_from(self, socket: Socket, stream: Stream, following: Following, after: int) -> None:
        """Queue a range for a socket. The range is sent before any later change of the stream."""
        following.seq, following.state = after, QUEUED
        watch = self._watches.get((stream, following.form))
        if watch and not watch.redraws and after >= watch.head[0]:
            following.state = READY
            return
        self._ranges.setdefault((stream, following.form, after), set()).add(socket)
        self._rung.set()

    def _awaits(self, socket: Socket, stream: Stream, form: str, after: int) -> bool:
        """Return True if the socket waits for the range above this number, in this form."""
        following = socket.following.get(stream)
        if following is None or following.form != form:
            return False
        return following.state == QUEUED and following.seq == after

    async def _draw(
        self, stream: Stream, form: str, sockets: Iterable[Socket], after: int
    ) -> Done[list[Frame]]:
        """Return the frames with numbers above `after`.

        A change that none of these sockets' users may see isn't rendered.
        """
        began = time.monotonic()
        views = {view for one in sockets if (view := self.gate.view(one, stream)) is not None}
        copies = [(one, one if one.is_whole else one.copy()) for one in views]
        drawn = await self.drawing.time(
            frames, stream, form, [copy for _, copy in copies], after=after, limit=most_of(form)
        )
        self._take_over(copies, stream, at=began)
        return drawn

    def _take_over(self, copies: Sequence[tuple[View, View]], stream: Stream, *, at: float) -> None:
        """Add the runs that were looked up in copies of views to the views themselves.

        The gate may have replaced a view meanwhile. Then its runs are added to the newer view.
        """
        for _, copy in copies:
            now = self.gate.view_of(copy.viewer, stream)
            if now is not None and not copy.is_whole and not now.is_whole:
                now.take(copy, asked_at=at)

    def _lose(self, socket: Socket, following: Following) -> None:
        following.state, following.told_at = LOST, 0.0
        self._losers.add(socket)

    def _tell_head(self, socket: Socket, stream: Stream, following: Following) -> None:
        """Tell a socket that it has missed changes, by sending the number of the newest change."""
        watch, now = self._watches.get((stream, following.form)), time.monotonic()
        if stream.is_doorbell:
            following.state = READY
            self.bells.greet(socket, stream)
        elif watch and now - following.told_at >= TELL_AGAIN:
            head = encode({"stream": str(stream), "head": watch.head[0]})
            following.told_at = now if socket.outbox.put(head) else 0.0

    # The doorbell.

    def _ring(self, watch: Watch) -> None:
        watch.is_rung = True
        self._rung.set()

    def hear(self, names: Iterable[str]) -> None:
        """Take hints that Redis has announced, such as "run:<id>" for a changed run.

        The hint "rights" says that rights have changed.
        """
        wanted = set(names)
        # Doorbells need no check of views, because the people affected are found at each ring.
        if RIGHTS in wanted or (SIGHT in wanted and self._watches):
            self.gate.hurry()
        self.bells.hear(wanted)
        self.texts.hear(name for name in wanted if name.startswith("text:"))
        self.together.hear(wanted)
        for (stream, _), watch in self._watches.items():
            if str(stream) in wanted:
                self._ring(watch)


def most_of(form: str) -> int:
    """Return the maximum number of frames of this form that are made at one time."""
    return MOST_READ if form == DATA else MOST_DRAWN
