"""Families of runs that need each other's records, and so are removed together or not at all.

A run needs its parent and its children, whose ends are in its journal. A fork or a restart needs
its origin, to which its first event refers.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, cast
from uuid import UUID

from django.db.models import Q, QuerySet

from procedures.among import is_among
from procedures.models import Run

COLUMNS = ("pk", "procedure", "ended_at", "origin")


class Relative(NamedTuple):
    """A run of a family: its procedure, its end, its origin, and the run that is its parent."""

    pk: UUID
    procedure: int
    ended_at: datetime | None
    origin: UUID | None
    parent: UUID | None


@dataclass
class Family:
    """Runs that are removed together, keyed by their ids."""

    members: dict[UUID, Relative] = field(default_factory=dict)

    @property
    def key(self) -> UUID:
        """The id of the first run, which distinguishes the family from others."""
        return min(self.members)

    def tops(self) -> Iterator[Relative]:
        """Yield the runs that have no parent."""
        return (one for one in self.members.values() if one.parent is None)

    def top_of(self, run: UUID) -> Relative:
        """Return a run's topmost ancestor, or the run itself if it has no parent."""
        found, seen = self.members[run], set[UUID]()
        while found.parent in self.members and found.parent not in seen:
            seen.add(found.parent)
            found = self.members[found.parent]
        return found

    def ended_by(self, now: datetime, days: Mapping[int, int]) -> bool:
        """Return True if each run has ended, and the retention of the procedure has passed since.

        `days` are the days of the retention, keyed by procedure; procedures without one keep their
        runs for ever. Child runs are kept as long as their topmost ancestor.
        """
        for one in self.members.values():
            kept = days.get(self.top_of(one.pk).procedure)
            if kept is None or one.ended_at is None or one.ended_at > now - timedelta(days=kept):
                return False
        return True


def closures_of(runs: Iterable[UUID]) -> list[Family]:
    """Return the families of these runs by descent; each generation takes a few queries."""
    members, new = dict[UUID, Relative](), set(runs)
    while new:
        found = list(_relatives(new))
        members |= {one.pk: one for one in found}
        named = {key for one in found for key in (one.parent, one.origin) if key}
        new = named.union(_next_of(found)) - members.keys()
    return list(_grouped(members))


def _relatives(runs: Iterable[UUID]) -> Iterator[Relative]:
    rows = Run.objects.filter(is_among("pk", runs)).order_by()
    for row in rows.values_list(*COLUMNS, "parent_wait__run"):
        yield Relative(*row)


def _next_of(found: list[Relative]) -> Iterator[UUID]:
    """Yield the ids of the child runs, the restarts and the forks of these runs."""
    keys = [one.pk for one in found]
    for lookup in ("parent_wait__run", "origin"):
        rows = Run.objects.filter(is_among(lookup, keys)).order_by()
        yield from rows.values_list("pk", flat=True)


def _grouped(members: dict[UUID, Relative]) -> Iterator[Family]:
    linked: dict[UUID, set[UUID]] = {key: set() for key in members}
    for one in members.values():
        for other in (one.parent, one.origin):
            if other in linked:
                linked[one.pk].add(other)
                linked[other].add(one.pk)
    left = set(members)
    for first in sorted(members):
        if first not in left:
            continue
        group, new = set[UUID](), {first}
        while new:
            group |= new
            new = {other for key in new for other in linked[key]} - group
        left -= group
        yield Family({key: members[key] for key in sorted(group)})


def candidates(
    procedure: int, end: datetime, *, after: tuple[datetime, UUID] | None = None
) -> QuerySet[Run, tuple[datetime, UUID]]:
    """Return a procedure's runs without a parent that ended by `end`, in the order of their ends.

    They are pairs: the time of the end and the id. `after` is the pair of the last run that has
    been looked at. An index finds the runs in this order.
    """
    found = Q(procedure=procedure, parent_wait=None, ended_at__lte=end)
    if after:
        at, key = after
        # The first part alone lets the database begin in the index.
        found &= Q(ended_at__gte=at) & (Q(ended_at__gt=at) | Q(pk__gt=key))
    rows = Run.objects.filter(found).order_by("ended_at", "pk").values_list("ended_at", "pk")
    return cast("QuerySet[Run, tuple[datetime, UUID]]", rows)


def batches_of_candidates(
    procedure: int, end: datetime, *, size: int, after: tuple[datetime, UUID] | None = None
) -> Iterator[list[tuple[datetime, UUID]]]:
    """Yield the candidates in batches of at most `size`, each read when the caller asks for it."""
    while rows := list(candidates(procedure, end, after=after)[:size]):
        after = rows[-1]
        yield rows
