"""Lists and counts of the runs that a user may see, read by key from indexes.

Use this module to find the newest of all visible runs, or to count them. For runs whose keys are
known, use `access.visible_runs(user).filter(pk__in=…)`.
"""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import or_
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from procedures import access
from procedures.engine.journal.events import RunStatus
from procedures.models import Event, Procedure, Run, RunInput
from procedures.models.run_queries import RunQuerySet
from procedures.store import keyed
from procedures.store.keyed import EVERY_STATE, FEW, RunsByKey, RunState, Source, Span
from procedures.store.merging import first_seen
from procedures.users import User, kept_on

MOST_COUNTED = 99
"""The largest number to which runs are counted; lists show "99+" for more."""
SOURCES = "_countersign_run_sources"
"""The name of the attribute of a user object that caches the result of `sources_of`."""
MOST_SINGLE = 200
"""The maximum number of visible runs for which rows in other tables are looked up run by run."""
PEOPLE, TIME = "people", "time"
"""The names of two filters for waiting runs: those that wait for people, and all others."""
WORKING, UNENDED = "working", "unended"
"""The names of two more filters: queued, running and retrying runs, and all runs that haven't
ended."""
STATES: Mapping[str, tuple[RunState, ...]] = {
    **{status.value: (RunState(status),) for status in RunStatus},
    PEOPLE: (RunState(RunStatus.WAITING, (True,)),),
    TIME: (RunState(RunStatus.WAITING, (False,)),),
    WORKING: tuple(map(RunState, (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING))),
    UNENDED: tuple(RunState(status) for status in RunStatus if not status.is_end),
}


V = TypeVar("V")


@dataclass(frozen=True)
class RunList:
    """The runs that a user may see, the newest first, optionally filtered."""

    user: User | AnonymousUser
    state: str = ""
    """A name in `STATES`; "" for all."""
    procedure: str = ""
    """The name of a procedure; "" for all procedures."""
    parent: UUID | None = None
    """The run whose child runs are listed; the list is empty if the user may not see this run."""
    few: int = FEW
    """A `RunsByKey` with at most this many rows is read whole; a larger one, status by status."""

    def newest(
        self, limit: int, *, after: UUID | None = None, since: UUID | None = None
    ) -> list[UUID]:
        """Return the ids of the newest runs older than `after` and newer than `since`.

        At most `limit` ids are returned.
        """
        if self.parent:
            return self._children_of(self.parent, limit, after=after, since=since)
        sources, span = self._found(Span(limit, after, since, few=self.few))
        states = STATES[self.state] if self.state else EVERY_STATE
        return keyed.newest_runs(sources, span, states, few=partial(self._few, sources, span))

    @property
    def is_read_at_once(self) -> bool:
        """True if each `RunsByKey` among the sources is so small that it is read at once.

        The limit is `few`.
        """
        sources, span = self._found(Span(1, few=self.few))
        few = self._few(sources, span)
        return all(one in few for one in sources if isinstance(one, RunsByKey))

    def load(self, runs: list[UUID]) -> RunQuerySet:
        """Return a query of those of the given runs that the user may see, the newest first."""
        return access.visible_runs(self.user).filter(pk__in=runs).order_by("-pk")

    def count(self, *states: str) -> dict[str, int]:
        """Return the number of runs for each name in `states`, counted up to `MOST_COUNTED` + 1."""
        sources, span = self._found(Span(MOST_COUNTED + 1, few=self.few))
        found = keyed.count_runs(sources, span, {state: STATES[state] for state in states})
        return {state: found.get(state, 0) for state in states}

    def _found(self, span: Span) -> tuple[list[Source], Span]:
        """Return the sources and the span to read, limited to `procedure` if one is chosen."""
        user = self.user
        if not isinstance(user, User) or not user.is_active:
            return [], span
        every = Procedure.objects.all()
        if not self.procedure:
            return sources_of(user), span
        chosen = every.filter(name=self.procedure)
        found = chosen.first()
        if found is None:
            return [], span
        if access.procedures_for(user, *access.SEEING).filter(pk=found.pk).exists():
            return [access.runs_by_grant(chosen)], span
        return access.runs_without_grant(user, chosen), replace(span, procedure=found.pk)

    def _few(self, sources: list[Source], span: Span) -> list[Source]:
        """Return the sources with few rows; all lists of a page share the result.

        The result affects only how fast lists and counts are read, not what they contain.
        """
        count = partial(keyed.with_few_rows, sources, span)
        if self.procedure or not isinstance(self.user, User):
            return count()
        return kept_on(self.user, f"sources with at most {span.few} rows", count)

    def _children_of(
        self, parent: UUID, limit: int, *, after: UUID | None, since: UUID | None
    ) -> list[UUID]:
        if not access.visible_runs(self.user).filter(pk=parent).exists():
            return []
        children = Run.objects.filter(parent_wait__run=parent).order_by("-pk")
        if self.state:
            children = children.filter(in_state(self.state))
        if self.procedure:
            children = children.filter(procedure__name=self.procedure)
        if since:
            children = children.filter(pk__gt=since)

        def following(last: UUID | None, count: int) -> list[UUID]:
            end = last or after
            older = children.filter(pk__lt=end) if end else children
            return list(older.values_list("pk", flat=True)[:count])

        found, _ = first_seen(following, partial(access.seen_among, self.user), limit)
        return found


def in_state(state: str) -> Q:
    """Return a `Q` for the runs of a name in `STATES`."""
    fits = (Q(status=one.status, is_asking__in=one.is_asking) for one in STATES[state])
    return reduce(or_, fits)


def procedures_of_runs(user: User | AnonymousUser) -> QuerySet[Procedure]:
    """Return the procedures of all runs that a user may see."""
    if not isinstance(user, User) or not user.is_active:
        return Procedure.objects.none()
    return Procedure.objects.filter(pk__in=keyed.procedures_in(sources_of(user)))


def sources_of(user: User) -> list[Source]:
    """Return the queries that together find all runs that a user may see.

    They are cached on the user object, so all lists of a page share them. The runs themselves are
    read from the database each time.
    """
    key = (user.pk, access.sees_all(user))
    kept: tuple[Any, list[Source]] = user.__dict__.get(SOURCES, (None, []))
    if kept[0] == key:
        return kept[1]
    others = (
        [] if access.sees_all(user) else access.runs_without_grant(user, Procedure.objects.all())
    )
    found = [access.runs_by_grant(access.procedures_for(user, *access.SEEING)), *others]
    user.__dict__[SOURCES] = (key, found)
    return found


def few_runs(user: User) -> list[UUID] | None:
    """Return the ids of all runs that a user may see; None if there are more than `MOST_SINGLE`."""
    if access.sees_all(user):
        return None
    found = RunList(user).newest(MOST_SINGLE + 1)
    return found if len(found) <= MOST_SINGLE else None


def count_for_lists(user: User, procedure: str, *states: str) -> dict[str, int]:
    """Return the result of `RunList.count`, which all open lists of a person share for one second.

    The result is computed again earlier if a run was started, or if an `Event` or a `RunInput` of
    any run was stored.
    """
    head = keyed.newest_keys([Run, Event, RunInput])
    return _counts.get(
        (user.pk, procedure, states), head, lambda: RunList(user, "", procedure).count(*states)
    )


class Shared(Generic[V]):
    """Values that several requests of one process share for a short time."""

    def __init__(self, *, seconds: float, most: int) -> None:
        self._seconds, self._most = seconds, most
        self._kept: dict[Hashable, tuple[float, Hashable, V]] = {}

    def get(self, key: Hashable, head: Hashable, compute: Callable[[], V]) -> V:
        """Return the stored value of a key, or compute and store a new one.

        A stored value is used for at most `seconds`, and only if `head` is the same as when it was
        computed.
        """
        now = time.monotonic()
        if (kept := self._kept.get(key)) and kept[1] == head and now - kept[0] < self._seconds:
            return kept[2]
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[key] = (now, head, value := compute())
        return value


_counts = Shared[dict[str, int]](seconds=1, most=10_000)
