"""A gate that checks the rights of new sockets at once, and of all sockets every four seconds.

If a change of rights is announced, the next check begins sooner. Frames are sent only while the
last check of all sockets is recent. So if checks fail or take too long, no frames are sent.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Protocol

from dashboard.live.credentials import Credential, Credentials, Refusal
from dashboard.live.notes import Notes
from dashboard.live.places import Places
from dashboard.live.rights import Answer, Pair, ask
from dashboard.live.socket import Socket
from dashboard.live.streams import INBOX, Head, Stream
from dashboard.live.threads import DatabaseThread
from dashboard.live.views import View
from procedures.viewers import Key

RECHECK = 4.0
"""The seconds from the beginning of one check of all sockets to the beginning of the next one."""
SOONEST = 0.5
"""The seconds between the beginnings of two checks of all sockets if rights have changed."""
CONFIRMED = 4.8
"""The seconds for which the result of a check counts, from the beginning of the check."""
PATIENCE = 10.0
"""The seconds without a successful check after which all sockets are closed.

A page whose socket is closed says that the page isn't live.
"""
UNAVAILABLE = Refusal(1011)
"""The WebSocket close code for a socket whose rights can't be checked."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that a socket makes, such as a request to follow a stream.

    The requests of one socket are carried out in the order in which they were made.
    """

    socket: Socket
    verb: Literal["join", "follow", "range", "leave"]
    stream: Stream = INBOX
    """The stream that the request is about. A request of the kind "join" has no stream."""
    form: str = ""
    after: int = 0
    at: Places = field(default_factory=dict)
    """The part of each step's text that the client already has (see `dashboard.live.places`)."""
    mark: str = ""
    """The mark that the server put into the page (see `dashboard.live.marks`)."""

    @property
    def needs_right(self) -> bool:
        return self.verb in ("follow", "range")


class Streams(Protocol):
    """The interface through which the gate carries out its decisions. The hub implements it."""

    sockets: set[Socket]

    def do(self, ask: Ask, head: Head | None) -> None:
        """Carry out a request that the gate has allowed.

        `head` is the head of the stream. It is only given if nobody followed the stream before.
        """

    def is_watched(self, stream: Stream, form: str) -> bool: ...

    def deny(self, socket: Socket, stream: Stream) -> None: ...

    def refresh(self, socket: Socket, stream: Stream) -> None:
        """Tell a page that its user may now see more or less of a stream."""

    def end(self, socket: Socket, refusal: Refusal) -> None: ...


class Gate:
    """The result of the last check of rights, and the requests that wait for the next check."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._views: dict[Pair, View] = {}
        self._waiting: list[Ask] = []
        self._has_question = asyncio.Event()
        self._checked_at = self.check_at = time.monotonic()
        """The times of the last check of all sockets and, in the second variable, of the next one.

        Both are times on the monotonic clock.
        """
        self._is_checking = self._is_hurried = False
        self._credentials, self._notes = Credentials(), Notes()
        self._thread = DatabaseThread("rights")
        self._task = asyncio.create_task(self._answer_all(), name="hub rights")

    @property
    def is_confirmed(self) -> bool:
        """True while the last check is recent enough for frames to be sent."""
        return time.monotonic() - self._checked_at < CONFIRMED

    def view(self, socket: Socket, stream: Stream) -> View | None:
        """Return the part of a stream that the socket's user may see now; without access, None."""
        return self.view_of(socket.user.pk, stream) if socket.user else None

    def view_of(self, user: Key, stream: Stream) -> View | None:
        return self._views.get((user, stream))

    def put(self, asked: Ask) -> None:
        """Decide about a request: now if rights were just checked, or else after the next check."""
        if self._is_answered(asked):
            self._streams.do(asked, None)
            return
        asked.socket.waiting += 1
        self._waiting.append(asked)
        self._has_question.set()

    def hurry(self) -> None:
        """Make the next check of all sockets begin soon, because some rights have changed.

        A check that is running now may have read the rights before the change, so another check
        follows it.
        """
        self._is_hurried = True
        self.check_at = min(self.check_at, self._checked_at + SOONEST)
        self._has_question.set()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._thread.close()
        await self._notes.close()

    def _is_answered(self, asked: Ask) -> bool:
        """Return True if the last check allows the request, and no newer check is running."""
        socket, stream = asked.socket, asked.stream
        if socket.waiting or asked.verb == "join":
            return False
        if not asked.needs_right:
            return True
        if self._is_checking or not self.is_confirmed or self.view(socket, stream) is None:
            return False
        return asked.verb == "range" or self._streams.is_watched(stream, asked.form)

    async def _answer_all(self) -> None:
        while True:
            pause = max(self.check_at - time.monotonic(), 0)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._has_question.wait()
            self._has_question.clear()
            try:
                await self._answer()
            except Exception:
                logger.exception(
                    "The rights of open pages couldn't be checked. Another check follows."
                )
                self._give_up()
                await asyncio.sleep(SOONEST)

    def _give_up(self) -> None:
        """Close all sockets if checks have failed for too long, so that no page seems live."""
        if time.monotonic() - self._checked_at > PATIENCE:
            self._waiting = []
            for socket in list(self._streams.sockets):
                self._streams.end(socket, UNAVAILABLE)
        elif self._waiting:
            self._has_question.set()

    async def _answer(self) -> None:
        """Decide on the waiting requests; check the rights of all sockets, too, if this is due."""
        began, waiting = time.monotonic(), self._waiting
        is_check = began >= self.check_at
        self._is_checking, self._waiting = is_check, []
        # Cleared before the rights are read, because later announcements may be newer than these.
        self._is_hurried &= not is_check
        here = list(self._streams.sockets) if is_check else []
        try:
            answer = await self._ask(here, waiting)
        except BaseException:
            self._waiting = waiting + self._waiting
            raise
        finally:
            self._is_checking = False
        self._take(answer)
        if is_check:
            pause = SOONEST if self._is_hurried else RECHECK
            self._checked_at, self.check_at = began, began + pause
            self._renew(here, answer)
            self._notes.note(here)
        for one in waiting:
            one.socket.waiting -= 1
            self._settle(one, answer)

    async def _ask(self, here: Iterable[Socket], waiting: Iterable[Ask]) -> Answer:
        asked: dict[Credential, set[Stream]] = defaultdict(set)
        for socket in here:
            asked[socket.credential].update(socket.following)
        for one in waiting:
            asked[one.socket.credential].update([one.stream] if one.needs_right else [])
        new = {one.stream for one in waiting if one.verb == "follow"}
        async with asyncio.timeout(PATIENCE):
            return await self._thread.run(ask, self._credentials, asked, new=new)

    def _take(self, answer: Answer) -> None:
        """Store the views that a check has found.

        Notify the pages whose users may now see more or less of a stream than before.
        """
        differing = set()
        for pair, view in answer.views.items():
            earlier = self._views.get(pair)
            if earlier is None or earlier is view:
                continue
            if not view.is_whole:
                view.take_over(earlier)
            if not earlier.fits(view):
                differing.add(pair)
        self._views |= answer.views
        for socket in self._streams.sockets if differing else ():
            for stream in socket.following:
                if socket.user and (socket.user.pk, stream) in differing:
                    self._streams.refresh(socket, stream)

    def _renew(self, here: Iterable[Socket], answer: Answer) -> None:
        """Replace all rights by those that a check of all sockets has found.

        Close the sockets whose credentials aren't valid any more, and end streams to which people
        have lost access.
        """
        self._views = answer.views
        self._credentials.keep(answer.asked)
        for socket in here:
            user = answer.holders.users.get(socket.credential)
            if user is None:
                self._streams.end(socket, answer.holders.refusal(socket.credential))
                continue
            if socket.user and socket.user.pk != user.pk:
                self._streams.end(socket, Refusal())
                continue
            socket.user = user
            for stream in [one for one in socket.following if (user.pk, one) not in self._views]:
                self._streams.deny(socket, stream)

    def _settle(self, asked: Ask, answer: Answer) -> None:
        """Carry out a request that has waited for a check, or tell the page of the refusal.

        A socket whose credential isn't valid is closed.
        """
        socket, stream = asked.socket, asked.stream
        user = answer.holders.users.get(socket.credential)
        refusal = answer.holders.refusal(socket.credential)
        if asked.verb == "join" and user is None:
            self._notes.note_refusal(socket.credential, refusal)
        if socket not in self._streams.sockets:
            return
        if user is None:
            self._streams.end(socket, refusal)
            return
        socket.user = user
        if asked.verb == "join":
            self._notes.note([socket])
        if not asked.needs_right or (user.pk, stream) in answer.views:
            self._streams.do(asked, answer.heads.get(stream))
        else:
            self._streams.deny(socket, stream)
