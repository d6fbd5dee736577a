"""What operators do to runs over HTTP: each with a reason, told in a sentence."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404
from ninja import Router

from procedures import services
from procedures.access import SignedIn
from procedures.models import Run
from procedures.schemas import ErrorOut, OperatedOut, ReasonIn, refusals

router = Router()
ANSWERS: dict[int, type[OperatedOut | ErrorOut]] = {
    200: OperatedOut,
    **refusals(400, 403, 404, 409, 413, 422),
}
"""409 says why it cannot be done now."""


@router.post("/runs/{run_id}/cancellation", response=ANSWERS, summary="Cancel a run")
def cancel_run(request: SignedIn, run_id: UUID, said: ReasonIn) -> dict[str, Any]:
    """It ends at its next step or wait, undoes what it did, and ends what stands below it."""
    return operate(services.cancel_run, request, run_id, said)


@router.post("/runs/{run_id}/force_end", response=ANSWERS, summary="End a run at once")
def force_end_run(request: SignedIn, run_id: UUID, said: ReasonIn) -> dict[str, Any]:
    """It ends with all below it, also in a worker's hands; nothing is undone."""
    return operate(services.force_end_run, request, run_id, said)


@router.post("/runs/{run_id}/pause", response=ANSWERS, summary="Pause a run")
def pause_run(request: SignedIn, run_id: UUID, said: ReasonIn) -> dict[str, Any]:
    """No worker takes it up; answers are kept, deadlines pass, its children go on."""
    return operate(services.pause_run, request, run_id, said)


@router.post("/runs/{run_id}/unpause", response=ANSWERS, summary="Let a paused run go on")
def unpause_run(request: SignedIn, run_id: UUID, said: ReasonIn) -> dict[str, Any]:
    """It goes on from where it stood, with what has come meanwhile."""
    return operate(services.unpause_run, request, run_id, said)


@router.post("/runs/{run_id}/retry", response=ANSWERS, summary="Retry a run")
def retry_run(request: SignedIn, run_id: UUID, said: ReasonIn) -> dict[str, Any]:
    """What failed or is quarantined goes on from where it stands; what is kept stays kept."""
    return operate(services.retry_run, request, run_id, said)


def operate(
    act: Callable[..., str], request: SignedIn, run_id: UUID, said: ReasonIn
) -> dict[str, Any]:
    try:
        services.find_operable(run_id, by=request.user)
    except Run.DoesNotExist:
        raise Http404 from None
    reason = services.checked_reason(said.reason)
    told = act(run_id, by=request.user, reason=reason)
    return {"told": told, "run": Run.objects.get(pk=run_id)}
