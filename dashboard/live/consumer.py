"""The one WebSocket of a page.

The page sends `{"follow": "run:<id>", "form": "page", "after": 12}`, `{"leave": "run:<id>"}` and,
when it finds a gap in the numbers, `{"range": "run:<id>", "after": 12}`.

It receives `{"stream": "run:<id>", "seq": 13, …}` for a change, `{"stream": "run:<id>", "denied":
"…"}` if its user has no access or has lost it, `{"stream": "session:<id>", "stale": "…"}` if the
user may now see more or less of the stream, and `{"error": "…"}` for a message that was
refused.

`docs/live.md` has the whole protocol.
"""

import asyncio
import json
import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, cast

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth import aget_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore

from chat.services import note_presence
from dashboard.live.frames import MAKERS
from dashboard.live.hub import Hub
from dashboard.live.streams import Stream, allowed, place_in
from dashboard.live.views import View
from procedures.engine.values.sent import without_doubles
from procedures.users import User

RECHECK = 3.0
"""Seconds between checks of a socket's access; the promised limit is five, under any load."""
NOTE_EVERY = 20.0
"""Seconds between updates of a person's presence, which counts for a minute."""
BACKLOG = 1000
"""The most frames queued for a slow page; further ones are dropped, and the page sees a gap."""
MOST_STREAMS = 100
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""The errors caused by malformed messages, which our own pages never send."""
NOT_YOURS = "Not found, or you don't have access."
STALE = "Your access has changed. Read the stream again from the start."
logger = logging.getLogger(__name__)


class LiveConsumer(AsyncWebsocketConsumer):
    """A consumer that follows streams for one page, within the access of its user."""

    hubs: ClassVar[dict[asyncio.AbstractEventLoop, Hub]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.following: dict[Stream, str] = {}
        self.views: dict[Stream, View] = {}
        self.noted_at = -NOTE_EVERY
        self.backlog: asyncio.Queue[str] = asyncio.Queue(BACKLOG)
        self.tasks: list[asyncio.Task[None]] = []

    async def __call__(self, *connection: Any) -> None:
        try:
            await super().__call__(*connection)
        # Not in `disconnect`, which never comes if the server gives up a socket at work and cancels
        # it: the hub would hand frames to it for as long as this process lives.
        finally:
            for stream in list(self.following):
                self._forget(stream)
            for task in self.tasks:
                task.cancel()

    async def connect(self) -> None:
        found = cast("User | AnonymousUser", self.scope["user"])
        # Accepted even for strangers: a refused handshake tells a browser no reason, and the page
        # would go on trying.
        await self.accept()
        if not isinstance(found, User):
            await self.close(code=4401)
            return
        self.user: User = found
        loop = asyncio.get_running_loop()
        # By loop, since a hub's tasks belong to one; a test may run several in one process.
        self.hub = self.hubs.setdefault(loop, self.hubs.get(loop) or Hub())
        self.tasks = [
            asyncio.create_task(self._send_backlog()),
            asyncio.create_task(self._recheck()),
        ]

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            asked = json.loads(text_data or "", object_pairs_hook=without_doubles)
            await self._do(asked)
        except UNREADABLE as error:
            await self._tell({"error": f"This message was refused: {error}"})

    def hand(self, text: str) -> None:
        """Queue a frame from the hub; drop it if the queue is full, and the page asks again."""
        with suppress(asyncio.QueueFull):
            self.backlog.put_nowait(text)

    def view(self, stream: Stream) -> View | None:
        """Return the user's view of a stream, or None if the page no longer follows it."""
        return self.views.get(stream)

    async def _do(self, asked: dict[str, Any]) -> None:
        if "leave" in asked:
            self._forget(Stream.parse(asked["leave"]))
            return
        stream = Stream.parse(asked.get("follow") or asked["range"])
        after = place_in(asked.get("after", 0))
        views = await self._look_at({stream})
        if stream not in views:
            await self._deny(stream)
        elif "follow" in asked:
            await self._follow(stream, str(asked.get("form", "data")), after, views[stream])
        elif form := self.following.get(stream):
            await self._look_by(views)
            await self.hub.catch_up(self, stream, form, after=after)

    async def _follow(self, stream: Stream, form: str, after: int, view: View) -> None:
        if (stream.kind, form) not in MAKERS:
            raise ValueError(f"{stream} can't be followed as {form!r}")
        if len(self.following) >= MOST_STREAMS:
            raise ValueError(f"a socket can follow at most {MOST_STREAMS} streams")
        self._forget(stream)
        # Before the hub reads anything: what comes meanwhile is handed out by this view.
        self.following[stream], self.views[stream] = form, view
        await self.hub.follow(self, stream, form, after=after)

    def _forget(self, stream: Stream) -> None:
        self.views.pop(stream, None)
        if form := self.following.pop(stream, None):
            self.hub.leave(self, stream, form)

    async def _deny(self, stream: Stream) -> None:
        self._forget(stream)
        await self._tell({"stream": str(stream), "denied": NOT_YOURS})

    async def _look_at(self, streams: Iterable[Stream]) -> dict[Stream, View]:
        """Return the user's views of those streams that the user may follow."""
        return await database_sync_to_async(allowed)(self.user, streams)

    async def _recheck(self) -> None:
        """Every few seconds, end the streams that the user may no longer follow.

        After a sign-out, close the socket.
        """
        while True:
            await asyncio.sleep(RECHECK)
            try:
                await self._look_again()
            except Exception:
                logger.exception("Couldn't check what %s may follow.", self.user)
                await self.close(code=1011)

    async def _look_again(self) -> None:
        user = await self._current_user()
        if user is None:
            await self.close(code=4401)
            return
        self.user = user
        await self._note_presence(user)
        views = await self._look_at(set(self.following))
        for stream in set(self.following) - views.keys():
            await self._deny(stream)
        await self._look_by(views)

    async def _look_by(self, views: Mapping[Stream, View]) -> None:
        """Replace the views; if one differs, tell the page to read the stream again."""
        for stream in views.keys() & self.following.keys():
            earlier, self.views[stream] = self.views[stream], views[stream]
            # What was withheld stays noted until it may be seen: only then does the page have
            # something to read again.
            views[stream].hidden |= earlier.hidden - views[stream].runs
            if not earlier.fits(views[stream]):
                await self._tell({"stream": str(stream), "stale": STALE})

    async def _note_presence(self, user: User) -> None:
        """Record now and then that the person has a page open, so that no mail is sent to them."""
        if time.monotonic() - self.noted_at < NOTE_EVERY or not self.following:
            return
        self.noted_at = time.monotonic()
        await database_sync_to_async(note_presence)(user)

    async def _current_user(self) -> User | None:
        """Return the user of the sign-in session as it is now, or None if the session has ended."""
        # Read from the database each time: the session in the scope is the one of the handshake,
        # and knows of no sign-out.
        key = self.scope["session"].session_key
        user = await aget_user(_Request(SessionStore(key)))  # type: ignore[arg-type]
        return user if isinstance(user, User) and user.is_active else None

    async def _send_backlog(self) -> None:
        while True:
            await self.send(text_data=await self.backlog.get())

    async def _tell(self, content: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(content))


class _Request:
    """A stand-in for a web request, with only what Django's authentication reads."""

    def __init__(self, session: Any) -> None:
        self.session = session
