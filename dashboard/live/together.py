"""News of an open session besides its numbered changes: who has read, is present or is typing.

If a frame with news is lost, it isn't sent again, because the next frame tells the same. News is
sent only to people who see the whole session. News is collected, and frames are sent after pauses.
The pauses grow with the number of open pages: with a thousand open pages, each page gets at most
one frame every four seconds.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from chat.unread import READ, readers_of
from dashboard.live.batches import encode
from dashboard.live.news import session_in
from dashboard.live.people import AGAIN, Announcements
from dashboard.live.socket import Socket
from dashboard.live.streams import Stream
from dashboard.live.threads import CallInThread
from dashboard.live.views import View
from dashboard.overview.readers import readers_data
from procedures.users import json_key

SETTLED = 1.0
"""The seconds after which the opening or closing of a page is announced to other processes."""
REST = 1.0
"""The shortest time between two frames with news of the same session, in seconds."""
PAGES_A_SECOND = 250
"""The maximum number of frames with news per second, counted over all pages of one session."""
logger = logging.getLogger(__name__)


class Rights(Protocol):
    """The methods of the gate that `OpenSessions` uses."""

    @property
    def is_confirmed(self) -> bool: ...

    def view(self, socket: Socket, stream: Stream) -> View | None: ...


@dataclass(eq=False)
class OpenSession:
    """A session, with the pages that have it open in this process."""

    pages: set[Socket] = field(default_factory=set)
    was_read: bool = False
    """True if somebody has read messages, and the pages haven't been told yet."""
    has_moved: bool = False
    """True if somebody has come, left or typed, and the pages haven't been told yet."""
    rests_until: float = 0.0

    @property
    def has_news(self) -> bool:
        return self.was_read or self.has_moved

    def has_others(self, reader: str) -> bool:
        """Return True if anybody but this user has the session open in this process.

        `reader` is the user's primary key as text.
        """
        return any(page.user and str(page.user.pk) != reader for page in self.pages)


class OpenSessions:
    """The sessions that are open in this process, and the news that their pages are sent."""

    def __init__(self, rights: Rights, ask: CallInThread) -> None:
        self._rights, self._ask = rights, ask
        self._rooms: dict[UUID, OpenSession] = {}
        self._people = Announcements()
        self._announced: dict[UUID, dict[Any, str]] = {}
        """The people in each session, as this process last announced them."""
        self._asked: set[UUID] = set()
        """The sessions that another process has just opened.

        The other process doesn't know yet who has these sessions open in this process.
        """
        self._unsure: set[UUID] = set()
        """The sessions in which pages were opened or closed since this process last announced."""
        self._all_at = self._soon_at = 0.0
        """The times of the next announcement: of all sessions, and of those in `_unsure`."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._task = asyncio.create_task(self._tell_for_ever(), name="hub together")

    def enter(self, socket: Socket, session: UUID) -> None:
        room = self._rooms.setdefault(session, OpenSession())
        room.pages.add(socket)
        # The new page itself needs a frame, even if no new person has come.
        room.has_moved = True
        self._announce_soon(session)

    def leave(self, socket: Socket, session: UUID) -> None:
        if room := self._rooms.get(session):
            room.pages.discard(socket)
            if not room.pages:
                del self._rooms[session]
            self._announce_soon(session)

    def hear(self, names: Iterable[str]) -> None:
        """Take the hints that somebody has read messages in a session; ignore all other hints."""
        for name in names:
            session = session_in(name) if name.startswith(READ) else None
            room = self._rooms.get(session) if session else None
            # Without other readers, nobody needs a frame. The reader may use another process.
            if room and room.has_others(name.rpartition(":")[2]):
                room.was_read = True
                self._woken.set()

    def type(self, socket: Socket, session: UUID) -> None:
        """Announce that the user of the socket is typing in the session.

        Raises `ValueError` if the user isn't a member, or if the page doesn't follow the session.
        """
        room, view = self._rooms.get(session), self._view(socket, session)
        if room is None or socket not in room.pages or view is None or not view.is_member:
            raise ValueError("only pages of members say that somebody is typing")
        assert socket.user
        key, name = json_key(socket.user.pk), socket.user.get_username()
        task = asyncio.create_task(self._people.type(session, key, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def notice(self, announcement: Mapping[str, Any]) -> None:
        """Take an announcement of a web process: who has sessions open there, or who is typing."""
        changed, opened = self._people.hear(announcement)
        for session in changed | opened:
            if room := self._rooms.get(session):
                room.has_moved = True
                self._woken.set()
            else:
                self._people.forget(session)
        for session in opened & self._rooms.keys():
            self._asked.add(session)
            self._announce_soon(session)

    async def close(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self._people.close()

    def _announce_soon(self, session: UUID) -> None:
        """Announce a session's people after `SETTLED` seconds.

        So a page that is closed and opened again, for example because it is reloaded, announces
        nothing.
        """
        if not self._unsure:
            self._soon_at = time.monotonic() + SETTLED
        self._unsure.add(session)
        self._woken.set()

    async def _announce(self, now: float) -> None:
        is_round = now >= self._all_at
        if not is_round and not (self._unsure and now >= self._soon_at):
            return
        due = {*self._unsure, *(self._rooms if is_round else ())}
        self._unsure.clear()
        if is_round:
            self._all_at = now + AGAIN
            self._people.keep(self._rooms)
        here = {session: self._members_in(session) for session in due}
        announced = {one: names for one, names in here.items() if names or one in self._announced}
        if not is_round:
            announced = {
                one: names
                for one, names in announced.items()
                if one in self._asked or self._announced.get(one) != names
            }
        self._asked -= due
        for session, names in announced.items():
            self._announced[session] = names
            if not names:
                del self._announced[session]
        if announced:
            await self._people.announce(announced)

    def _members_in(self, session: UUID) -> dict[Any, str]:
        room = self._rooms.get(session)
        return {
            json_key(page.user.pk): page.user.get_username()
            for page in (room.pages if room else ())
            if page.user and (view := self._view(page, session)) and view.is_member
        }

    def _view(self, socket: Socket, session: UUID) -> View | None:
        return self._rights.view(socket, Stream("session", session))

    async def _tell_for_ever(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self._announce(time.monotonic())
            except Exception:
                logger.exception("Other processes couldn't be told who has sessions open here.")
            for session, room in self._due(time.monotonic()):
                try:
                    await self._tell(session, room)
                except Exception:
                    logger.exception(
                        "Pages of session %s couldn't be told who is there and who is typing.",
                        session,
                    )

    def _pause(self) -> float | None:
        """Return the seconds until news or an announcement is due, or None if neither is."""
        ends = [room.rests_until for room in self._rooms.values() if room.has_news]
        ends += [self._all_at] if self._rooms else []
        ends += [self._soon_at] if self._unsure else []
        return max(min(ends) - time.monotonic(), 0) if ends else None

    def _due(self, now: float) -> list[tuple[UUID, OpenSession]]:
        rooms = self._rooms.items()
        return [(key, room) for key, room in rooms if room.has_news and room.rests_until <= now]

    async def _tell(self, session: UUID, room: OpenSession) -> None:
        room.rests_until = time.monotonic() + max(REST, len(room.pages) / PAGES_A_SECOND)
        if not self._rights.is_confirmed:
            return  # tried again after the rest, when rights may have been checked
        was_read, has_moved = room.was_read, room.has_moved
        # Cleared first, so that what happens during the next lines isn't lost.
        room.was_read = room.has_moved = False
        if has_moved:
            self._send(session, room, self._people.people_in(session), is_for_members=True)
        if was_read:
            readers = readers_data(await self._ask(readers_of, session))
            self._send(session, room, {"readers": readers})

    def _send(
        self,
        session: UUID,
        room: OpenSession,
        content: dict[str, Any],
        *,
        is_for_members: bool = False,
    ) -> None:
        stream = Stream("session", session)
        text = encode({"stream": str(stream), "together": content})
        if not self._rights.is_confirmed:
            return
        for socket in list(room.pages):
            view = self._rights.view(socket, stream)
            if view is not None and (view.is_member if is_for_members else view.is_whole):
                socket.outbox.put(text)
