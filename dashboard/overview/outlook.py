"""The current runs, waits and requests that a person may see on the home page, by key.

Each list is read from an index of what is open now, and the access rules are applied to only a few
of its rows, however many runs have ended or are visible.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, reduce
from operator import or_
from typing import Any
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
from procedures.run_lists import RunList, few_runs
from procedures.store.merging import merged
from procedures.users import User

WORKING = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING)
MANY = 1000
"""The waiting runs among which enough are found by looking through all that wait."""
GLANCE = 300
"""The rows of a list of the whole site about which the access rules are asked at once."""


@dataclass(frozen=True)
class Outlook:
    """The current state of the site, as far as one person may see it."""

    user: User
    now: datetime

    def stuck(self, most: int) -> list[UUID]:
        """Return the newest runs that won't continue without help, or failed recently."""
        parts = [self._runs.filter(one) for one in stuck(self.now, self._gone)]
        return _newest(parts, most)

    def working(self, most: int) -> list[UUID]:
        """Return the newest runs that are queued, running or retrying, and not stuck."""
        runs = self._runs.filter(~reduce(or_, held_up(self.now, self._gone)))
        parts = [runs.filter(status=status).order_by("-pk")[:most] for status in WORKING]
        return _newest(parts, most)

    def coming(self, most: int) -> list[int]:
        """Return the open waits that end next, except for runs that are paused or have no code."""
        waits = Wait.objects.open().filter(due_at__gte=self.now - LATE)
        waits = waits.exclude(run__status=RunStatus.PAUSED)
        if self._gone:
            waits = waits.exclude(run__in=Run.objects.filter(reduce(or_, self._gone)))
        if self._few is not None:
            return _next(waits.filter(run__in=self._few), most)
        if access.sees_all(self.user):
            return _next(waits, most)
        first = _next(waits, GLANCE)
        found = _next(waits.filter(self._sees("run"), pk__in=first), most)
        if len(found) == most or len(first) < GLANCE:
            return found
        return self._coming_of_own(waits, most)

    def alone(self, most: int) -> list[UUID]:
        """Return the most urgent open requests that nobody can answer."""
        requests = requests_without_answerers()
        if self._few is not None:
            return _urgent(requests.filter(wait__run__in=self._few))[:most]
        ids, found = _urgent(requests), list[UUID]()
        while ids and len(found) < most:
            first, ids = ids[:GLANCE], ids[GLANCE:]
            found += _urgent(visible_requests(self.user).filter(pk__in=first))
        return found[:most]

    def _coming_of_own(self, waits: WaitQuerySet, most: int) -> list[int]:
        """Return the waits that end next for a user who may see few of the waiting runs."""
        waiting = RunList(self.user, state=RunStatus.WAITING).newest(MANY)
        if len(waiting) == MANY:
            return _next(waits.filter(self._sees("run")), most)
        busy = waits.filter(self._sees("run"), run__status__in=WORKING)
        parts = [waits.filter(run__in=waiting), busy]
        return [
            pk for pk, _ in merged([_by_due(one)[:most] for one in parts], order="2", limit=most)
        ]

    def _sees(self, path: str) -> Q:
        return access.is_visible(self.user, path)

    @cached_property
    def _gone(self) -> list[Q]:
        return without_code()

    @cached_property
    def _few(self) -> list[UUID] | None:
        return few_runs(self.user)

    @property
    def _runs(self) -> RunQuerySet:
        if self._few is None:
            return access.visible_runs(self.user)
        return Run.objects.filter(pk__in=self._few)


def _newest(parts: list[RunQuerySet], most: int) -> list[UUID]:
    ids = [part.values_list("pk") for part in parts]
    return [UUID(str(pk)) for (pk,) in merged(ids, order="1 DESC", limit=most)]


def _by_due(waits: WaitQuerySet) -> QuerySet[Wait, Any]:
    return waits.order_by("due_at").values_list("pk", "due_at")


def _next(waits: WaitQuerySet, most: int) -> list[int]:
    return [pk for pk, _ in _by_due(waits)[:most]]


def _urgent(requests: HumanRequestQuerySet) -> list[UUID]:
    return list(requests.by_urgency().values_list("pk", flat=True))
