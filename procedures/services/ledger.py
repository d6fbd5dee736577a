"""Whether the journals of runs are as they were written."""

from collections.abc import Iterator
from itertools import chain

from django.db.models import F

from procedures.engine.journal import Event, EventKind, RunStatus
from procedures.engine.ledger import Ledger
from procedures.journal import ledger_key
from procedures.models import Run

ENDS = {
    RunStatus.SUCCEEDED: EventKind.RUN_SUCCEEDED,
    RunStatus.FAILED: EventKind.RUN_FAILED,
    RunStatus.CANCELLED: EventKind.RUN_CANCELLED,
}


def verify_journal(run: Run) -> list[str]:
    """What is wrong with a run's journal, in sentences; nothing when it is sound.

    A worker may write meanwhile: what it adds is left for the next look.
    """
    run.refresh_from_db(fields=["status"])  # first: an ended run has its last head
    run.head.refresh_from_db()
    ledger = Ledger(str(run.pk), run.head_seq, run.head_hash, ledger_key())
    told = [str(damage) for damage in ledger.damages(_events(run))]
    end = ENDS.get(RunStatus(run.status))
    if end and not told and not run.events.filter(seq=run.head_seq, kind=end).exists():
        return [f"The run is marked {run.status}, and its last event does not say so."]
    return told


def _events(run: Run) -> Iterator[Event]:
    """Those up to the run's head as it was read, then those that stand after its head now."""
    known = run.events.filter(seq__lte=run.head_seq)
    after = run.events.filter(seq__gt=F("run__head__seq"))
    return chain(known.streamed(), after.streamed())
