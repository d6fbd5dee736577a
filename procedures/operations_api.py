"""Routes for operations on runs: each requires a reason and returns a sentence."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404
from ninja import Router, Status

from procedures import access, services
from procedures.access import SignedIn, program_of
from procedures.models import Installation, Run
from procedures.run_schemas import OperatedOut, RunDetailOut
from procedures.schemas import (
    KEY,
    ErrorOut,
    ForkIn,
    HealthOut,
    ReasonIn,
    RestartIn,
    Word,
    refusals,
)

router = Router()
ANSWERS: dict[int, type[OperatedOut | ErrorOut]] = {
    200: OperatedOut,
    **refusals(400, 403, 404, 409, 413, 422),
}
"""The responses of each route. Status 409 says why the operation isn't possible now."""
NEW_RUNS: dict[int, type[RunDetailOut | ErrorOut]] = {
    201: RunDetailOut,
    200: RunDetailOut,
    **refusals(400, 403, 404, 409, 410, 413, 422, 429),
}


@router.get(
    "/health", response={200: HealthOut, **refusals(404)}, summary="Get the health of the site"
)
def read_health(request: SignedIn) -> dict[str, Any]:
    """Return the site's problems, its last sweep, and the runs that workers are working on.

    Users who operate no procedure get status 404.
    """
    if not access.is_operator(request.user):
        raise Http404
    working = services.slots()
    found = services.complaints(working=working)
    return {
        "is_well": not found,
        "complaints": found,
        "swept_at": Installation.current().swept_at,
        "slots": working,
    }


@router.post("/runs/{run_id}/cancellation", response=ANSWERS, summary="Cancel a run")
def cancel_run(request: SignedIn, run_id: UUID, body: ReasonIn) -> dict[str, Any]:
    """Cancel a run at its next step or wait; the run's compensations are called.

    Its child runs end too. The person who started the run may cancel it as well, unless some group
    has the role "cancel" on its procedure.
    """
    reason = reason_of(request, run_id, body, find=services.find_cancellable)
    message = services.cancel_run(run_id, by=request.user, reason=reason)
    return {"message": message, "run": Run.objects.with_head().get(pk=run_id)}


@router.post("/runs/{run_id}/force_end", response=ANSWERS, summary="End a run at once")
def force_end_run(request: SignedIn, run_id: UUID, body: ReasonIn) -> dict[str, Any]:
    """End a run and all its child runs at once, even if workers hold them.

    The compensations of these runs aren't called.
    """
    return operate(services.force_end_run, request, run_id, body)


@router.post("/runs/{run_id}/pause", response=ANSWERS, summary="Pause a run")
def pause_run(request: SignedIn, run_id: UUID, body: ReasonIn) -> dict[str, Any]:
    """Pause a run until it is unpaused; no worker advances it meanwhile.

    Answers are stored, deadlines pass, and child runs continue.
    """
    return operate(services.pause_run, request, run_id, body)


@router.post("/runs/{run_id}/unpause", response=ANSWERS, summary="Resume a paused run")
def unpause_run(request: SignedIn, run_id: UUID, body: ReasonIn) -> dict[str, Any]:
    """Let a paused run continue from where it stopped, with everything that has arrived since."""
    return operate(services.unpause_run, request, run_id, body)


@router.post("/runs/{run_id}/retry", response=ANSWERS, summary="Retry a run")
def retry_run(request: SignedIn, run_id: UUID, body: ReasonIn) -> dict[str, Any]:
    """Continue a failed or quarantined run from where it stopped; stored results are reused."""
    return operate(services.retry_run, request, run_id, body)


@router.post("/runs/{run_id}/restart", response=NEW_RUNS, summary="Restart a run")
def restart_run(
    request: SignedIn, run_id: UUID, body: RestartIn, idempotency_key: Word = KEY
) -> Status[Run]:
    """Start a new run of the same procedure, and return it with status 201.

    The old run isn't changed. If you have used this `Idempotency-Key` for this procedure before,
    the run that was started then is returned, with status 200. You need permission to start the
    procedure.
    """
    reason = reason_of(request, run_id, body)
    run, is_new = services.restart_run(
        run_id,
        by=request.user,
        reason=reason,
        inputs=body.inputs,
        idempotency_key=idempotency_key,
        program=program_of(request),
    )
    return Status(201, run) if is_new else Status(200, Run.objects.with_head().get(pk=run.pk))


@router.post("/runs/{run_id}/fork", response=NEW_RUNS, summary="Fork a run")
def fork_run(
    request: SignedIn, run_id: UUID, body: ForkIn, idempotency_key: Word = KEY
) -> Status[Run]:
    """Start a new run that branches off at a step of this run, and return it with status 201.

    This run isn't changed. Everything that it did before the step is copied and isn't repeated. If
    you have used this `Idempotency-Key` for this procedure before, the run that was started then is
    returned, with status 200. The status is 422 if this run hasn't reached the step since it last
    continued as new, and 409 if this run can't be forked.
    """
    reason = reason_of(request, run_id, body)
    parting = services.ForkPoint(str(body.at), body.inputs, body.keep_answers)
    run, is_new = services.fork_run(
        run_id,
        parting,
        by=request.user,
        reason=reason,
        idempotency_key=idempotency_key,
        program=program_of(request),
    )
    return Status(201, run) if is_new else Status(200, Run.objects.with_head().get(pk=run.pk))


def operate(
    act: Callable[..., str], request: SignedIn, run_id: UUID, body: ReasonIn
) -> dict[str, Any]:
    message = act(run_id, by=request.user, reason=reason_of(request, run_id, body))
    return {"message": message, "run": Run.objects.with_head().get(pk=run_id)}


def reason_of(
    request: SignedIn,
    run_id: UUID,
    body: ReasonIn,
    *,
    find: Callable[..., Run] = services.find_operable,
) -> str:
    """Return the reason if `find` returns the run and the reason isn't empty or too long.

    Raises 404 if the user can't see the run.
    """
    try:
        find(run_id, by=request.user)
    except Run.DoesNotExist:
        raise Http404 from None
    return services.checked_reason(body.reason)
