"""News of an open session that are no changes of it: how far its members have read.

It has no number, and nobody asks for it again: the next page shows it, too. Only people who see the
whole session are told. What comes together is sent together, in pauses that grow with the number of
open pages, so that a thousand readers of a thousand pages cost a few frames for each page.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from chat.unread import READ, readers_of
from dashboard.live.batches import encode
from dashboard.live.news import session_in
from dashboard.live.socket import Socket
from dashboard.live.streams import Stream
from dashboard.live.views import View
from dashboard.overview.readers import readers_data

REST = 1.0
"""The shortest time between two frames of a session, in seconds."""
PAGES_A_SECOND = 250
"""The most pages of one session that are sent a frame in a second, on average."""
Ask = Callable[..., Awaitable[Any]]
"""A function that calls another one in a thread that may use the database."""
logger = logging.getLogger(__name__)


class Rights(Protocol):
    """The part of the gate that is needed here."""

    @property
    def is_confirmed(self) -> bool: ...

    def view(self, socket: Socket, stream: Stream) -> View | None: ...


@dataclass(eq=False)
class Room:
    """A session with its open pages in this process."""

    pages: set[Socket] = field(default_factory=set)
    was_read: bool = False
    """True if somebody has read, and the pages don't show it yet."""
    rests_until: float = 0.0

    @property
    def has_company(self) -> bool:
        """True if several people have the session open here."""
        return len({page.user.pk for page in self.pages if page.user}) > 1


class Together:
    """The sessions that are open in this process, and what their pages are about to be told."""

    def __init__(self, rights: Rights, ask: Ask) -> None:
        self._rights, self._ask = rights, ask
        self._rooms: dict[UUID, Room] = {}
        self._woken = asyncio.Event()
        self._task = asyncio.create_task(self._tell_for_ever(), name="hub together")

    def enter(self, socket: Socket, session: UUID) -> None:
        self._rooms.setdefault(session, Room()).pages.add(socket)

    def leave(self, socket: Socket, session: UUID) -> None:
        if room := self._rooms.get(session):
            room.pages.discard(socket)
            if not room.pages:
                del self._rooms[session]

    def hear(self, names: Iterable[str]) -> None:
        """Take the hints that somebody has read; others are ignored."""
        for name in names:
            session = session_in(name) if name.startswith(READ) else None
            room = self._rooms.get(session) if session else None
            if room and room.has_company:
                room.was_read = True
                self._woken.set()

    async def close(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _tell_for_ever(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._woken.wait()
            self._woken.clear()
            for session, room in self._due(time.monotonic()):
                try:
                    await self._tell(session, room)
                except Exception:
                    logger.exception("The pages of session %s couldn't be told.", session)

    def _pause(self) -> float | None:
        """Return the seconds until the first room's rest ends, or None if there are no news."""
        rests = [room.rests_until for room in self._rooms.values() if room.was_read]
        return max(min(rests) - time.monotonic(), 0) if rests else None

    def _due(self, now: float) -> list[tuple[UUID, Room]]:
        rooms = self._rooms.items()
        return [(key, room) for key, room in rooms if room.was_read and room.rests_until <= now]

    async def _tell(self, session: UUID, room: Room) -> None:
        # Before the read, for what is read meanwhile.
        room.was_read = False
        room.rests_until = time.monotonic() + max(REST, len(room.pages) / PAGES_A_SECOND)
        readers = await self._ask(readers_of, session)
        self._send(session, room, {"readers": readers_data(readers)})

    def _send(self, session: UUID, room: Room, content: dict[str, Any]) -> None:
        stream = Stream("session", session)
        text = encode({"stream": str(stream), "together": content})
        if not self._rights.is_confirmed:
            return
        for socket in list(room.pages):
            view = self._rights.view(socket, stream)
            if view is not None and view.is_whole:
                socket.outbox.put(text)
