"""Queries for what an operation would leave without anybody to answer.

The operation is tried and then rolled back.
"""

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
from procedures.transactions import service_atomic


@dataclass(frozen=True)
class LostName:
    """A name in a site's code that would reach nobody active, or nothing, after an operation."""

    name: str
    """The name as written in `assign=`: "finance", "@bob", "perm:app.code"."""
    reach: Reach
    used: CodeName

    @property
    def procedures(self) -> list[str]:
        return sorted({*self.used.in_code, *self.used.in_roles})


@dataclass(frozen=True)
class Losses:
    """The requests, procedures and names that nobody could answer after an operation.

    A `Losses` is false in a condition if it has no requests, no procedures and no names.
    """

    requests: frozenset[UUID]
    """The open requests that none of their assignees could answer after the operation."""
    procedures: frozenset[int]
    """The procedures on which no active person would have the role `answer` after the operation."""
    names: tuple[LostName, ...]
    instead: Mapping[int, list[Assignment]]
    """The people to ask instead, by the key of each procedure that would lose answerers.

    The list of people is empty if there is nobody to ask.
    """

    def __bool__(self) -> bool:
        return bool(self.requests or self.procedures or self.names)


class AnswererSnapshot:
    """A snapshot of who can answer what, taken before an operation.

    The snapshot takes a fixed number of queries, however many requests are open.
    """

    def __init__(self) -> None:
        self._code = names_in_code()
        self._unanswerable = _unanswerable().keys()
        self._unanswered = _unanswered()
        reach = reach_of(self._code)
        self._reach = {name: far for name, far in reach.items() if far > Reach.NOWHERE}

    def losses(self) -> Losses:
        """Return the requests, procedures and names that lost their answerers after the snapshot.

        Call this method in the transaction that tries the operation and that is then rolled back.
        """
        alone, procedures = _unanswerable(), _unanswered() - self._unanswered
        requests = frozenset(alone.keys() - self._unanswerable)
        concerned = procedures | {alone[pk] for pk in requests}
        return Losses(
            requests=requests,
            procedures=frozenset(procedures),
            names=tuple(self._lost_names()),
            instead=substitutes(concerned) if concerned else {},
        )

    def _lost_names(self) -> list[LostName]:
        """Return the names that have lost all active people, or everything, since the snapshot.

        Such a name now refers to nobody active, or is unknown. A name that the code uses only for
        roles counts only if it is unknown now.
        """
        now = reach_of(self._reach)
        lost = sorted(name for name, before in self._reach.items() if now[name] < before)
        return [
            LostName(name, now[name], self._code[name])
            for name in lost
            if self._code[name].in_code or now[name] == Reach.NOWHERE
        ]


def losses_of(change: Callable[[], object]) -> Losses:
    """Make a change, note what the change leaves without answerers, and roll the change back.

    Returns the losses. `change` saves the rows to try, such as a deactivated user or a group that
    has lost a member. The change is rolled back even if `change` raises.
    """
    with service_atomic:
        watch = AnswererSnapshot()
        # A block is used instead of an explicit savepoint, because Django drops the `on_commit`
        # callbacks of a change only when it rolls back a block.
        with service_atomic:
            try:
                change()
                return watch.losses()
            finally:
                transaction.set_rollback(True)


def _unanswerable() -> dict[UUID, int]:
    """Return, by id of each open request that nobody can answer, the id of its procedure."""
    found = requests_without_answerers().order_by()
    return dict(found.values_list("pk", "wait__run__procedure"))


def _unanswered() -> set[int]:
    return set(procedures_without_answerers().order_by().values_list("pk", flat=True))
