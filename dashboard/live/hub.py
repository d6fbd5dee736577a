"""The hub of a web process, which reads and renders each change once for all followers.

The hub learns of changes from Redis. Once a second, it also compares the numbers of the newest
changes of all followed streams with the database. So without Redis, changes are only sent later.
"""

import asyncio
import os
import time
from collections.abc import Iterable

from chat.doorbell import ANNOUNCEMENTS, RIGHTS, SIGHT
from dashboard.live.batches import encode
from dashboard.live.bells import Bells
from dashboard.live.credentials import DATA, Refusal
from dashboard.live.frames import MAKERS
from dashboard.live.gate import Ask, Gate
from dashboard.live.listening import listen
from dashboard.live.places import Places
from dashboard.live.rendering import Rendering
from dashboard.live.socket import LOST, READY, FollowedStream, Socket
from dashboard.live.streams import Head, Stream
from dashboard.live.texts import Texts
from dashboard.live.threads import DatabaseThread
from dashboard.live.together import OpenSessions
from dashboard.live.watches import Watch
from procedures import dispatch

REPORT = 5.0
"""The seconds between two reports of the number of open sockets."""
TELL_AGAIN = 2.0
"""The seconds until a socket that hasn't asked for missed changes is told of them again."""
MOST_STREAMS = 100
"""The maximum number of streams that a page can follow."""
PAGE = "page"
"""The form of frames for the pages of people."""
NOT_YOURS = "Not found, or you don't have access."
STALE = "Your access has changed. Read the stream again from the start."


class Hub:
    """The streams that clients follow in this process, and the sockets of these clients."""

    def __init__(self) -> None:
        self.sockets: set[Socket] = set()
        self.gate = Gate(self)
        self._ringing = DatabaseThread("bells")
        self.bells = Bells(self._ringing.run)
        self._reporting = DatabaseThread("reports")
        self.texts = Texts(self.gate)
        self.together = OpenSessions(self.gate, self._ringing.run)
        self._losers: set[Socket] = set()
        self.rendering = Rendering(self.gate, self._send_all_missed_heads)
        self._tasks = [
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
        if following:
            self.rendering.leave(socket, stream, following.form)

    def drop(self, socket: Socket) -> None:
        """Remove a socket that has been closed."""
        self._remove(socket)
        socket.outbox.stop()

    def _remove(self, socket: Socket) -> None:
        self.sockets.discard(socket)
        self._losers.discard(socket)
        for stream in list(socket.following):
            self._forget(socket, stream)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.rendering.close()
        await self.bells.close()
        await self.texts.close()
        await self.together.close()
        await self.gate.close()
        self._ringing.close()
        self._reporting.close()

    # The gate's decisions.

    def is_watched(self, stream: Stream, form: str) -> bool:
        is_rendered = self.rendering.watch_of(stream, form) is not None
        return stream.is_doorbell or stream.is_text or is_rendered

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
        watch = self.rendering.watch_of(stream, ask.form)
        watch = watch or (Watch(stream, ask.form, head) if head else None)
        self._forget(socket, stream)
        if stream.is_doorbell:
            socket.following[stream] = FollowedStream(ask.form, READY)
            self.bells.follow(socket, stream, ask.mark, form=ask.form)
            return
        if stream.is_text:
            socket.following[stream] = FollowedStream(ask.form, READY)
            self.texts.follow(socket, stream, ask.at)
            return
        if not watch:
            self.deny(socket, stream)
            return
        self.rendering.follow(socket, watch)
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
            self.rendering.send_from(socket, stream, following, after)

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

    # What sockets are sent.

    def send(self, socket: Socket, stream: Stream, *texts: str) -> bool:
        """Queue frames for a socket and return True, or return False if that isn't possible now.

        In this case, the socket is later told that it has missed changes, and asks for them.
        """
        if not self.gate.is_confirmed or not socket.outbox.put(*texts):
            self.lose(socket, stream)
            return False
        return True

    def lose(self, socket: Socket, stream: Stream) -> None:
        if following := socket.following.get(stream):
            following.state, following.told_at = LOST, 0.0
            self._losers.add(socket)

    def send_missed_heads(self, socket: Socket) -> None:
        """Tell a socket in which streams it has missed changes.

        The outbox calls this when its queue has room again.
        """
        if socket in self._losers and self.gate.is_confirmed:
            for stream, following in socket.lost:
                self._tell_head(socket, stream, following)
            if not socket.lost:
                self._losers.discard(socket)

    def _send_all_missed_heads(self) -> None:
        for socket in list(self._losers):
            self.send_missed_heads(socket)

    def _tell_head(self, socket: Socket, stream: Stream, following: FollowedStream) -> None:
        """Tell a socket that it has missed changes, by sending the number of the newest change."""
        watch, now = self.rendering.watch_of(stream, following.form), time.monotonic()
        if stream.is_doorbell:
            following.state = READY
            self.bells.greet(socket, stream)
        elif watch and now - following.told_at >= TELL_AGAIN:
            head = encode({"stream": str(stream), "head": watch.head[0]})
            following.told_at = now if socket.outbox.put(head) else 0.0

    # The doorbell.

    def hear(self, names: Iterable[str]) -> None:
        """Take hints that Redis has announced, such as "run:<id>" for a changed run.

        The hint "rights" says that rights have changed.
        """
        wanted = set(names)
        # Doorbells need no check of views, because the people affected are found at each ring.
        if RIGHTS in wanted or (SIGHT in wanted and self.rendering.has_followers):
            self.gate.hurry()
        if ANNOUNCEMENTS in wanted:
            self._tell_of_announcements()
        self.bells.hear(wanted)
        self.texts.hear(name for name in wanted if name.startswith("text:"))
        self.together.hear(wanted)
        self.rendering.hear(wanted)

    def _tell_of_announcements(self) -> None:
        """Tell all pages to read again what the site announces. Programs aren't told."""
        for socket in self.sockets:
            if socket.credential.allows(PAGE):
                socket.tell(encode({"announced": True}))
