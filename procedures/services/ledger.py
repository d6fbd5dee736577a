"""Verification of the journals of runs and of the rows that belong to the runs."""

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
from procedures.services.retention.tombstones import tombstone_differences
from procedures.services.rows import row_differences

ENDS = {
    RunStatus.SUCCEEDED: EventKind.RUN_SUCCEEDED,
    RunStatus.FAILED: EventKind.RUN_FAILED,
    RunStatus.CANCELLED: EventKind.RUN_CANCELLED,
}
LOOKS = 3
"""The maximum number of times that a run is read, in case a worker writes to the run meanwhile."""


@dataclass
class Verdict:
    """The faults found in a run's journal, in the run's rows and in its files."""

    damages: list[str] = field(default_factory=list)
    """Damage to the journal. A damaged journal isn't used to verify rows."""
    differences: list[Difference] = field(default_factory=list)
    older: list[str] = field(default_factory=list)
    """Names of rows that can't be verified, because they were written before proofs were kept."""

    @property
    def faults(self) -> list[str]:
        return [*self.damages, *map(str, self.differences)]

    @property
    def note(self) -> str:
        """A sentence about rows that can't be verified, or ""."""
        if not self.older:
            return ""
        shown = "; ".join(self.older[:MOST_SHOWN])
        more = f" and {len(self.older) - MOST_SHOWN} more" if len(self.older) > MOST_SHOWN else ""
        words = "These couldn't be verified, because they were written before the site kept proofs"
        return f"{words}: {shown}{more}."


MOST_SHOWN = 5


def verify_journal(run: Run) -> list[str]:
    """Return the faults of a run's journal and rows as sentences; [] if there are none."""
    return examine(run).faults


def examine(run: Run) -> Verdict:
    """Verify the hash chain of a run's journal, then the run's rows and files against the journal.

    If a worker writes meanwhile, the run is read again, at most `LOOKS` times. Rows and files
    aren't verified if the journal is damaged. A run that is removed meanwhile has no faults: what
    is left of it is verified with the site.
    """
    try:
        verdict = _examine(run)
    except Run.DoesNotExist:
        return Verdict()
    is_there = not verdict.faults or Run.objects.filter(pk=run.pk).exists()
    return verdict if is_there else Verdict()


def _examine(run: Run) -> Verdict:
    verdict = Verdict(_damages(run))
    if verdict.damages:
        return verdict
    for _ in range(LOOKS):
        # The state is read before the rows. If it hasn't changed since, no worker has caused the
        # differences.
        before = state_of(run)
        fresh = Run.objects.select_related("procedure", "version", "started_by").get(pk=run.pk)
        record, older = Record.of(fresh), list[str]()
        found = [*row_differences(record, older)]
        for look in hooks.examined:
            found += look(record, older)
        if not found or state_of(run) == before:
            return Verdict([], list(dict.fromkeys(found)), older)
    return verdict


def examine_site() -> list[Difference]:
    """Return the faults of rows that belong to no run, which no verification of a run can find."""
    return [
        *unowned_rows("countersign_procedures"),
        *tombstone_differences(),
        *(one for look in hooks.examined_site for one in look()),
    ]


def state_of(run: Run) -> tuple[object, ...]:
    """Return a value that changes when a worker advances the run or something is sent to it."""
    rows = Run.objects.filter(pk=run.pk)
    newest = Max("run_inputs__pk")
    return tuple(rows.values_list("status", "heard", "head__seq", "head__hash", newest))


def _damages(run: Run) -> list[str]:
    # One statement reads both, because a status and a head of two different moments would look like
    # damage.
    of_one_moment = Head.objects.filter(run=run).values_list("run__status", "seq", "hash").first()
    if of_one_moment is None:
        return [
            "The run's record of its last event is missing, so nobody knows which one was the last."
        ]
    status, last, proof = of_one_moment
    ledger = Ledger(str(run.pk), last, proof, ledger_key(), tuple(ledger_keys()[1:]))
    damages = [str(damage) for damage in ledger.damages(_events(run, last))]
    end = ENDS.get(RunStatus(status)) if status in set(RunStatus) else None
    if end and not damages and not run.events.filter(seq=last, kind=end).exists():
        return [f"The run's status is {status}, but its last event doesn't say so."]
    return damages


def _events(run: Run, last: int) -> Iterator[Event]:
    """Yield the events up to number `last`, then any events after the run's recorded last one."""
    known = run.events.filter(seq__lte=last)
    # A worker may have written events after `last`. Only events beyond the newest head were never
    # written by a worker.
    after = run.events.filter(seq__gt=F("run__head__seq"))
    return chain(known.streamed(), after.streamed())
