"""The runs to which a run may send signals."""

from uuid import UUID

from procedures import access
from procedures.models import Run


def find_named(run_id: str) -> Run | None:
    """Return the run with that id, with its parent's wait loaded, or None if there is none."""
    try:
        pk = UUID(run_id)
    except ValueError:
        return None
    return Run.objects.select_related("parent_wait").filter(pk=pk).first()


def may_reach(run: Run, other: Run) -> bool:
    """Return True if the run's starter may see the other run, and started it or may operate it."""
    starter = run.started_by
    if starter is None or not access.visible_runs(starter).filter(pk=other.pk).exists():
        return False
    return other.started_by_id == starter.pk or access.may_operate(starter, other)
