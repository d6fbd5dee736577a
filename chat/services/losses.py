"""Answerers that an operation would remove, found by trying it and rolling it back."""

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
    """A name used in code that would no longer match anything, or anybody, after an operation."""

    name: str
    """The name as written in `assign=`: "finance", "@bob", "perm:app.code"."""
    reach: Reach
    used: CodeName

    @property
    def procedures(self) -> list[str]:
        return sorted({*self.used.in_code, *self.used.in_roles})


@dataclass(frozen=True)
class Losses:
    """The requests, procedures and names for which nobody could answer after an operation.

    A `Losses` is false if all three are empty.
    """

    requests: frozenset[UUID]
    """The open requests that none of their assignees could answer any more."""
    procedures: frozenset[int]
    """The procedures on which nobody active would have the role `answer` any more."""
    names: tuple[LostName, ...]
    instead: Mapping[int, list[Assignment]]
    """The substitutes to ask about the requests, by procedure; an empty list if there are none."""

    def __bool__(self) -> bool:
        return bool(self.requests or self.procedures or self.names)


class Watch:
    """A snapshot of who can answer, to compare with the state after an operation.

    Taking it costs a fixed number of queries, however many requests are open.
    """

    def __init__(self) -> None:
        self._code = names_in_code()
        self._alone = _alone().keys()
        self._unanswered = _unanswered()
        reach = reach_of(self._code)
        self._reach = {name: far for name, far in reach.items() if far > Reach.NOWHERE}

    def losses(self) -> Losses:
        """Return what has been left without answerers since the snapshot.

        Call it in the transaction that tries the operation: its rollback brings everything back.
        """
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
        """Return the names that no longer match anything, or anybody, since the snapshot.

        A name used only in roles counts only if it no longer matches anything.
        """
        now = reach_of(self._reach)
        lost = sorted(name for name, before in self._reach.items() if now[name] < before)
        return [
            LostName(name, now[name], self._code[name])
            for name in lost
            if self._code[name].in_code or now[name] == Reach.NOWHERE
        ]


def losses_of(change: Callable[[], object]) -> Losses:
    """Make a change, return the losses it causes, and roll it back.

    `change` saves the rows to try out, such as a deactivated user or a group that has lost a
    member. It is rolled back even if it raises.
    """
    with transaction.atomic():
        watch = Watch()
        # A block is used instead of an explicit savepoint, because Django drops the `on_commit`
        # callbacks of a change only when it rolls back a block.
        with transaction.atomic():
            try:
                change()
                return watch.losses()
            finally:
                transaction.set_rollback(True)


def _alone() -> dict[UUID, int]:
    """Return each request that nobody can answer, with the id of its procedure."""
    found = requests_without_answerers().order_by()
    return dict(found.values_list("pk", "wait__run__procedure"))


def _unanswered() -> set[int]:
    return set(procedures_without_answerers().order_by().values_list("pk", flat=True))
