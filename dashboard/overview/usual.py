"""The steps that usually follow an answer, as the same question in earlier runs shows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Case, F, TextField, Value, When

from chat.models import HumanRequest
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.values import canonical
from procedures.models import Event, Run

RUNS = 8
"""The maximum number of earlier runs that are compared: the newest ones that succeeded."""
FEWEST = 5
"""Steps count as usual if they followed an outcome in at least this many of the compared runs."""
LONGEST = 60
"""The maximum number of events that are read from the beginning of each journal."""
MOST_NAMED = 3
ENDS = (EventKind.WAIT_OPENED, EventKind.CHILD_STARTED, EventKind.RUN_SUCCEEDED)
KINDS = (EventKind.WAIT_CLOSED, EventKind.STEP_SUCCEEDED, *ENDS)
Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class UsualSteps:
    """The steps that followed an outcome of a question in all compared runs with this outcome."""

    outcome: str
    steps: Sequence[str]
    runs: int
    """The number of compared runs with this outcome."""


def usual_after(request: HumanRequest) -> UsualSteps | None:
    """Return the steps that followed the same question in earlier runs of the same version.

    They are returned only if all compared runs with one outcome had the same steps, and at least
    `FEWEST` runs had this outcome; otherwise, return None. One query reads all events.
    """
    found = defaultdict[str, list[tuple[str, ...]]](list)
    for rows in _journals(request):
        outcome, steps = _after(request.wait.key, rows)
        if outcome:
            found[outcome].append(steps)
    for outcome, sequences in found.items():
        [*different] = {*sequences}
        if len(sequences) >= FEWEST and len(different) == 1 and different[0]:
            return UsualSteps(outcome, different[0][:MOST_NAMED], len(sequences))
    return None


def _journals(request: HumanRequest) -> Iterator[Iterable[Row]]:
    """Yield rows for each earlier run: kind, key, name and data of its steps, waits and children.

    The data is "" except for the event that closed the same question.
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
    """Return the outcome of the question with this key, and the steps that followed the answer.

    These are the steps until the next wait, child run or end of the run. The outcome is "" if the
    question has none, or if none of these three is among the events that were read.
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
