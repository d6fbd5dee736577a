"""The streams `inbox`, `chat` and `runs`, which tell open pages of changes that affect their users.

A page follows these streams for the person who is signed in. What is sent depends on the change:

- When a request changes, a frame goes to the pages of superusers, and of the request's present and
  former assignees. The frame has the counts for the menu.
- When somebody writes or reads in a session, a frame goes to the pages of people who now have more
  or fewer new messages in that session.
- When a run changes, a frame that names the run goes to the pages of people who may see the run.

No other page is sent anything.

Web processes learn of changes through Redis (see `chat.doorbell`). If Redis loses an announcement,
the frames are sent within two seconds nevertheless, because each process reads the new rows in the
database once a second. Every four seconds, each process also compares which requests wait for each
person, and which runs the person may see, with the result of the previous comparison. In this way,
the process finds changes of groups and permissions.
"""

import asyncio
import logging
import random
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from dashboard.live.batches import encode
from dashboard.live.cards import CARDS, WAITING
from dashboard.live.concerned import RequestNews, RequestUpdates, RunNews, RunUpdates
from dashboard.live.homes import OVERVIEW
from dashboard.live.marks import Marked
from dashboard.live.news import ChatNews, ChatUpdates, session_in
from dashboard.live.streams import CHAT, INBOX, RUNS, Stream
from dashboard.live.threads import CallInThread
from procedures.users import User
from procedures.viewers import Key

LOOK = 1.0
"""The seconds between two checks of the database for changes that weren't announced by Redis."""
CHECK = 4.0
"""The seconds between two comparisons of people's rights.

A comparison reads which requests wait for each person, and which runs the person may see. It finds
the differences from the previous comparison.
"""
SPREAD = 0.3
"""The seconds over which frames are spread, so that not all pages fetch data at the same time."""
MOST_NAMED = 50
"""The maximum number of runs that a frame names.

If more runs have changed, the frame names no run, and pages read all their rows again.
"""
Frame = dict[str, Any]
logger = logging.getLogger(__name__)


class Listener(Protocol):
    """An open page that follows one of the streams `inbox`, `chat` and `runs`."""

    @property
    def user(self) -> User | None: ...

    def hand(self, stream: Stream, text: str) -> object: ...


@dataclass
class CollectedChanges:
    """The changes and the new pages that a bell has collected for its next ring.

    A ring is one round in which a bell reads the changes and sends frames about them.
    """

    names: set[str] = field(default_factory=set)
    new: dict[Listener, str] = field(default_factory=dict)
    """The new pages, each with its mark. The mark is "" for a page that must read its lists again.
    """
    is_check: bool = False
    """True if this ring also compares people's rights, as it does every `CHECK` seconds."""

    def take_back(self, other: "CollectedChanges") -> None:
        self.names |= other.names
        # A newer mark of a page wins: the page may have missed a change in the meantime.
        self.new = other.new | self.new
        self.is_check |= other.is_check


class Bell:
    """The sender of one stream in a web process.

    The sender knows the pages in this process that follow the stream.
    """

    stream: Stream
    rest: float
    """The shortest time between two rings, in seconds."""
    gather: float = 0
    """The seconds for which a ring waits for more changes, so that one frame tells of them all."""
    draws_changes: bool = False
    """True if the HTML in frames shows only what has changed since the last ring.

    If so, a page that has missed earlier changes gets a frame without HTML, and the page reads its
    lists.
    """

    def __init__(self, ask: CallInThread) -> None:
        self.ask = ask
        self.keys: dict[Listener, Key] = {}
        """The primary key of the user of each page that follows the stream."""
        self.forms: dict[Listener, str] = {}
        """The form in which each page gets frames, such as "page" or "cards"."""
        self._rung = CollectedChanges()
        self._frames: dict[Listener, Frame] = {}
        """The frame that waits to be sent to each page."""
        self._woken = asyncio.Event()
        self.forget()
        self._task = asyncio.create_task(self._ring_for_ever(), name=f"bell {self.stream}")

    def follow(self, listener: Listener, mark: str = "", *, form: str = "page") -> None:
        """Send a page a frame for each change that was committed after the page's mark was made.

        A page without a mark gets a frame immediately.
        """
        if listener.user is not None:
            self.keys[listener], self.forms[listener] = listener.user.pk, form
            self._rung.new[listener] = mark
            self._woken.set()

    def leave(self, listener: Listener) -> None:
        self.keys.pop(listener, None)
        self.forms.pop(listener, None)
        self._rung.new.pop(listener, None)
        if not self.keys:
            self.forget()

    def greet(self, listener: Listener) -> None:
        """Send a frame soon to a page that follows the stream. The page then reads its lists."""
        if listener in self.keys:
            self._rung.new[listener] = ""
            self._woken.set()

    def hear(self, names: Iterable[str]) -> None:
        """Collect the names of changed objects, such as "inbox" or "run:<id>".

        Names of objects that don't belong to this stream are ignored.
        """
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
        """Discard what earlier rings have read, because no page follows the stream any more."""
        raise NotImplementedError

    async def ring(self, rung: CollectedChanges) -> None:
        """Find the people affected by changes since the last ring. Send frames to their pages."""
        raise NotImplementedError

    def tell(
        self,
        frames: Mapping[Key, Frame],
        *,
        new: Collection[Listener],
        concerned: Collection[Key],
        drawn: Mapping[str, Mapping[Key, Frame]],
    ) -> None:
        """Send the frame of each person to the person's pages.

        Pages in `new` get the frame immediately. The other pages of people in `concerned` get it
        within `SPREAD` seconds. `drawn["cards"][7]` is what the frame of the person with key 7 also
        contains on pages that have chosen the form "cards".
        """
        for listener, key in self.keys.items():
            is_new = listener in new
            if key in frames and (is_new or key in concerned):
                must_read = is_new and self.draws_changes
                more = {} if must_read else drawn.get(self.forms[listener], {}).get(key, {})
                self._send(listener, frames[key] | more, within=0 if is_new else SPREAD)

    def readers(self, form: str) -> set[Key]:
        """Return the keys of the people with a page that gets frames in this form."""
        return {self.keys[one] for one, chosen in self.forms.items() if chosen == form}

    def new_pages(self, rung: CollectedChanges) -> tuple[set[Key], set[Marked]]:
        """Return the keys of the users whose new pages have no mark, and the new pages with a mark.

        A page with a mark is given as the key of its user and the mark.
        """
        here = [(self.keys[one], mark) for one, mark in rung.new.items() if one in self.keys]
        return {key for key, mark in here if not mark}, {(key, mark) for key, mark in here if mark}

    def outdated_pages(self, rung: CollectedChanges, behind: Collection[Marked]) -> set[Listener]:
        """Return the new pages that must read their lists again: those without a current mark.

        `behind` are the new pages whose marks are outdated. Each is given as the key of its user
        and its mark.
        """
        return {
            one
            for one, mark in rung.new.items()
            if not mark or (self.keys.get(one), mark) in behind
        }

    async def _ring_for_ever(self) -> None:
        began = check_at = 0.0
        while True:
            due = began + LOOK - time.monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(due, 0) if self.keys else None):
                    await self._woken.wait()
            gather = self.gather if self._woken.is_set() else 0
            await asyncio.sleep(max(began + self.rest - time.monotonic(), gather))
            # Cleared before the ring, so that a hint during the ring causes another one.
            self._woken.clear()
            rung, self._rung, began = self._rung, CollectedChanges(), time.monotonic()
            if began >= check_at:
                rung.is_check, check_at = True, began + CHECK
            try:
                if self.keys:
                    await self.ring(rung)
            except Exception:
                logger.exception(
                    "Changes to the stream %s couldn't be read. The next check reads them again.",
                    self.stream,
                )
                self._rung.take_back(rung)

    def _send(self, listener: Listener, frame: Frame, *, within: float) -> None:
        """Send a frame to a page after a random pause of at most `within` seconds."""
        earlier = self._frames.get(listener)
        self._frames[listener] = self.joined(earlier, frame) if earlier else frame
        if not earlier:
            pause = random.uniform(0, within)  # noqa: S311 (no secret)
            asyncio.get_running_loop().call_later(pause, self._hand, listener)

    def joined(self, earlier: Frame, frame: Frame) -> Frame:
        """Return one frame that replaces `frame` and an earlier frame that hasn't been sent yet."""
        raise NotImplementedError

    def _hand(self, listener: Listener) -> None:
        frame = self._frames.pop(listener)
        if listener in self.keys:
            listener.hand(self.stream, encode({"stream": str(self.stream), "frames": [frame]}))


class InboxBell(Bell):
    """The sender of the stream `inbox`, which tells of changes to requests."""

    stream, rest, draws_changes = INBOX, 0.25, True

    def knows(self, name: str) -> bool:
        return name == "inbox"

    def forget(self) -> None:
        self._news = RequestNews()

    async def ring(self, rung: CollectedChanges) -> None:
        also, marked = self.new_pages(rung)
        updates: RequestUpdates = await self.ask(
            self._news.read,
            also,
            {*self.keys.values()},
            marked=marked,
            is_check=rung.is_check,
            readers=self.readers(CARDS),
        )
        new = self.outdated_pages(rung, updates.behind)
        self.tell(
            updates.frames, new=new, concerned=updates.concerned, drawn={CARDS: updates.cards}
        )

    def joined(self, earlier: Frame, frame: Frame) -> Frame:
        cards = earlier.get(CARDS, "") + frame.get(CARDS, "")
        joined = frame | ({CARDS: cards} if cards else {})
        # If the earlier frame had no names, the joined one has none, so the page reads its list.
        return {key: joined[key] for key in joined if key != WAITING or WAITING in earlier}


class ChatBell(Bell):
    """The sender of the stream `chat`, which tells of what is new in sessions."""

    stream, rest = CHAT, 1.0
    # So a message and its answer, or several messages that are read at once, make one frame.
    gather = 0.1

    def knows(self, name: str) -> bool:
        return session_in(name) is not None

    def forget(self) -> None:
        self._news = ChatNews()

    async def ring(self, rung: CollectedChanges) -> None:
        also, _ = self.new_pages(rung)
        if not (rung.names or also or rung.is_check):
            return
        sessions = {one for name in rung.names if (one := session_in(name))}
        updates: ChatUpdates = await self.ask(
            self._news.read, sessions, {*self.keys.values()}, also=also, is_check=rung.is_check
        )
        self.tell(
            updates.frames, new=self.outdated_pages(rung, ()), concerned=updates.concerned, drawn={}
        )

    def joined(self, earlier: Frame, frame: Frame) -> Frame:
        return frame


class RunsBell(Bell):
    """The sender of the stream `runs`, which tells of changes to runs."""

    stream, rest = RUNS, 1.0
    # If a run starts, is claimed and asks within this time, pages get only its last state, so that
    # lists don't grow and shrink again.
    gather = 0.3

    def knows(self, name: str) -> bool:
        return name.startswith("run:")

    def forget(self) -> None:
        self._news = RunNews()

    async def ring(self, rung: CollectedChanges) -> None:
        changed = {UUID(name.removeprefix("run:")) for name in rung.names}
        people = {one.user.pk: one.user for one in self.keys if one.user is not None}
        also, marked = self.new_pages(rung)
        updates: RunUpdates = await self.ask(
            self._news.read,
            changed,
            people.values(),
            also=also,
            marked=marked,
            is_check=rung.is_check,
            readers=self.readers(OVERVIEW),
        )
        new = self.outdated_pages(rung, updates.behind)
        anything = updates.differing | {self.keys[one] for one in new if one in self.keys}
        seen = updates.seen | dict.fromkeys(anything)
        frames = {key: frame_of(runs, updates.marks.get(key, "")) for key, runs in seen.items()}
        self.tell(
            frames,
            new=new,
            concerned=updates.seen.keys() | updates.differing,
            drawn={OVERVIEW: updates.homes},
        )

    def joined(self, earlier: Frame, frame: Frame) -> Frame:
        return {name: value for name, value in frame.items() if name != "runs"}


def frame_of(runs: Collection[UUID] | None, mark: str) -> Frame:
    """Return a frame with the ids of the changed runs.

    If more than `MOST_NAMED` runs have changed, the frame has no ids.
    """
    are_named = runs is not None and len(runs) <= MOST_NAMED
    named = {"runs": sorted(map(str, runs or ()))} if are_named else {}
    return {"seq": 0, **named, "mark": mark}


class Bells:
    """The senders of the streams `inbox`, `chat` and `runs` in a web process."""

    def __init__(self, ask: CallInThread) -> None:
        self._bells: dict[Stream, Bell] = {
            bell.stream: bell for bell in (InboxBell(ask), ChatBell(ask), RunsBell(ask))
        }

    def follow(
        self, listener: Listener, stream: Stream, mark: str = "", *, form: str = "page"
    ) -> None:
        self._bells[stream].follow(listener, mark, form=form)

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
