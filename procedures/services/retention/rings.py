"""Families whose runs need each other's records in a circle, and so go only together.

A run that was answered by a standing decision needs the request with which the decision was given.
So the family with that request is removed later. If both families have answered each other, neither
could ever go first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from procedures import hooks
from procedures.services.retention.families import Family, closures_of

MOST_JOINED = 1_000
"""The maximum number of runs that are looked at to find a circle; a larger one is kept."""


@dataclass
class Web:
    """Families, with the families that need the records of each of them."""

    families: dict[UUID, Family] = field(default_factory=dict)
    needed_by: dict[UUID, set[UUID]] = field(default_factory=dict)
    _of_run: dict[UUID, UUID] = field(default_factory=dict)

    def add(self, families: Iterable[Family]) -> list[Family]:
        """Add families, and return those that are new."""
        new = [one for one in families if one.key not in self.families]
        for one in new:
            self.families[one.key] = one
            self.needed_by[one.key] = set()
            self._of_run |= dict.fromkeys(one.members, one.key)
        return new

    def follow(self, families: list[Family]) -> list[Family]:
        """Note which families need these ones, and return those that are new."""
        pairs = [pair for pair in _needs(families) if pair[0] in self._of_run]
        new = self.add(closures_of({user for _giver, user in pairs} - self._of_run.keys()))
        for giver, user in pairs:
            key = self._of_run.get(user)  # None: the run was removed meanwhile
            if key is not None and key != self._of_run[giver]:
                self.needed_by[self._of_run[giver]].add(key)
        return new

    def after(self, key: UUID) -> set[UUID]:
        """Return the families that need a family's records, directly or through others."""
        found, new = set[UUID](), self.needed_by[key]
        while new:
            found |= new
            new = {other for one in new for other in self.needed_by[one]} - found
        return found


def families_of(runs: Iterable[UUID]) -> list[Family]:
    """Return the families of these runs; those that need each other are joined into one.

    The number of queries depends on the number of generations, and of steps from one decision to
    the next. For most runs, which no standing decision has answered, one search is enough.
    """
    return _with_rings(closures_of(runs))


def _with_rings(families: list[Family]) -> list[Family]:
    suspects = _suspects(families)
    if not suspects:
        return families
    web = Web()
    new = web.add(suspects)
    while new:
        new = web.follow(new)
        if sum(len(one.members) for one in web.families.values()) > MOST_JOINED:
            return families
    rings = {one.key: _ring_of(one.key, web) for one in suspects}
    joined = {key: _join(web.families[one] for one in ring) for key, ring in rings.items()}
    found = {one.key: one for one in (joined.get(family.key, family) for family in families)}
    return list(found.values())


def _suspects(families: list[Family]) -> list[Family]:
    """Return the families that need the records of other ones, and are needed by others."""
    of_run = {run: one.key for one in families for run in one.members}
    needed, needing = set[UUID](), set[UUID]()
    for giver, user in _needs(families):
        if of_run.get(giver) != of_run.get(user):
            needed.add(of_run.get(giver, giver))
            needing.add(of_run.get(user, user))
    return [one for one in families if one.key in needed & needing]


def _needs(families: list[Family]) -> Iterable[tuple[UUID, UUID]]:
    runs = [run for one in families for run in one.members]
    return [pair for look in hooks.needs for pair in look(runs)]


def _ring_of(key: UUID, web: Web) -> set[UUID]:
    """Return the family itself, and all that need it and are needed by it."""
    return {key, *(other for other in web.after(key) if key in web.after(other))}


def _join(families: Iterable[Family]) -> Family:
    members = [pair for one in families for pair in one.members.items()]
    return Family(dict(sorted(members)))
