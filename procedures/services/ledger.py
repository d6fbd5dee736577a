"""Whether the journals of runs are as they were written."""

from collections.abc import Iterator
from itertools import chain

from django.conf import settings
from django.db.models import F

from procedures.engine.journal import Event, EventKind, RunStatus
from procedures.engine.ledger import Ledger
from procedures.journal import ledger_key
from procedures.models import Head, Run

ENDS = {
    RunStatus.SUCCEEDED: EventKind.RUN_SUCCEEDED,
    RunStatus.FAILED: EventKind.RUN_FAILED,
    RunStatus.CANCELLED: EventKind.RUN_CANCELLED,
}


def verify_journal(run: Run) -> list[str]:
    """What is wrong with a run's journal, in sentences; nothing when it is sound.

    A worker may write meanwhile: what it adds is left for the next look.
    """
    of_one_moment = Head.objects.filter(run=run).values_list("run__status", "seq", "hash").first()
    if of_one_moment is None:
        return ["The head is missing, and nothing tells which event is the last."]
    status, last, proof = of_one_moment
    older = tuple(key.encode() for key in settings.LEDGER_KEY_FALLBACKS)
    ledger = Ledger(str(run.pk), last, proof, ledger_key(), older)
    told = [str(damage) for damage in ledger.damages(_events(run, last))]
    end = ENDS.get(RunStatus(status))
    if end and not told and not run.events.filter(seq=last, kind=end).exists():
        return [f"The run is marked {status}, and its last event does not say so."]
    return told


def _events(run: Run, last: int) -> Iterator[Event]:
    """Those up to the run's head as it was read, then those that stand after its head now."""
    known = run.events.filter(seq__lte=last)
    after = run.events.filter(seq__gt=F("run__head__seq"))
    return chain(known.streamed(), after.streamed())
