"""Services that block and allow new runs, of one procedure or of all."""

from procedures.models import Act, Procedure, StoppedStarts
from procedures.models.act import log_act
from procedures.models.clock import clock
from procedures.store.named_locks import lock_name
from procedures.transactions import service_atomic
from procedures.users import User


@service_atomic
def stop_starts(procedure: Procedure | None, notice: str, *, by: User, reason: str) -> None:
    """Let nobody start runs of a procedure, or of any if it is None, until they are allowed again.

    Runs that have been started continue, and so do the child runs that they start. Whoever tries to
    start a run reads the notice. Calling it again changes the notice.
    """
    lock_name("new runs")  # two people may stop the same runs at once
    StoppedStarts.objects.filter(procedure=procedure).delete()
    made = StoppedStarts.objects.create(procedure=procedure, notice=notice, at=clock.now())
    words = f"{made}. Notice: {notice}"
    log_act(Act.Kind.SWITCH, words, by=by, about=procedure or made, reason=reason)


@service_atomic
def allow_starts(procedure: Procedure | None, *, by: User, reason: str) -> None:
    """Let people start runs of a procedure, or of all, again; do nothing if they can already."""
    lock_name("new runs")
    for found in StoppedStarts.objects.filter(procedure=procedure):
        words = f"New runs of {procedure or 'all procedures'} are allowed again."
        log_act(Act.Kind.SWITCH, words, by=by, about=procedure or found, reason=reason)
        found.delete()
