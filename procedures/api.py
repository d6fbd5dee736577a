"""Procedures and runs over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from ninja import Header, Router, Status

from procedures import access, registry, services
from procedures.access import SignedIn
from procedures.engine.files import file_desk
from procedures.engine.journal import RunStatus
from procedures.files import ContentStore
from procedures.inputs import read_inputs
from procedures.models import Procedure, Run
from procedures.paging import PAGE, Page, page
from procedures.schemas import (
    EventPage,
    ProcedureDetailOut,
    ProcedurePage,
    RunDetailOut,
    RunPage,
)

router = Router()
INPUTS_BODY: dict[str, Any] = {
    "requestBody": {
        "description": "The procedure's inputs by name; files as multipart/form-data.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "multipart/form-data": {"schema": {"type": "object"}},
        },
    }
}


@router.get("/procedures", response=ProcedurePage, summary="Procedures you may see")
def list_procedures(request: SignedIn, after: str | None = None, limit: int = PAGE) -> Page:
    return page(access.visible_procedures(request.user), by="name", after=after, limit=limit)


@router.get("/procedures/{name}", response=ProcedureDetailOut, summary="A procedure's inputs")
def get_procedure(request: SignedIn, name: str) -> Procedure:
    return get_object_or_404(access.visible_procedures(request.user), name=name)


@router.post(
    "/procedures/{name}/runs",
    response={201: RunDetailOut, 200: RunDetailOut},
    summary="Start a run",
    openapi_extra=INPUTS_BODY,
)
def start_run(
    request: SignedIn, name: str, idempotency_key: Annotated[str, Header(max_length=200)] = ""
) -> Status[Run]:
    """201 with the new run; the same `Idempotency-Key` again gives the same run and 200."""
    procedure = get_object_or_404(access.visible_procedures(request.user), name=name)
    inputs = read_inputs(request, registry.find(procedure.name))
    run, is_new = services.start_run(
        procedure.name, inputs, by=request.user, idempotency_key=idempotency_key
    )
    return Status(201 if is_new else 200, run)


@router.get("/runs", response=RunPage, summary="Runs you may see, newest first")
def list_runs(
    request: SignedIn,
    status: RunStatus | None = None,
    procedure: str | None = None,
    after: UUID | None = None,
    limit: int = PAGE,
) -> Page:
    runs = access.visible_runs(request.user).select_related("procedure", "started_by")
    if status:
        runs = runs.filter(status=status)
    if procedure:
        runs = runs.filter(procedure__name=procedure)
    return page(runs, by="-id", after=after, limit=limit)


@router.get("/runs/{run_id}", response=RunDetailOut, summary="A run")
def get_run(request: SignedIn, run_id: UUID) -> Run:
    return get_object_or_404(access.visible_runs(request.user), pk=run_id)


@router.get("/runs/{run_id}/events", response=EventPage, summary="A run's journal")
def list_events(request: SignedIn, run_id: UUID, after: int = 0, limit: int = PAGE) -> Page:
    run = get_object_or_404(access.visible_runs(request.user), pk=run_id)
    return page(run.events.all(), by="seq", after=after, limit=limit)


@router.get("/runs/{run_id}/artifacts/{name}", summary="A file of a run")
def get_artifact(request: SignedIn, run_id: UUID, name: str) -> HttpResponse:
    """The newest file of that name, always as a download."""
    run = get_object_or_404(access.visible_runs(request.user), pk=run_id)
    file = get_object_or_404(run.artifacts.filter(name=name).order_by("-pk")[:1]).as_file()
    with file_desk(ContentStore()):
        content = file.read()
    disposition = content_disposition_header(as_attachment=True, filename=file.name)
    return HttpResponse(
        content,
        content_type=file.content_type,
        headers={"Content-Disposition": disposition or "attachment"},
    )
