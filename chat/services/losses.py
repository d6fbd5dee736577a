"""Losses by which an act would leave nobody to answer: it is tried, looked at, and undone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from chat.models import Assignment
from chat.services.answerers import (
    Reach,
    procedures_without_answerers,
    reach_of,
    requests_without_answerers,
    substitutes,
)
from procedures.services import CodeName, names_in_code


@dataclass(frozen=True)
class LostName:
    """A name that code uses, and that an act would let lead nowhere, or to nobody."""

    name: str
    """The name in the language of `assign=`: "finance", "@bob", "perm:app.code"."""
    reach: Reach
    used: CodeName

    @property
    def procedures(self) -> list[str]:
        return sorted({*self.used.in_code, *self.used.in_roles})


@dataclass(frozen=True)
class Losses:
    """All that has somebody to answer before an act and nobody after it; false if nothing."""

    requests: frozenset[UUID]
    """The open requests that nobody asked could answer any more."""
    procedures: frozenset[int]
    """The procedures for which no active person would hold the role `answer` any more."""
    names: tuple[LostName, ...]
    instead: Mapping[int, list[Assignment]]
    """Whom these requests would be put to instead, by procedure; an empty list for nobody."""

    def __bool__(self) -> bool:
        return bool(self.requests or self.procedures or self.names)


class Watch:
    """Remembers who is there to answer, to tell after an act what has nobody any more.

    It takes a fixed number of queries, however many requests are open.
    """

    def __init__(self) -> None:
        self._code = names_in_code()
        self._alone = _alone().keys()
        self._unanswered = _unanswered()
        reach = reach_of(self._code)
        self._reach = {name: far for name, far in reach.items() if far > Reach.NOWHERE}

    def losses(self) -> Losses:
        """Compare with now. Call it in the transaction of the act, before that is undone."""
        alone, procedures = _alone(), _unanswered() - self._unanswered
        requests = frozenset(alone.keys() - self._alone)
        concerned = procedures | {alone[pk] for pk in requests}
        return Losses(
            requests=requests,
            procedures=frozenset(procedures),
            names=tuple(self._lost_names()),
            instead=substitutes(concerned) if concerned else {},
        )

    def _lost_names(self) -> list[LostName]:
        """Return the names that lead less far now; of those that only roles use, the ones gone."""
        now = reach_of(self._reach)
        lost = sorted(name for name, before in self._reach.items() if now[name] < before)
        return [
            LostName(name, now[name], self._code[name])
            for name in lost
            if self._code[name].in_code or now[name] == Reach.NOWHERE
        ]


def losses_of(change: Callable[[], object]) -> Losses:
    """Return what a change would leave with nobody to answer, and change nothing.

    `change` saves what is to be tried: the deactivation of a user, a group without a member. It is
    undone again, whatever it raises.
    """
    with transaction.atomic():
        watch, here = Watch(), transaction.savepoint()
        try:
            change()
            return watch.losses()
        finally:
            transaction.savepoint_rollback(here)


def _alone() -> dict[UUID, int]:
    """The procedure of each request that nobody can answer."""
    found = requests_without_answerers().order_by()
    return dict(found.values_list("pk", "wait__run__procedure"))


def _unanswered() -> set[int]:
    return set(procedures_without_answerers().order_by().values_list("pk", flat=True))
