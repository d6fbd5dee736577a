"""The runs to which a run may send signals."""

from uuid import UUID

from procedures import access
from procedures.models import Run


def find_named(run_id: str) -> Run | None:
    """Return the run with this id, with its `parent_wait` loaded by the same query.

    Returns None if there is no such run.
    """
    try:
        pk = UUID(run_id)
    except ValueError:
        return None
    return Run.objects.select_related("parent_wait").filter(pk=pk).first()


def may_reach(run: Run, other: Run) -> bool:
    """Return True if the person who started `run` may send signals to the other run.

    The person must be able to see the other run, and must have started it or have permission to
    operate it.
    """
    starter = run.started_by
    if starter is None or not access.visible_runs(starter).filter(pk=other.pk).exists():
        return False
    return other.started_by_id == starter.pk or access.may_operate(starter, other)
