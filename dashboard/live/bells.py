"""The streams `inbox` and `runs`, which tell the people whom a change concerns to read again.

A change of a request rings for the people to whom it is or was assigned, and for superusers; their
frame has the numbers for their menu. A change of a run rings for those who may see the run, and
names it. Everybody else is sent nothing.

Bells come over Redis. A lost one is replaced within two seconds: once a second each process looks
at the rows that were added since its last look. Every four seconds it compares what each person may
answer and see with what that was before, because their groups and permissions may have changed.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from dashboard.live.concerned import Key, RequestNews, RunNews
from dashboard.live.streams import INBOX, RUNS, Stream
from procedures.users import User

LOOK = 1.0
"""Seconds between two looks at what no bell told of."""
CHECK = 4.0
"""Seconds between two comparisons of what people may answer and see."""
SPREAD = 0.3
"""The seconds over which the pages of those concerned are told, so that they don't read at once."""
MOST_NAMED = 50
"""The most runs named in a frame; without names, it is about any of them."""
Frame = dict[str, Any]
Ask = Callable[..., Awaitable[Any]]
"""Calls a function with these arguments in a thread that may use the database."""
logger = logging.getLogger(__name__)


class Listener(Protocol):
    """An open page that follows a bell."""

    @property
    def user(self) -> User | None: ...

    def hand(self, stream: Stream, text: str) -> object: ...


@dataclass
class Rung:
    """The names and pages that a bell has heard of since its last ring."""

    names: set[str] = field(default_factory=set)
    new: set[Listener] = field(default_factory=set)
    """Pages that have just begun to follow, or that missed something."""
    is_check: bool = False
    """True if what people may answer and see is compared, too."""

    def take_back(self, other: "Rung") -> None:
        self.names |= other.names
        self.new |= other.new
        self.is_check |= other.is_check


class Bell:
    """One bell of a web process, with the pages that follow it."""

    stream: Stream
    rest: float
    """The least number of seconds between two rings."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.keys: dict[Listener, Key] = {}
        """The people whose pages follow, by page."""
        self._rung = Rung()
        self._texts: dict[Listener, str] = {}
        """The messages that are about to be sent."""
        self._woken = asyncio.Event()
        self.forget()
        self._task = asyncio.create_task(self._ring_for_ever(), name=f"bell {self.stream}")

    def follow(self, listener: Listener) -> None:
        if listener.user is not None:
            self.keys[listener] = listener.user.pk
            self.greet(listener)

    def leave(self, listener: Listener) -> None:
        self.keys.pop(listener, None)
        self._rung.new.discard(listener)
        if not self.keys:
            self.forget()

    def greet(self, listener: Listener) -> None:
        """Tell a page to read, because it may have missed something."""
        if listener in self.keys:
            self._rung.new.add(listener)
            self._woken.set()

    def hear(self, names: Iterable[str]) -> None:
        """Take names that the doorbell rang for; those that this bell doesn't know are ignored."""
        known = {name for name in names if self.knows(name)} if self.keys else set()
        if known:
            self._rung.names |= known
            self._woken.set()

    async def close(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def knows(self, name: str) -> bool:
        raise NotImplementedError

    def forget(self) -> None:
        """Begin anew with what looks compare, since nobody follows any more."""
        raise NotImplementedError

    async def ring(self, rung: Rung) -> None:
        """Find out whom the changes since the last ring concern, and tell these people."""
        raise NotImplementedError

    def tell(
        self, frames: Mapping[Key, Frame], *, new: Collection[Listener], concerned: Collection[Key]
    ) -> None:
        """Send the concerned people's pages their frames within a moment, and new pages at once."""
        for listener, key in self.keys.items():
            if key in frames and (listener in new or key in concerned):
                self._send(listener, frames[key], within=0 if listener in new else SPREAD)

    async def _ring_for_ever(self) -> None:
        began = check_at = 0.0
        while True:
            due = began + LOOK - time.monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(due, 0) if self.keys else None):
                    await self._woken.wait()
            await asyncio.sleep(began + self.rest - time.monotonic())
            # Before the ring: a bell that is heard meanwhile asks for another one.
            self._woken.clear()
            rung, self._rung, began = self._rung, Rung(), time.monotonic()
            if began >= check_at:
                rung.is_check, check_at = True, began + CHECK
            try:
                if self.keys:
                    await self.ring(rung)
            except Exception:
                logger.exception("The bell %s couldn't read what is new.", self.stream)
                self._rung.take_back(rung)

    def _send(self, listener: Listener, frame: Frame, *, within: float) -> None:
        """Send a page a frame at a random moment within that many seconds."""
        is_waiting = listener in self._texts
        if is_waiting:
            frame = self.joined(frame)
        self._texts[listener] = json.dumps({"stream": str(self.stream), "frames": [frame]})
        if not is_waiting:
            pause = random.uniform(0, within)  # noqa: S311 (no secret)
            asyncio.get_running_loop().call_later(pause, self._hand, listener)

    def joined(self, frame: Frame) -> Frame:
        """Return a frame in the place of an earlier one that waits to be sent, and this one."""
        return frame

    def _hand(self, listener: Listener) -> None:
        text = self._texts.pop(listener)
        if listener in self.keys:
            listener.hand(self.stream, text)


class InboxBell(Bell):
    """The bell of the requests that wait for somebody."""

    stream, rest = INBOX, 0.25

    def knows(self, name: str) -> bool:
        return name == "inbox"

    def forget(self) -> None:
        self._news = RequestNews()

    async def ring(self, rung: Rung) -> None:
        also = {self.keys[one] for one in rung.new if one in self.keys}
        concerned, frames = await self.ask(
            self._news.read, also, {*self.keys.values()}, is_check=rung.is_check
        )
        self.tell(frames, new=rung.new, concerned=concerned)


class RunsBell(Bell):
    """The bell of the lists of runs."""

    stream, rest = RUNS, 1.0

    def knows(self, name: str) -> bool:
        return name.startswith("run:")

    def forget(self) -> None:
        self._news = RunNews()

    async def ring(self, rung: Rung) -> None:
        changed = {UUID(name.removeprefix("run:")) for name in rung.names}
        people = {one.user.pk: one.user for one in self.keys if one.user is not None}
        seen, differing = await self.ask(
            self._news.read, changed, people.values(), is_check=rung.is_check
        )
        frames = {key: frame_of(runs) for key, runs in seen.items()}
        also = {self.keys[one] for one in rung.new if one in self.keys}
        frames |= dict.fromkeys(also | differing, ANYTHING)
        self.tell(frames, new=rung.new, concerned=seen.keys() | differing)

    def joined(self, frame: Frame) -> Frame:
        return ANYTHING


ANYTHING: Frame = {"seq": 0}
"""The frame that says: any run may have changed."""


def frame_of(runs: Collection[UUID]) -> Frame:
    return {"seq": 0, "runs": sorted(map(str, runs))} if len(runs) <= MOST_NAMED else ANYTHING


class Bells:
    """Both bells of a web process."""

    def __init__(self, ask: Ask) -> None:
        self._bells: dict[Stream, Bell] = {INBOX: InboxBell(ask), RUNS: RunsBell(ask)}

    def follow(self, listener: Listener, stream: Stream) -> None:
        self._bells[stream].follow(listener)

    def leave(self, listener: Listener, stream: Stream) -> None:
        self._bells[stream].leave(listener)

    def greet(self, listener: Listener, stream: Stream) -> None:
        self._bells[stream].greet(listener)

    def hear(self, names: Collection[str]) -> None:
        for bell in self._bells.values():
            bell.hear(names)

    async def close(self) -> None:
        for bell in self._bells.values():
            await bell.close()
