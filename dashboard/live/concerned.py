"""The people concerned by changes of requests and runs, found for all changes at once."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from chat.models import SessionEvent
from chat.services import people_named, waiting_for
from chat.services.waiting import MOST, Waiting
from dashboard.live.tails import Tail
from procedures.access import OPERATE, SEEING
from procedures.engine.journal.events import RunStatus
from procedures.models import Event, Grant, Run, RunInput
from procedures.users import User
from procedures.viewers import People, who_sees

Key = Any
"""A user's primary key."""
SLOWEST_CHANGE, SLOWEST_STEP = 10.0, 3.0
"""The seconds that a change of a request, or an event, may take from its key to its commit."""
AT_WORK = (
    *("pk", "epoch", "working_on", "working_attempt"),
    *("cancel_requested_at", "pause_requested_at"),
)
"""The fields of a running run that change without an event."""


def inbox_frame(user: User) -> dict[str, int]:
    """Return the frame of the inbox for one person."""
    return numbers_of(waiting_for([user.pk]).get(user.pk, {}))


def numbers_of(waiting: Waiting) -> dict[str, int]:
    """Return the numbers for a person's menu; 100 means "more than 99"."""
    sessions = set(waiting.values())
    return {"seq": 0, "requests": min(len(waiting), MOST), "sessions": min(len(sessions), MOST)}


class RequestNews:
    """A reader of the changes of requests since its last look."""

    def __init__(self) -> None:
        changes = SessionEvent.objects.exclude(whom="")
        self._tail = Tail(changes, "whom", lag=SLOWEST_CHANGE)
        self._untold: list[list[str]] = []
        """The assignees of each change of which nobody has been told yet."""
        self._known: dict[Key, frozenset[UUID]] = {}
        """The requests that waited for each person when they were last counted."""

    def read(
        self, also: Collection[Key], among: Collection[Key], *, is_check: bool = False
    ) -> tuple[set[Key], dict[Key, dict[str, int]]]:
        """Return the people concerned by changes, and the frames for them and for those in `also`.

        With `is_check`, people are also concerned if other requests wait for them than at the last
        check, whatever the reason. The number of queries depends neither on the changes nor on the
        people.
        """
        # First, so that no change falls between what was counted and what is looked for next.
        for whom in self._tail.read():
            self._untold.append(json.loads(whom))
        names = {name for whom in self._untold for name in whom}
        concerned = people_named(names, among) if self._untold else set()
        people = {*among} if is_check else concerned.union(also)
        waiting = waiting_for(people) if people else {}
        self._untold.clear()
        if is_check:
            concerned |= self._differing(waiting)
            self._known = {}
        self._known |= {pk: frozenset(found) for pk, found in waiting.items()}
        return concerned, {pk: numbers_of(found) for pk, found in waiting.items()}

    def _differing(self, waiting: Mapping[Key, Waiting]) -> set[Key]:
        known = self._known
        return {pk for pk, found in waiting.items() if pk in known and known[pk] != found.keys()}


class RunNews:
    """A reader of the changes of runs since its last look."""

    def __init__(self) -> None:
        self._events = Tail(Event.objects.all(), "run", lag=SLOWEST_STEP)
        self._inputs = Tail(RunInput.objects.all(), "run", lag=SLOWEST_CHANGE)
        self._at_work: set[tuple[Any, ...]] | None = None
        self._runs: set[UUID] = set()
        """The changed runs of which nobody has been told yet."""
        self._known: dict[Key, frozenset[int | None]] = {}
        """The procedures of which each person sees all runs; None stands for all procedures."""

    def read(
        self, runs: Collection[UUID], people: Iterable[User], *, is_check: bool = False
    ) -> tuple[dict[Key, set[UUID]], set[Key]]:
        """Return the changed runs by the person who may see them, and people with changed rights.

        The changed runs are those in `runs` and all that have changed since the last look. Rights
        are compared only with `is_check`. They have changed if a person now sees all runs of other
        procedures than at the last check.
        """
        self._runs |= self._events.read() | self._inputs.read() | self._claimed()
        changed = self._runs.union(runs)
        present = People(people)
        seen = who_sees(present, dict.fromkeys(changed, present.users.keys()))
        found: dict[Key, set[UUID]] = defaultdict(set)
        for run, keys in seen.items():
            for key in keys:
                found[key].add(run)
        self._runs.clear()
        return found, self._regrouped(present) if is_check else set()

    def _regrouped(self, people: People) -> set[Key]:
        """Return the people who now see all runs of other procedures than at the last check."""
        earlier, seen = self._known, defaultdict[Key, set[int | None]](set)
        grants = Grant.objects.filter(role__in=SEEING).order_by()
        for procedure, group in grants.values_list("procedure", "group"):
            for key in people.members_of(group):
                seen[key].add(procedure)
        for key in people.holders_of([OPERATE])[OPERATE]:
            seen[key].add(None)
        self._known = {key: frozenset(seen[key]) for key in people.users}
        return {key for key, now in self._known.items() if earlier.get(key, now) != now}

    def _claimed(self) -> set[UUID]:
        """Return the runs whose worker or current step has changed since the last look."""
        running = Run.objects.filter(status=RunStatus.RUNNING).order_by()
        earlier, self._at_work = self._at_work, set(running.values_list(*AT_WORK))
        if earlier is None:
            return set()
        return {run for run, *_ in earlier ^ self._at_work}
