"""What runs do to other runs: kept with the sender's event, brought to the other after that commit.

The sender's commit inserts an input and locks nothing of the other run; whoever brings it locks
the other run alone. What is lost on the way, the next claim of that run brings, or the sweep.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from procedures import access
from procedures.engine.errors import Overtaken
from procedures.engine.journal.events import Event, NewEvent, RunStatus
from procedures.engine.journal.large import unpacked
from procedures.engine.values import canonical
from procedures.engine.values.files import use_file_store
from procedures.engine.waits.sending import out_of_reach, sender_of
from procedures.engine.waits.signals import misfit_of, skipped
from procedures.files import ContentStore
from procedures.journal.cancelling import ask_to_end
from procedures.journal.waits import receive, skip
from procedures.models import Run, RunInput, Signal, Wait
from procedures.models.clock import clock


def refusal(run: Run, to: str) -> str:
    """Why a run may not reach another one, in a sentence; "" when it may.

    Its children and its parent it always may; any other as far as its starter may send it signals.
    """
    found = _run_of(to)
    if found and (_is_kin(run, found) or _may(run, found)):
        return ""
    return out_of_reach(to)


def _run_of(to: str) -> Run | None:
    try:
        pk = UUID(to)
    except ValueError:
        return None
    return Run.objects.select_related("parent_wait").filter(pk=pk).first()


def _is_kin(run: Run, other: Run) -> bool:
    above, below = run.parent_wait, other.parent_wait
    is_child = below is not None and below.run_id == run.pk
    return is_child or (above is not None and above.run_id == other.pk)


def _may(run: Run, other: Run) -> bool:
    """Whether the run's starter may do it, now."""
    starter = run.started_by
    if starter is None or not access.visible_runs(starter).filter(pk=other.pk).exists():
        return False
    return other.started_by_id == starter.pk or access.may_operate(starter, other)


def send(run: Run, event: Event) -> None:
    """Keep for the other run what this one does to it, in the commit of the event."""
    content = event.content
    if content["refused"]:
        return
    if refusal(run, content["to"]):
        raise Overtaken(event.key)  # somebody took the right away meanwhile: look again
    other = UUID(content["to"])
    RunInput.objects.keep(other, NewEvent(RunInput.SENT, event.key, str(run.pk), content))
    transaction.on_commit(lambda: deliver(other), robust=True)


@transaction.atomic
def deliver(run_id: UUID) -> None:
    """Bring to a run what others have sent it. Locks the run; calling it twice is harmless."""
    deliver_locked(Run.objects.lock(run_id), at=clock.now())


def deliver_locked(run: Run, *, at: datetime) -> None:
    sent = list(RunInput.objects.filter(run=run, kind=RunInput.SENT).untaken())
    RunInput.objects.note_brought(sent, at=at)
    for one in sent:
        if RunStatus(run.status).is_end:
            return
        sender, content = sender_of(one.name), one.content
        if content["act"] == "signal":
            _take_signal(run, content, sender, at=at)
        elif run.cancel_requested_at is None:
            said = {"action": "cancel", "by": sender, "reason": content["reason"]}
            ask_to_end(run, said, at=at)


def _take_signal(run: Run, content: Mapping[str, Any], sender: str, *, at: datetime) -> None:
    """Close the first wait that can take it, or keep it; one that no open wait takes is skipped."""
    name, error = content["signal"], content["error"]
    with use_file_store(ContentStore()):
        value = unpacked(content, "value")
    if Signal.objects.filter(run=run, name=name, signal_id=content["id"]).exists():
        return
    signal = Signal(run=run, name=name, signal_id=content["id"], error=error, sender=sender, at=at)
    signal.value = canonical.text_of(value)
    signal.keep()
    waits = run.waits.open().filter(kind=Wait.Kind.SIGNAL, signal=name).order_by("opened_seq")
    misfits = [(wait, "" if error else misfit_of(value, wait.opening())) for wait in waits]
    if taker := next((wait for wait, why in misfits if not why), None):
        receive(run, taker, signal, at=at)
    elif misfits:
        wait, why = misfits[0]
        skip(run, wait, signal, skipped(name, sender, why))
