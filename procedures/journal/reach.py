"""The runs that a run may reach."""

from uuid import UUID

from procedures import access
from procedures.engine.lifecycle.deliveries import out_of_reach
from procedures.models import Run


def refusal(run: Run, to: str) -> str:
    """Return why a run may not reach another one, in a sentence, or "".

    It may always reach its children and its parent, and others as far as its starter may send them
    signals.
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
    """Return True if the run's starter may reach the other run now."""
    starter = run.started_by
    if starter is None or not access.visible_runs(starter).filter(pk=other.pk).exists():
        return False
    return other.started_by_id == starter.pk or access.may_operate(starter, other)
