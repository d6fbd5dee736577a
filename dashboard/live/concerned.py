"""The people who are affected by changes to requests and runs, found for many changes at once."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from chat.models import RequestEvent
from chat.services import ActivePeople, people_named, waiting_for
from chat.services.waiting import MOST, Waiting
from dashboard.live.cards import cards_for
from dashboard.live.homes import homes_for
from dashboard.live.marks import (
    INBOX_TABLE,
    Marked,
    RunsMark,
    RunsPosition,
    digest,
    grounds_of,
    inbox_marks,
    outdated_inbox_pages,
    outdated_run_pages,
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
"""The maximum time between the insertion of a row and its commit, in seconds.

The first value is for changes of requests and for what is sent to runs, and the second is for
events of a journal.
"""
AT_WORK = (
    *("pk", "epoch", "working_on", "working_attempt"),
    *("cancel_requested_at", "pause_requested_at"),
)
"""The fields of a running run that can change without a new event in the run's journal."""


def inbox_frame(user: User) -> dict[str, Any]:
    """Return the frame of the stream `inbox` for one person."""
    return menu_counts(waiting_for([user.pk]).get(user.pk, {}))


def menu_counts(waiting: Waiting) -> dict[str, Any]:
    """Return how many requests wait for a person, and in how many sessions, for the person's menu.

    The number 100 means "more than 99".
    """
    sessions = set(waiting.values())
    return {"seq": 0, "requests": min(len(waiting), MOST), "sessions": min(len(sessions), MOST)}


class RequestUpdates(NamedTuple):
    """The people to notify of changes to requests, and the frames for them."""

    concerned: set[Key]
    frames: dict[Key, dict[str, Any]]
    behind: set[Marked]
    """The pages whose marks are older than a change that affects their users."""
    cards: dict[Key, dict[str, Any]]
    """The content that frames in the form `cards` have in addition, by person."""


class RequestNews:
    """A reader of changes to requests.

    Each call of `read` returns what has changed since the last call.
    """

    def __init__(self) -> None:
        self._tail = Tail(CHANGES, "object", "whom", lag=SLOWEST_CHANGE)
        self._untold: dict[UUID, set[str]] = defaultdict(set)
        """The changed requests that nobody has been notified of yet, each with its assignees."""
        self._known: dict[Key, frozenset[UUID]] = {}
        """The requests that waited for each person when the person's requests were last counted."""

    def read(
        self,
        also: Collection[Key],
        among: Collection[Key],
        *,
        marked: Collection[Marked] = (),
        is_check: bool = False,
        readers: Collection[Key] = (),
    ) -> RequestUpdates:
        """Return the people affected by changes, with frames for these people and for new pages.

        `also` are the keys of people whose new pages have no mark, and `marked` are the new pages
        that have a mark. A person in `among` is affected if a request that asks or asked this
        person has changed, or if other requests wait for the person than when the waiting requests
        were last counted. With `is_check`, they are counted for everybody in `among`; otherwise,
        only for affected people and for people with a new page. Cards are rendered for the people
        in `readers`. The number of queries depends neither on the number of changes nor on the
        number of people.
        """
        # Changes are read first, so that none is missed between this call and the next.
        for changed, whom in self._tail.read():
            self._untold[UUID(changed)].update(json.loads(whom))
        names, altered = set[str]().union(*self._untold.values()), {*self._untold}
        new = {*also, *(key for key, _ in marked)}
        present = ActivePeople({*among, *new} if self._untold or is_check else new)
        concerned = people_named(names, present) & {*among} if self._untold else set()
        people = {*among} if is_check else concerned | new
        if not people:
            self._untold.clear()
            return RequestUpdates(set(), {}, set(), {})
        # Read before the waiting requests, because a mark must not be later than they are.
        position = Positions.read(INBOX_TABLE).by_table[INBOX_TABLE]
        waiting = waiting_for(people, present)
        # New pages are compared, too: they replace what is known, so a later check finds nothing.
        concerned |= self._differing(waiting)
        affected = {pk: waiting[pk] for pk in waiting.keys() & (concerned | new)}
        reading = {pk: affected[pk] for pk in affected.keys() & {*readers}}
        cards = cards_for(reading, since=self._known, altered=altered, among=present)
        known = {pk: frozenset(found) for pk, found in waiting.items()}
        marks = inbox_marks(position, affected, lambda: present.members)
        frames = {
            pk: menu_counts(found) | {"mark": str(marks[pk])} for pk, found in affected.items()
        }
        behind = outdated_inbox_pages(marked, marks, present)
        # Last: whatever fails before is tried again.
        self._untold.clear()
        self._known = known if is_check else self._known | known
        return RequestUpdates(concerned, frames, behind, cards)

    def _differing(self, waiting: Mapping[Key, Waiting]) -> set[Key]:
        known = self._known
        return {pk for pk, found in waiting.items() if pk in known and known[pk] != found.keys()}


class RunUpdates(NamedTuple):
    """The people to notify of changes to runs, the runs each may see, and marks for their pages."""

    seen: dict[Key, set[UUID]]
    differing: set[Key]
    marks: dict[Key, str]
    behind: set[Marked]
    """The pages whose marks are older than a change that affects their users."""
    homes: dict[Key, dict[str, Any]]
    """The parts of the home page that frames contain for each person who has a home page open."""


class RunNews:
    """A reader of changes to runs.

    Each call of `read` returns what has changed since the last call.
    """

    def __init__(self) -> None:
        self._events = Tail(Event.objects.all(), "run", lag=SLOWEST_STEP)
        self._inputs = Tail(RunInput.objects.all(), "run", lag=SLOWEST_CHANGE)
        answering = RequestEvent.objects.with_changed_run()
        self._answers = Tail(answering, "changed", lag=SLOWEST_CHANGE)
        self._at_work: set[tuple[Any, ...]] | None = None
        self._runs: set[UUID] = set()
        """The changed runs about which nobody has been notified yet."""
        self._known: dict[Key, frozenset[Any]] = {}
        """The result of `grounds_of` for each person when rights were last compared."""
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
    ) -> RunUpdates:
        """Return the changed runs that each person may see, and the people with changed rights.

        The changed runs are the runs in `runs`, and all other runs that have changed since the last
        call. Rights are compared for people with new pages and, with `is_check`, for everybody. The
        rights of a person have changed if the person now sees all runs of other procedures than at
        the last comparison, or if the person now stands in for other people.

        `also` are the keys of people whose new pages have no mark, and `marked` are the new pages
        that have a mark. The result has a new mark for each person with a new page, a visible
        change or changed rights. If the person is in `readers`, the result also has the lists for
        the person's home page.
        """
        self._runs |= self._events.read() | self._inputs.read() | self._runs_at_work_changed()
        self._runs |= self._answers.read() - {None}
        changed = self._runs.union(runs)
        present = People(people)
        seen = who_sees(present, dict.fromkeys(changed, present.users.keys()))
        found: dict[Key, set[UUID]] = defaultdict(set)
        for run, keys in seen.items():
            for key in keys:
                found[key].add(run)
        new = {*also, *(key for key, _ in marked)}
        self._differing |= self._people_with_changed_rights(present, new, is_check=is_check)
        differing = self._differing & present.users.keys()
        if not (new or found or differing):
            self._runs, self._differing = set(), set()
            return RunUpdates(found, differing, {}, set(), {})
        position = RunsPosition.now()
        digests = {key: digest(procedures) for key, procedures in self._known.items()}
        late = outdated_run_pages(marked, position, digests, present)
        affected = (new | found.keys() | differing) & digests.keys()
        marks = {key: str(RunsMark(position, digests[key])) for key in affected}
        homes = homes_for(present.only(affected & {*readers}))
        # Last: whatever fails before is tried again.
        self._runs, self._differing = set(), set()
        return RunUpdates(found, differing, marks, late, homes)

    def _people_with_changed_rights(
        self, people: People, new: set[Key], *, is_check: bool
    ) -> set[Key]:
        """Return the people who have other grants than before, or who stand in for other people.

        Without `is_check`, only people with new pages are compared. Their comparison can't wait
        until the next check: this reading replaces the earlier one, so the next check would find no
        difference.
        """
        if not (is_check or new):
            return set()
        found = grounds_of(people if is_check else people.only(new))
        earlier, self._known = self._known, found if is_check else self._known | found
        return {key for key, now in found.items() if earlier.get(key, now) != now}

    def _runs_at_work_changed(self) -> set[UUID]:
        """Return the runs whose worker or current step has changed since the last call."""
        running = Run.objects.filter(status=RunStatus.RUNNING).order_by()
        earlier, self._at_work = self._at_work, set(running.values_list(*AT_WORK))
        if earlier is None:
            return set()
        return {run for run, *_ in earlier ^ self._at_work}
