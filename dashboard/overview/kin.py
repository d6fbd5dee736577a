"""The child runs for which a run waits, counted and listed for each wait."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Case, Count, F, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber

from dashboard.overview.states import WORDS
from procedures.engine.journal.events import RunStatus
from procedures.models import Run, Wait

MOST_SHOWN = 12
"""The maximum number of child runs that are listed for each wait."""
KINDS = (Wait.Kind.CHILD, Wait.Kind.MAP)
BAD = (RunStatus.FAILED, RunStatus.QUARANTINED, RunStatus.CANCELLED)


@dataclass(frozen=True)
class Child:
    """A child run in the list below the row of a wait."""

    run: Run
    look: str
    words: str


@dataclass
class Children:
    """The numbers of child runs of one wait that have begun, succeeded and failed."""

    begun: int
    done: int
    failed: int
    shown: list[Child] = field(default_factory=list)
    """At most `MOST_SHOWN` of these child runs; those that failed come first."""

    @property
    def left_out(self) -> int:
        return self.begun - len(self.shown)


def children_of(waits: Iterable[Wait]) -> dict[int, Children]:
    """Return the child runs of each wait, by the wait's id, with two queries for all waits.

    If a child run was retried as a new run, the two count as one child run. It has succeeded if
    either of them has.
    """
    ids = [wait.pk for wait in waits if wait.kind in KINDS]
    if not ids:
        return {}
    children = Run.objects.filter(parent_wait__in=ids).order_by()
    places = Count("parent_number", distinct=True)
    counted = children.values("parent_wait").annotate(
        begun=places,
        done=Count("parent_number", distinct=True, filter=Q(status=RunStatus.SUCCEEDED)),
        alive=Count("parent_number", distinct=True, filter=Q(ended_at=None)),
        quarantined=Count("parent_number", filter=Q(status=RunStatus.QUARANTINED)),
    )
    found = {
        one["parent_wait"]: Children(
            one["begun"], one["done"], _failed(one["begun"] - one["done"] - one["alive"], one)
        )
        for one in counted
    }
    for run in _first_of(children):
        look, words = WORDS[RunStatus(run.status)]
        found[run.parent_wait_id].shown.append(Child(run, look, str(words)))
    return found


def _failed(ended: int, counted: dict[str, int]) -> int:
    return max(ended, 0) + counted["quarantined"]


def _first_of(children: QuerySet[Run]) -> QuerySet[Run]:
    """Return at most `MOST_SHOWN` child runs of each wait: first failed ones, then the others."""
    is_good = Case(When(status__in=BAD, then=Value(0)), default=Value(1))
    place = Window(
        RowNumber(),
        partition_by=F("parent_wait"),
        order_by=[is_good.asc(), F("parent_number").asc(), F("pk").desc()],
    )
    first = children.annotate(place=place).filter(place__lte=MOST_SHOWN)
    return first.only("id", "status", "parent_wait", "parent_number").order_by(
        "parent_wait", "place"
    )
