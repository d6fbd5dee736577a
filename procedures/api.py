"""Routes for procedures and runs."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Status

from procedures import access, reported_state, services
from procedures.access import SignedIn
from procedures.engine.journal.events import RunStatus
from procedures.file_responses import BINARY, FILE_ANSWER, file_response
from procedures.files import whole_content, whole_text
from procedures.inputs import read_inputs
from procedures.models import Procedure, Run, Signal
from procedures.paging import PAGE, Limit, Page, light, page, page_of_runs
from procedures.run_lists import RunList
from procedures.run_schemas import RunDetailOut, RunPage, note_new
from procedures.schemas import (
    KEY,
    EventOut,
    EventPage,
    ProcedureDetailOut,
    ProcedurePage,
    SignalDetailOut,
    SignalIn,
    SignalOut,
    Word,
    refusals,
)

router = Router()
INPUTS_BODY: dict[str, Any] = {
    "requestBody": {
        "description": "The inputs by name, as `GET /api/procedures/{name}` describes them. "
        "Inputs of format binary are files; to send them, use multipart/form-data. A file inside "
        "another input is sent under its path, such as `order.scan` or `lines.0.scan`.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "additionalProperties": {"anyOf": [BINARY, {"type": "string"}]},
                }
            },
        },
    }
}


@router.get(
    "/procedures", response={200: ProcedurePage, **refusals(422)}, summary="Procedures you may see"
)
def list_procedures(request: SignedIn, after: Word | None = None, limit: Limit = PAGE) -> Page:
    return page(access.visible_procedures(request.user), by="name", after=after, limit=limit)


@router.get(
    "/procedures/{name}",
    response={200: ProcedureDetailOut, **refusals(404)},
    summary="A procedure's inputs",
)
def get_procedure(request: SignedIn, name: Word) -> Procedure:
    return get_object_or_404(access.visible_procedures(request.user), name=name)


@router.post(
    "/procedures/{name}/runs",
    response={201: RunDetailOut, 200: RunDetailOut, **refusals(400, 403, 404, 413, 422, 429)},
    summary="Start a run",
    openapi_extra=INPUTS_BODY,
)
def start_run(request: SignedIn, name: Word, idempotency_key: Word = KEY) -> Status[Run]:
    """Start a run, and return it with status 201.

    If you have used this `Idempotency-Key` for this procedure before, return the run that was
    started then, with status 200.
    """
    return start(request, name, idempotency_key)


def start(
    request: SignedIn, name: str, idempotency_key: str, *, place: object = None
) -> Status[Run]:
    """Start a run with the inputs in the request's body.

    `place` has the same meaning as for `services.start_run`. Users who may not see the procedure
    get status 404.
    """
    try:
        found = services.find_startable(
            name,
            by=request.user,
            idempotency_key=idempotency_key,
            program=access.program_of(request),
        )
    except services.CANT_BE_STARTED:
        # Only users who may see the procedure learn why it can't be started.
        get_object_or_404(access.visible_procedures(request.user), name=name)
        raise
    started = services.start_found(found, read_inputs(request, found.definition), place=place)
    if not started.is_new:
        return Status(200, Run.objects.with_head().get(pk=started.run.pk))
    note_new(started.run, started.files)
    return Status(201, started.run)


@router.get(
    "/runs", response={200: RunPage, **refusals(422)}, summary="Runs you may see, newest first"
)
def list_runs(
    request: SignedIn,
    status: RunStatus | None = None,
    procedure: Word | None = None,
    parent: UUID | None = None,
    after: UUID | None = None,
    limit: Limit = PAGE,
) -> Page:
    """Return the runs you may see; with `parent`, only the child runs of this run."""
    runs = RunList(request.user, status or "", procedure or "", parent)
    return page_of_runs(runs, after=after, limit=limit)


@router.get("/runs/{run_id}", response={200: RunDetailOut, **refusals(404)}, summary="A run")
def get_run(request: SignedIn, run_id: UUID) -> Run:
    return get_object_or_404(access.visible_runs(request.user).with_head(), pk=run_id)


@router.get(
    "/runs/{run_id}/events",
    response={200: EventPage, **refusals(404, 422)},
    summary="A run's journal",
)
def list_events(request: SignedIn, run_id: UUID, after: int = 0, limit: Limit = PAGE) -> Page:
    """Return a page of events, with fewer events than `limit` if the events are large.

    `next` in the response is the `after` of the next page.
    """
    run = get_object_or_404(access.visible_runs(request.user), pk=run_id)
    following = run.events.filter(seq__gt=after).order_by("seq")
    limit = light(following, "data", limit=limit)
    return page(run.events.all(), by="seq", after=after, limit=limit)


@router.get(
    "/runs/{run_id}/inputs", response={200: Any, **refusals(404, 410)}, summary="A run's inputs"
)
def get_inputs(request: SignedIn, run_id: UUID) -> HttpResponse:
    """Return all inputs as JSON, however large they are."""
    run = get_object_or_404(access.visible_runs(request.user), pk=run_id)
    return HttpResponse(whole_text(run.inputs), content_type="application/json")


@router.get(
    "/runs/{run_id}/result", response={200: Any, **refusals(404, 410)}, summary="A run's result"
)
def get_result(request: SignedIn, run_id: UUID) -> HttpResponse:
    """Return the whole result as JSON, however large it is; 404 if the run has no result."""
    run = get_object_or_404(access.visible_runs(request.user), pk=run_id)
    if run.result is None:
        raise Http404
    return HttpResponse(whole_text(run.result), content_type="application/json")


@router.get(
    "/runs/{run_id}/state", response={200: Any, **refusals(404, 410)}, summary="A run's state"
)
def get_state(request: SignedIn, run_id: UUID) -> dict[str, Any]:
    """Return all values of the run's `ctx.state`, keyed by name, however large they are."""
    return reported_state.state_of(get_object_or_404(access.visible_runs(request.user), pk=run_id))


@router.get(
    "/runs/{run_id}/events/{int:seq}",
    response={200: EventOut, **refusals(404, 410)},
    summary="An event of a run",
)
def get_event(request: SignedIn, run_id: UUID, seq: int) -> dict[str, Any]:
    """Return an event with all its values, including large ones.

    In lists of events, each large value is replaced by its digest.
    """
    run = get_object_or_404(access.visible_runs(request.user), pk=run_id)
    event = get_object_or_404(run.events, seq=seq)
    columns = {name: getattr(event, name) for name in ("seq", "kind", "key", "name", "at")}
    return {**columns, "data": whole_content(event.content)}


@router.get(
    "/runs/{run_id}/artifacts/{name}",
    response={200: None, **refusals(404, 410)},
    summary="A file of a run",
    openapi_extra=FILE_ANSWER,
)
def get_artifact(request: SignedIn, run_id: UUID, name: Word) -> HttpResponse:
    """Return the newest of the run's files with this name, always as a download."""
    run = get_object_or_404(access.visible_runs(request.user), pk=run_id)
    file = get_object_or_404(run.artifacts.filter(name=name).order_by("-pk")[:1]).as_file()
    return file_response(file)


@router.post(
    "/runs/{run_id}/signals/{name}",
    response={201: SignalOut, 200: SignalOut, **refusals(400, 403, 404, 413, 422)},
    summary="Send a signal",
)
def send_signal(request: SignedIn, run_id: UUID, name: Word, sent: SignalIn) -> Status[Signal]:
    """Send a named message to a run. It is stored until the run waits for a signal of this name.

    If a signal with this name and `id` was sent before, nothing is stored, and that signal is
    returned with status 200. Returns 422 if the run is waiting for the signal already and can't
    accept the value. A value that is sent earlier is checked when the run begins to wait, and is
    skipped if it doesn't fit; `GET /api/signals/{number}` shows that.
    """
    run = get_object_or_404(access.visible_runs(request.user), pk=run_id)
    signal = services.Sent(name, sent.id, sent.value)
    kept, is_new = services.send_signal(run.pk, signal, by=request.user)
    return Status(201 if is_new else 200, kept)


@router.get(
    "/signals/{number}",
    response={200: SignalDetailOut, **refusals(404)},
    summary="A signal",
)
def get_signal(request: SignedIn, number: int) -> Signal:
    """Return a signal if you may see its run.

    `number` is in the response to the request that sent the signal.
    """
    seen = access.is_visible(request.user, "run")
    return get_object_or_404(Signal.objects.filter(seen), pk=number)
