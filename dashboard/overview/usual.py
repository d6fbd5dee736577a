"""The steps that usually follow an answer: those after the same question in earlier runs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Case, F, TextField, Value, When

from chat.models import HumanRequest
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.values import canonical
from procedures.models import Event, Run

RUNS = 8
"""The maximum number of earlier runs to compare: the newest that succeeded after a question."""
FEWEST = 5
"""The minimum number of runs with the same outcome and the same steps that count as usual."""
LONGEST = 60
"""The maximum number of events that are read from each run's journal."""
MOST_NAMED = 3
ENDS = (EventKind.WAIT_OPENED, EventKind.CHILD_STARTED, EventKind.RUN_SUCCEEDED)
KINDS = (EventKind.WAIT_CLOSED, EventKind.STEP_SUCCEEDED, *ENDS)
Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Usual:
    """The steps that followed one outcome in each of the last runs with it."""

    outcome: str
    steps: Sequence[str]
    runs: int
    """The number of runs that were compared."""


def usual_after(request: HumanRequest) -> Usual | None:
    """Return the steps that followed the same question in earlier runs of the same version.

    All earlier runs with one outcome must have had the same steps, and there must be at least
    `FEWEST` of them; otherwise, return None. The events are read by one statement.
    """
    found = defaultdict[str, list[tuple[str, ...]]](list)
    for rows in _journals(request):
        outcome, steps = _after(request.wait.key, rows)
        if outcome:
            found[outcome].append(steps)
    for outcome, sequences in found.items():
        [*different] = {*sequences}
        if len(sequences) >= FEWEST and len(different) == 1 and different[0]:
            return Usual(outcome, different[0][:MOST_NAMED], len(sequences))
    return None


def _journals(request: HumanRequest) -> Iterator[Iterable[Row]]:
    """Yield, for each earlier run, the kinds, keys and names of its steps, waits and children.

    For the closing of this question, its data is added.
    """
    run = request.wait.run
    # `is_asking` stays set if a run ends after a question; an index begins with these columns.
    ended = Run.objects.filter(
        procedure=run.procedure_id, status=RunStatus.SUCCEEDED, is_asking=True
    ).order_by("-pk")
    events = Event.objects.filter(
        run__in=ended.values("pk")[:RUNS],
        run__version=run.version_id,
        seq__lte=LONGEST,
        kind__in=KINDS,
    )
    is_this = When(kind=EventKind.WAIT_CLOSED, key=request.wait.key, then=F("data"))
    closing = Case(is_this, default=Value(""), output_field=TextField())
    journals = defaultdict[object, list[Row]](list)
    rows = events.order_by("run", "seq").values_list("run", "kind", "key", "name", closing)
    for pk, *row in rows:
        journals[pk].append((row[0], row[1], row[2], row[3]))
    yield from journals.values()


def _after(key: str, rows: Iterable[Row]) -> tuple[str, tuple[str, ...]]:
    """Return the outcome of the question with this key, and the steps between it and the next wait.

    The outcome is "" if the run has no answer to it, or if its journal is too long to be read.
    """
    outcome, steps = "", list[str]()
    for kind, at, name, closing in rows:
        if closing and at == key:
            outcome, steps = str(canonical.plain(closing).get("outcome", "")), []
        elif outcome and kind == EventKind.STEP_SUCCEEDED:
            steps.append(name)
        elif outcome and kind in ENDS:
            return outcome, tuple(steps)
    return "", ()
