"""The people who are affected by changes to requests and runs, found for many changes together."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from chat.models import RequestEvent
from chat.services import Present, people_named, waiting_for
from chat.services.waiting import MOST, Waiting
from dashboard.live.cards import cards_for
from dashboard.live.homes import homes_for
from dashboard.live.marks import (
    INBOX_TABLE,
    Marked,
    RunsMark,
    RunsPosition,
    behind_inbox,
    behind_runs,
    digest,
    grounds_of,
    inbox_marks,
)
from dashboard.live.positions import CHANGES, Positions
from dashboard.live.tails import Tail
from procedures.engine.journal.events import RunStatus
from procedures.models import Event, Run, RunInput
from procedures.users import User
from procedures.viewers import People, who_sees

Key = Any
"""A user's primary key."""
SLOWEST_CHANGE, SLOWEST_STEP = 10.0, 3.0
"""The maximum seconds between the times a change, or an event, gets its key and is committed."""
AT_WORK = (
    *("pk", "epoch", "working_on", "working_attempt"),
    *("cancel_requested_at", "pause_requested_at"),
)
"""The fields of a run that change while it is running, without an event."""


def inbox_frame(user: User) -> dict[str, Any]:
    """Return the frame of the stream `inbox` for one person."""
    return numbers_of(waiting_for([user.pk]).get(user.pk, {}))


def numbers_of(waiting: Waiting) -> dict[str, Any]:
    """Return the counts for a person's menu; 100 means "more than 99"."""
    sessions = set(waiting.values())
    return {"seq": 0, "requests": min(len(waiting), MOST), "sessions": min(len(sessions), MOST)}


class RequestsTold(NamedTuple):
    """The people and pages to notify of changes to requests, with their frames."""

    concerned: set[Key]
    frames: dict[Key, dict[str, Any]]
    behind: set[Marked]
    """The pages whose marks are older than a change that affects them."""
    cards: dict[Key, dict[str, Any]]
    """The additional contents of frames in the form `cards` for each person."""


class RequestNews:
    """A reader of the changes to requests since it was last called."""

    def __init__(self) -> None:
        self._tail = Tail(CHANGES, "object", "whom", lag=SLOWEST_CHANGE)
        self._untold: dict[UUID, set[str]] = defaultdict(set)
        """The assignees of each changed request about which nobody has been notified yet."""
        self._known: dict[Key, frozenset[UUID]] = {}
        """The requests that waited for each person at the last count."""

    def read(
        self,
        also: Collection[Key],
        among: Collection[Key],
        *,
        marked: Collection[Marked] = (),
        is_check: bool = False,
        readers: Collection[Key] = (),
    ) -> RequestsTold:
        """Return the people affected by changes, and frames for them and for new pages.

        New pages are those of `also` and of `marked`. People are also affected if the requests that
        wait for them differ from the last count, for whatever reason. With `is_check`, everybody in
        `among` is counted; otherwise, only people who are affected or have a new page. Cards are
        drawn for `readers`. The number of queries depends neither on the changes nor on the people.
        """
        # Changes are read first, so that none is missed between this call and the next.
        for changed, whom in self._tail.read():
            self._untold[UUID(changed)].update(json.loads(whom))
        names, altered = set[str]().union(*self._untold.values()), {*self._untold}
        new = {*also, *(key for key, _ in marked)}
        present = Present({*among, *new} if self._untold or is_check else new)
        concerned = people_named(names, present) & {*among} if self._untold else set()
        people = {*among} if is_check else concerned | new
        if not people:
            self._untold.clear()
            return RequestsTold(set(), {}, set(), {})
        # Read before the waiting requests, because a mark must not be later than they are.
        position = Positions.read(INBOX_TABLE).by_table[INBOX_TABLE]
        waiting = waiting_for(people, present)
        # New pages are compared, too: they replace what is known, so a later check finds nothing.
        concerned |= self._differing(waiting)
        told = {pk: waiting[pk] for pk in waiting.keys() & (concerned | new)}
        reading = {pk: told[pk] for pk in told.keys() & {*readers}}
        cards = cards_for(reading, since=self._known, altered=altered, among=present)
        known = {pk: frozenset(found) for pk, found in waiting.items()}
        marks = inbox_marks(position, told, lambda: present.members)
        frames = {pk: numbers_of(found) | {"mark": str(marks[pk])} for pk, found in told.items()}
        behind = behind_inbox(marked, marks, present)
        # Last: whatever fails before is tried again.
        self._untold.clear()
        self._known = known if is_check else self._known | known
        return RequestsTold(concerned, frames, behind, cards)

    def _differing(self, waiting: Mapping[Key, Waiting]) -> set[Key]:
        known = self._known
        return {pk for pk, found in waiting.items() if pk in known and known[pk] != found.keys()}


class RunsTold(NamedTuple):
    """The people and pages to notify of changes to runs, with their marks."""

    seen: dict[Key, set[UUID]]
    differing: set[Key]
    marks: dict[Key, str]
    behind: set[Marked]
    """The pages whose marks are older than a change that affects them."""
    homes: dict[Key, dict[str, Any]]
    """The parts of the home page that frames bring to each person whose page shows them."""


class RunNews:
    """A reader of the changes to runs since it was last called."""

    def __init__(self) -> None:
        self._events = Tail(Event.objects.all(), "run", lag=SLOWEST_STEP)
        self._inputs = Tail(RunInput.objects.all(), "run", lag=SLOWEST_CHANGE)
        answering = RequestEvent.objects.with_changed_run()
        self._answers = Tail(answering, "changed", lag=SLOWEST_CHANGE)
        self._at_work: set[tuple[Any, ...]] | None = None
        self._runs: set[UUID] = set()
        """The changed runs about which nobody has been notified yet."""
        self._known: dict[Key, frozenset[Any]] = {}
        """The last result of `grounds_of` for each person."""
        self._differing: set[Key] = set()
        """The people whose rights have changed and who haven't been notified yet."""

    def read(
        self,
        runs: Collection[UUID],
        people: Iterable[User],
        *,
        also: Collection[Key] = (),
        marked: Collection[Marked] = (),
        is_check: bool = False,
        readers: Collection[Key] = (),
    ) -> RunsTold:
        """Return the changed runs that each person may see, and people whose rights have changed.

        The changed runs are those in `runs` and all others since the last call. Rights are compared
        for people with new pages and, with `is_check`, for everybody. They have changed if a person
        now sees all runs of other procedures, or stands in for other people, than at the last
        comparison. The result contains marks for all these people, for `also` and for `marked`. For
        `readers`, it also contains lists.
        """
        self._runs |= self._events.read() | self._inputs.read() | self._claimed()
        self._runs |= self._answers.read() - {None}
        changed = self._runs.union(runs)
        present = People(people)
        seen = who_sees(present, dict.fromkeys(changed, present.users.keys()))
        found: dict[Key, set[UUID]] = defaultdict(set)
        for run, keys in seen.items():
            for key in keys:
                found[key].add(run)
        new = {*also, *(key for key, _ in marked)}
        self._differing |= self._regrouped(present, new, is_check=is_check)
        differing = self._differing & present.users.keys()
        if not (new or found or differing):
            self._runs, self._differing = set(), set()
            return RunsTold(found, differing, {}, set(), {})
        position = RunsPosition.now()
        digests = {key: digest(procedures) for key, procedures in self._known.items()}
        late = behind_runs(marked, position, digests, present)
        told = (new | found.keys() | differing) & digests.keys()
        marks = {key: str(RunsMark(position, digests[key])) for key in told}
        homes = homes_for(present.only(told & {*readers}))
        # Last: whatever fails before is tried again.
        self._runs, self._differing = set(), set()
        return RunsTold(found, differing, marks, late, homes)

    def _regrouped(self, people: People, new: set[Key], *, is_check: bool) -> set[Key]:
        """Return the people whose grants, or delegations to them, have changed.

        Without `is_check`, only people with new pages are compared. They can't wait for a later
        check: what is read now replaces what was known, so that check would find no difference.
        """
        if not (is_check or new):
            return set()
        found = grounds_of(people if is_check else people.only(new))
        earlier, self._known = self._known, found if is_check else self._known | found
        return {key for key, now in found.items() if earlier.get(key, now) != now}

    def _claimed(self) -> set[UUID]:
        """Return the runs whose worker or current step has changed since the last call."""
        running = Run.objects.filter(status=RunStatus.RUNNING).order_by()
        earlier, self._at_work = self._at_work, set(running.values_list(*AT_WORK))
        if earlier is None:
            return set()
        return {run for run, *_ in earlier ^ self._at_work}
