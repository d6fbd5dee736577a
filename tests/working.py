"""A worker of this process, for facades whose callers wait until a run stands still."""

from datetime import timedelta

from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import sweep


def work_off() -> None:
    """Do all that is queued, until nothing is."""
    while queued := list(Run.objects.filter(status="queued").order_by("pk")):
        for run in queued:
            advance_run(run.pk)


def let_pass(length: timedelta) -> None:
    """Let time pass, and do what is due then."""
    clock.ahead += length
    sweep()
    work_off()
