"""Whether the journals of runs, and the rows that they tell of, are as they were written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from django.db.models import F, Max

from procedures import hooks
from procedures.engine.journal.events import Event, EventKind, RunStatus
from procedures.engine.journal.ledger import Ledger
from procedures.models import Head, Run
from procedures.models.proofs import ledger_key, ledger_keys
from procedures.services.differences import Difference
from procedures.services.missing import unowned_rows
from procedures.services.record import Record
from procedures.services.rows import row_differences

ENDS = {
    RunStatus.SUCCEEDED: EventKind.RUN_SUCCEEDED,
    RunStatus.FAILED: EventKind.RUN_FAILED,
    RunStatus.CANCELLED: EventKind.RUN_CANCELLED,
}
LOOKS = 3
"""How often a run that goes on meanwhile is looked at."""


@dataclass
class Verdict:
    """What was found wrong with a run's journal, its rows and its files."""

    damages: list[str] = field(default_factory=list)
    """Of the journal; then its rows can't be judged by it."""
    differences: list[Difference] = field(default_factory=list)
    older: list[str] = field(default_factory=list)
    """What is not covered, since it was written before rows were proven."""

    @property
    def faults(self) -> list[str]:
        return [*self.damages, *map(str, self.differences)]

    @property
    def note(self) -> str:
        """A sentence about what is not covered; "" when all is."""
        if not self.older:
            return ""
        shown = "; ".join(self.older[:MOST_SHOWN])
        more = f" and {len(self.older) - MOST_SHOWN} more" if len(self.older) > MOST_SHOWN else ""
        return f"Older, not covered: {shown}{more}."


MOST_SHOWN = 5


def verify_journal(run: Run) -> list[str]:
    """Return what is wrong with a run's journal or its rows, in sentences; nothing when sound."""
    return examine(run).faults


def examine(run: Run) -> Verdict:
    """Compare a run's journal with its chain, then the run's rows and files with the journal.

    A worker may write meanwhile: what it adds is left for the next look.
    """
    verdict = Verdict(_damages(run))
    if verdict.damages:
        return verdict
    for _ in range(LOOKS):
        before = _state(run)
        fresh = Run.objects.select_related("procedure", "version", "started_by").get(pk=run.pk)
        record, older = Record.of(fresh), list[str]()
        found = [*row_differences(record, older)]
        for look in hooks.examined:
            found += look(record, older)
        if not found or _state(run) == before:
            return Verdict([], list(dict.fromkeys(found)), older)
    return verdict


def examine_site() -> list[Difference]:
    """Return what belongs to no run, so that no verdict on a run could tell of it."""
    return [*unowned_rows("procedures"), *(one for look in hooks.examined_site for one in look())]


def _state(run: Run) -> tuple[object, ...]:
    """Tells whether a run has changed."""
    rows = Run.objects.filter(pk=run.pk)
    newest = Max("run_inputs__pk")
    return tuple(rows.values_list("status", "heard", "head__seq", "head__hash", newest))


def _damages(run: Run) -> list[str]:
    of_one_moment = Head.objects.filter(run=run).values_list("run__status", "seq", "hash").first()
    if of_one_moment is None:
        return ["The head is missing, and nothing tells which event is the last."]
    status, last, proof = of_one_moment
    ledger = Ledger(str(run.pk), last, proof, ledger_key(), tuple(ledger_keys()[1:]))
    told = [str(damage) for damage in ledger.damages(_events(run, last))]
    end = ENDS.get(RunStatus(status)) if status in set(RunStatus) else None
    if end and not told and not run.events.filter(seq=last, kind=end).exists():
        return [f"The run is marked {status}, and its last event does not say so."]
    return told


def _events(run: Run, last: int) -> Iterator[Event]:
    """Those up to the run's head as it was read, then those that stand after its head now."""
    known = run.events.filter(seq__lte=last)
    after = run.events.filter(seq__gt=F("run__head__seq"))
    return chain(known.streamed(), after.streamed())
