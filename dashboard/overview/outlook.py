"""The runs, waits and requests for the lists of one person's home page.

Each list is read from an index of what is open now. Access is checked for only a few of its rows,
however many runs have ended or are visible.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, reduce
from operator import or_
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from chat.access import visible_requests
from chat.models.request import HumanRequestQuerySet
from chat.services import requests_without_answerers
from dashboard.overview.openings import LATE, held_up, stuck, without_code
from procedures import access
from procedures.engine.journal.events import RunStatus
from procedures.models import Run, Wait
from procedures.models.run_queries import RunQuerySet
from procedures.models.wait import WaitQuerySet
from procedures.run_lists import UNENDED, WORKING, RunList, few_runs
from procedures.store.merging import HANDFUL, first_seen, merged
from procedures.users import User

LONGEST_LIST = 6
"""The maximum number of rows in each list; one more is read, to know whether there are more."""
MOST_STUCK = 30
"""The maximum number of stuck runs that are read, to be counted and grouped."""
MANY = 1000
"""With this many unfinished runs, a person's next waits are searched among all waits."""

MOST_ALONE = 10 * MANY
"""The maximum number of requests without answerers that are read to find visible ones."""


class Due(NamedTuple):
    """An open wait, with the time when it ends."""

    at: datetime
    wait: int
    run: UUID


class Lists(NamedTuple):
    """The keys of the rows in each list of a home page."""

    stuck: tuple[UUID, ...]
    working: tuple[UUID, ...]
    coming: tuple[int, ...]
    alone: tuple[UUID, ...]


@dataclass(frozen=True)
class Outlook:
    """The lists of one person's home page, as they are now."""

    user: User
    now: datetime

    def lists(self) -> Lists:
        more = LONGEST_LIST + 1
        return Lists(
            tuple(self.stuck(MOST_STUCK + 1)),
            tuple(self.working(more)),
            tuple(self.coming(LONGEST_LIST)),
            tuple(self.alone(more)),
        )

    def stuck(self, most: int) -> list[UUID]:
        """Return the newest runs that won't continue without help, or that failed recently."""
        runs = Run.objects.all()
        return self._newest([runs.filter(one) for one in stuck(self.now, self._held_up)], most)

    def working(self, most: int) -> list[UUID]:
        """Return the newest runs that are queued, running or retrying, except stuck ones."""
        mine, held_up = RunList(self.user, state=WORKING), reduce(or_, self._held_up)
        found, _ = first_seen(
            lambda last, count: mine.newest(count, after=last),
            lambda ids: newest_of([Run.objects.filter(~held_up, pk__in=ids)], None, len(ids)),
            most,
        )
        return found

    def coming(self, most: int) -> list[int]:
        """Return the open waits that end next, except those of paused runs or runs without code."""
        waits = coming_waits(self.now, self._gone)
        if self._few is not None:
            return [one.wait for one in first_due(waits.filter(run__in=self._few), most)]
        found, is_all = first_seen(
            lambda last, count: first_due(waits, count, after=last),
            self._seen_waits,
            most,
            within=2 * HANDFUL,
        )
        if not is_all:
            found = self._coming_of_own(waits, most)
        return [one.wait for one in found]

    def alone(self, most: int) -> list[UUID]:
        """Return the most urgent open requests that nobody can answer."""
        requests = requests_without_answerers()
        if self._few is not None:
            return _urgent(requests.filter(wait__run__in=self._few), most)
        found = list[UUID]()
        for start in range(0, MOST_ALONE, MANY):
            ids = _urgent(requests, MANY, after=start)
            found += _urgent(visible_requests(self.user).filter(pk__in=ids), most)
            if len(ids) < MANY or len(found) >= most:
                break
        return found[:most]

    def _coming_of_own(self, waits: WaitQuerySet, most: int) -> list[Due]:
        """Return the waits that end next for a person who sees few of the waiting runs."""
        unended = RunList(self.user, state=UNENDED).newest(MANY)
        if len(unended) == MANY:
            return first_due(waits.filter(access.is_visible(self.user, "run")), most)
        return first_due(waits.filter(run__in=unended), most)

    def _newest(self, parts: Sequence[RunQuerySet], most: int) -> list[UUID]:
        """Return the newest runs of these querysets that the person may see."""
        if self._few is not None:
            parts = [part.filter(pk__in=self._few) for part in parts]
            return newest_of(parts, None, most)
        found, _ = first_seen(lambda last, count: newest_of(parts, last, count), self._seen, most)
        return found

    def _seen(self, runs: Iterable[UUID]) -> set[UUID]:
        return access.seen_among(self.user, runs)

    def _seen_waits(self, waits: Sequence[Due]) -> list[Due]:
        runs = self._seen({one.run for one in waits})
        return [one for one in waits if one.run in runs]

    @cached_property
    def _gone(self) -> list[Q]:
        return without_code()

    @cached_property
    def _held_up(self) -> list[Q]:
        return held_up(self.now, self._gone)

    @cached_property
    def _few(self) -> list[UUID] | None:
        return few_runs(self.user)


def coming_waits(now: datetime, gone: Sequence[Q]) -> WaitQuerySet:
    """Return the waits that have an end, except those of paused runs and runs without code."""
    waits = Wait.objects.undecided().filter(due_at__gte=now - LATE)
    waits = waits.exclude(run__status=RunStatus.PAUSED)
    return waits.exclude(run__in=Run.objects.filter(reduce(or_, gone))) if gone else waits


def newest_of(parts: Iterable[RunQuerySet], last: UUID | None, most: int) -> list[UUID]:
    """Return the newest runs of these querysets; with `last`, only runs older than it."""
    if last:
        parts = [part.filter(pk__lt=last) for part in parts]
    ids = [part.order_by("-pk").values_list("pk")[:most] for part in parts]
    return [UUID(str(pk)) for (pk,) in merged(ids, order="1 DESC", limit=most)]


def first_due(waits: WaitQuerySet, most: int, *, after: Due | None = None) -> list[Due]:
    """Return at most `most` waits in the order of their ends; with `after`, only later ones."""
    if after:
        later = Q(due_at__gt=after.at) | Q(due_at=after.at, pk__gt=after.wait)
        waits = waits.filter(later, due_at__gte=after.at)
    rows: QuerySet[Any, Any] = waits.order_by("due_at", "pk").values_list("due_at", "pk", "run")
    return [Due(*row) for row in rows[:most]]


def _urgent(requests: HumanRequestQuerySet, most: int, *, after: int = 0) -> list[UUID]:
    return list(requests.by_urgency().values_list("pk", flat=True)[after : after + most])
