"""The keys of the rows in the lists of one person's home page.

Each list is read from an index of what is open now, so it doesn't matter how many runs have ended.
The person's rights are checked only for the first few rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, reduce
from itertools import chain, repeat
from operator import or_
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import RawSQL

from chat.access import visible_requests
from chat.left import rule_facts
from chat.models.request_queries import HumanRequestQuerySet
from chat.services import requests_without_answerers
from dashboard.overview.openings import (
    LATE,
    STOPPED,
    failed_lately,
    held_up,
    late_waits,
    stuck,
    without_code,
)
from procedures import access
from procedures.among import is_among
from procedures.engine.journal.events import RunStatus
from procedures.models import Run, Wait
from procedures.models.run_queries import RunQuerySet
from procedures.models.wait import WaitQuerySet
from procedures.run_lists import MOST_SINGLE, STATES, UNENDED, WORKING, RunList, few_runs
from procedures.services.carriers import Code, stranded
from procedures.store.merging import HANDFUL, first_seen, merged, merging, of_id
from procedures.users import User

LONGEST_LIST = 6
"""The maximum number of rows in each list; one more is read, to know if there are more."""
MOST_STUCK = 30
"""The maximum number of stuck runs that are counted and grouped."""
MANY = 1000
"""A person who may see at least this many unfinished runs counts as seeing many."""
MOST_AT_FIRST = 4 * HANDFUL
"""The number of rows whose visibility the first query tests.

The number is high, because a second query costs more time than several hundred more rows.
"""
ROUNDS = (MOST_AT_FIRST, MOST_AT_FIRST)
"""The number of waits that each successive query tests."""

AT_WORK = [state.status for state in STATES[WORKING]]
MOST_ALONE = 10 * MANY
"""The maximum number of requests without answerers that are searched for visible ones."""


class OpenDeadline(NamedTuple):
    """An open wait with its deadline."""

    at: datetime
    wait: int
    run: UUID
    is_seen: bool = True
    """False if the person may not see the run; True if the person may, or it wasn't tested."""


class TestedRun(NamedTuple):
    """A run, and True if the person may see it."""

    run: UUID
    is_seen: bool


class OwnRuns(NamedTuple):
    """The runs of somebody who has few, the newest first."""

    stuck: list[UUID]
    moving: list[UUID]
    """The runs in progress that aren't stuck."""


class HomeLists(NamedTuple):
    """The keys of the rows in each list of a home page, in the order of the list."""

    stuck: tuple[UUID, ...]
    working: tuple[UUID, ...]
    coming: tuple[int, ...]
    alone: tuple[UUID, ...]


@dataclass(frozen=True)
class Outlook:
    """The lists of one person's home page at one point in time."""

    user: User
    now: datetime

    def lists(self) -> HomeLists:
        if self._unended == [] and self._few == []:
            return HomeLists((), (), (), ())
        more, stuck_runs = LONGEST_LIST + 1, self.stuck(MOST_STUCK + 1)
        return HomeLists(
            tuple(stuck_runs),
            tuple(self.working(more, stuck=stuck_runs)),
            tuple(self.coming(LONGEST_LIST)),
            tuple(self.alone(more)),
        )

    def stuck(self, most: int) -> list[UUID]:
        """Return the newest of the stuck runs that the person may see; see `openings.stuck`."""
        runs = Run.objects.all()
        if self._unended is None:
            return self._newest([runs.filter(one) for one in stuck(self.now, self._held_up)], most)
        if self._few is not None:
            return self._own.stuck[:most]
        failed = self._newest([runs.filter(failed_lately(self.now))], most)
        return sorted({*self._own.stuck, *failed}, reverse=True)[:most]

    def working(self, most: int, *, stuck: Sequence[UUID] | None = None) -> list[UUID]:
        """Return the newest queued, running or retrying runs that aren't stuck.

        Only runs that the person may see are returned. `stuck` contains the newest stuck runs if
        they were read before; fewer runs are tested then.
        """
        if self._unended is not None:
            return self._own.moving[:most]
        listed = RunList(self.user, state=WORKING)
        found, _ = first_seen(
            lambda last, count: listed.newest(count, after=last),
            lambda ids: self._moving(ids, stuck),
            most,
        )
        return found

    def _moving(self, runs: Sequence[UUID], stuck: Sequence[UUID] | None) -> list[UUID]:
        return moving(runs, self._held_up, stuck, is_all=len(stuck or ()) <= MOST_STUCK)

    def coming(self, most: int) -> list[int]:
        """Return the open waits with the next deadlines.

        Waits of paused runs and of runs without code are left out.
        """
        return [one.wait for one in self.due_next(most)]

    def due_next(self, most: int) -> list[OpenDeadline]:
        """Return the waits of `coming`, with their deadlines."""
        waits = coming_waits(self.now, self._gone)
        if access.sees_all(self.user):
            return first_due(waits, most)
        if self._with_waits is not None:
            return first_due_of(self._with_waits, waits, most)
        found, is_all = self._first_seen_waits(waits, most)
        if is_all:
            return found
        unended = RunList(self.user, state=UNENDED).newest(MANY)
        if len(unended) < MANY:
            return first_due_of(unended, waits, most)
        return first_due(waits.filter(access.is_visible(self.user, "run")), most)

    def alone(self, most: int) -> list[UUID]:
        """Return the most urgent open requests that nobody can answer and the person may see."""
        requests = requests_without_answerers(rule_facts(self.user).permissions)
        if self._with_waits is not None:
            own = is_among("wait__run", self._with_waits)
            return _urgent(requests.filter(own), most) if self._with_waits else []
        found = list[UUID]()
        for start in range(0, MOST_ALONE, MANY):
            ids = _urgent(requests, MANY, after=start)
            if ids:
                found += _urgent(visible_requests(self.user).filter(pk__in=ids), most)
            if len(ids) < MANY or len(found) >= most:
                break
        return found[:most]

    def _first_seen_waits(self, waits: WaitQuerySet, most: int) -> tuple[list[OpenDeadline], bool]:
        """Return the first waits that the person may see, and False if there may be more."""
        runs = Run.objects.filter(self._is_seen, pk=OuterRef("run")).order_by()
        tested = waits.annotate(is_seen=Exists(runs))
        return first_seen(
            lambda last, count: first_due(tested, count, after=last),
            lambda found: {one for one in found if one.is_seen},
            most,
            batches=ROUNDS,
        )

    def _newest(self, parts: Sequence[RunQuerySet], most: int) -> list[UUID]:
        """Return the newest of the runs in these querysets that the person may see."""
        if access.sees_all(self.user):
            return newest_of(parts, None, most)
        is_seen = self._is_seen
        found, _ = first_seen(
            lambda last, count: _tested(parts, is_seen, last and last.run, count),
            lambda tested: {one for one in tested if one.is_seen},
            most,
            batches=chain([MOST_AT_FIRST], repeat(MANY)),
        )
        return [one.run for one in found]

    @cached_property
    def _is_seen(self) -> Q:
        return access.is_seen_by(self.user)

    @cached_property
    def _gone(self) -> list[Q]:
        return without_code()

    @cached_property
    def _held_up(self) -> list[Q]:
        return held_up(self.now, self._gone, self.missing)

    @cached_property
    def missing(self) -> Mapping[Code, str]:
        """The code that no live worker has, and the reason for each."""
        return stranded(self.now)

    @cached_property
    def _own(self) -> OwnRuns:
        """The person's runs that are stuck or in progress, if they have few unfinished runs.

        Recently failed runs are included only if the person may see few runs at all.
        """
        parts, is_stuck = list[QuerySet[Any, Any]](), Value(value=True)
        if self._unended:
            own = Run.objects.filter(is_among("pk", self._unended))
            overdue, unsettled = late_waits(self.now)
            late = (overdue | unsettled).filter(is_among("run", self._unended))
            parts += [
                own.filter(reduce(or_, [*self._held_up, *STOPPED])).values_list("pk", is_stuck),
                late.filter(run__status=RunStatus.WAITING).values_list("run", is_stuck),
                own.filter(status__in=AT_WORK).values_list("pk", Value(value=False)),
            ]
        if self._few:
            failed = Run.objects.filter(is_among("pk", self._few), failed_lately(self.now))
            parts.append(failed.values_list("pk", is_stuck))
        if not parts:
            return OwnRuns([], [])
        first, *others = [part.order_by() for part in parts]
        found = list(first.union(*others, all=True))
        stuck_runs = {run for run, is_help_needed in found if is_help_needed}
        moving_runs = {run for run, _ in found} - stuck_runs
        return OwnRuns(sorted(stuck_runs, reverse=True), sorted(moving_runs, reverse=True))

    @property
    def _with_waits(self) -> list[UUID] | None:
        """All visible runs with an open wait, and perhaps others; None if there may be too many."""
        return self._unended if self._few is None else self._few

    @cached_property
    def _few(self) -> list[UUID] | None:
        """All runs that the person may see; None if there may be too many to read at once."""
        is_possible = self._unended is not None and len(self._unended) <= MOST_SINGLE
        return few_runs(self.user) if is_possible else None

    @cached_property
    def _unended(self) -> list[UUID] | None:
        """All unfinished runs that the person may see; None if there may be too many."""
        if access.sees_all(self.user):
            return None
        mine = RunList(self.user, state=UNENDED)
        found = mine.newest(MANY) if mine.is_read_at_once else None
        return found if found is not None and len(found) < MANY else None


def moving(
    runs: Sequence[UUID], held_up: Sequence[Q], stuck: Sequence[UUID] | None, *, is_all: bool
) -> list[UUID]:
    """Return those of `runs` that aren't stuck, in the same order.

    The runs are queued, running or retrying. `stuck` contains the newest stuck runs, newest first.
    `is_all` is True if these are all stuck runs. If older stuck runs may be among `runs`, or if
    `stuck` is None, a query with the filters `held_up` finds them.
    """
    if stuck is None or (not is_all and any(run < stuck[-1] for run in runs)):
        tested = Run.objects.filter(~reduce(or_, held_up), pk__in=runs)
        found = set(newest_of([tested], None, len(runs))) if runs else set()
        return [run for run in runs if run in found]
    return [run for run in runs if run not in stuck]


def coming_waits(now: datetime, gone: Sequence[Q]) -> WaitQuerySet:
    """Return the waits with a deadline, except those of paused runs and of runs without code.

    `gone` is the result of `openings.without_code`.
    """
    waits = Wait.objects.undecided().filter(due_at__gte=now - LATE)
    waits = waits.exclude(run__status=RunStatus.PAUSED)
    return waits.exclude(run__in=Run.objects.filter(reduce(or_, gone))) if gone else waits


def newest_of(parts: Iterable[RunQuerySet], last: UUID | None, most: int) -> list[UUID]:
    """Return the ids of the newest runs in these querysets.

    If `last` is given, only runs older than `last` are returned.
    """
    ids = _keys_of(parts, last, most)
    return [of_id(pk) for (pk,) in merged(ids, order="1 DESC", limit=most)]


def _tested(
    parts: Iterable[RunQuerySet], is_seen: Q, last: UUID | None, most: int
) -> list[TestedRun]:
    """Return the runs of `newest_of`, each with True if the condition `is_seen` holds for it."""
    statement = merging(_keys_of(parts, last, most), order="1 DESC", limit=most)
    if statement is None:
        return []
    runs = Run.objects.filter(pk__in=RawSQL(*statement)).order_by("-pk")  # noqa: S611
    return [TestedRun(*row) for row in runs.annotate(is_seen=is_seen).values_list("pk", "is_seen")]


def _keys_of(
    parts: Iterable[RunQuerySet], last: UUID | None, most: int
) -> list[QuerySet[Run, Any]]:
    if last:
        parts = [part.filter(pk__lt=last) for part in parts]
    return [part.order_by("-pk").values_list("pk")[:most] for part in parts]


def first_due(
    waits: WaitQuerySet, most: int, *, after: OpenDeadline | None = None
) -> list[OpenDeadline]:
    """Return at most `most` waits, those with the next deadline first.

    With `after`, only waits that come later in this order are returned.
    """
    if after:
        later = Q(due_at__gt=after.at) | Q(due_at=after.at, pk__gt=after.wait)
        waits = waits.filter(later, due_at__gte=after.at)
    fields = ["due_at", "pk", "run", *(waits.query.annotations.keys() & {"is_seen"})]
    rows: QuerySet[Any, Any] = waits.order_by("due_at", "pk").values_list(*fields)
    return [OpenDeadline(*row) for row in rows[:most]]


def first_due_of(runs: Sequence[UUID], waits: WaitQuerySet, most: int) -> list[OpenDeadline]:
    """Return at most `most` waits of these runs, those with the next deadline first."""
    return first_due(waits.filter(is_among("run", runs)), most) if runs else []


def _urgent(requests: HumanRequestQuerySet, most: int, *, after: int = 0) -> list[UUID]:
    return list(requests.by_urgency().values_list("pk", flat=True)[after : after + most])
