"""The API's schemas for a run and its parts."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from ninja import Schema
from pydantic import Field

from procedures import access, hooks, reported_state
from procedures.engine.journal.large import place_of
from procedures.engine.values.files import File
from procedures.models import Artifact, Event, Run, Wait
from procedures.paging import Page, page
from procedures.schemas import for_reader

FILES = "_files"
"""The attribute that holds the files of a run that was just started."""
NOTHING_REPORTED = reported_state.ReportedState({}, None, None)
MOST_CHILDREN = MOST_REQUESTS = 50
"""The maximum number of child runs, and of open requests, in the response about one run."""


class ArtifactOut(Schema):
    """A file of a run."""

    name: str
    size: int = Field(description="The size in bytes.")
    content_type: str
    digest: str = Field(description="SHA-256 of the content.")


class WaitOut(Schema):
    """An open wait of a run."""

    kind: str
    key: str
    due_at: datetime | None
    reason: str = Field(description="The author's reason for waiting for a timer or signal.")


class WorkingOut(Schema):
    """A step that has been running for over a second."""

    step: str
    attempt: int
    since: datetime


class RunOut(Schema):
    """A run of a procedure."""

    id: UUID
    procedure: str
    title: str = Field(description="The title of the procedure.")
    subject: str = Field(
        description="The line that distinguishes the run from others; without one, the procedure's"
        " title."
    )
    status: str
    started_by: str | None
    created_at: datetime
    ended_at: datetime | None

    @staticmethod
    def resolve_procedure(run: Run) -> str:
        return run.procedure.name

    @staticmethod
    def resolve_title(run: Run) -> str:
        return run.procedure.title

    @staticmethod
    def resolve_subject(run: Run) -> str:
        return run.heading

    @staticmethod
    def resolve_started_by(run: Run) -> str | None:
        return run.started_by.get_username() if run.started_by else None


class RunPage(Schema):
    """A page of runs, newest first."""

    items: list[RunOut]
    next: UUID | None


class StageOut(Schema):
    """The stage of the procedure that a run has reached."""

    name: str
    since: datetime

    @staticmethod
    def resolve_name(event: Event) -> str:
        return str(event.content["stage"])

    @staticmethod
    def resolve_since(event: Event) -> datetime:
        return event.at


class ProgressOut(Schema):
    """The run's latest progress, from its code or one of its steps."""

    step: str | None = Field(description="The key of the step; null for the code between steps.")
    text: str
    done: float | None
    total: float | None = Field(description="The total that `done` counts up to; null if unknown.")
    at: datetime

    @staticmethod
    def resolve_step(event: Event) -> str | None:
        return event.key if "attempt" in event.content else None

    @staticmethod
    def resolve_text(event: Event) -> str:
        return str(event.content["text"])

    @staticmethod
    def resolve_done(event: Event) -> float | None:
        return event.content.get("done")

    @staticmethod
    def resolve_total(event: Event) -> float | None:
        return event.content.get("total")


class OpenRequestOut(Schema):
    """An open question of a run to people."""

    id: UUID
    key: str = Field(description="The key of the run's wait for the answer.")
    kind: str
    prompt: str
    assigned: list[str] = Field(description='The assignees: "finance", "@name", "perm:app.code".')
    due_at: datetime | None


def address_of(route: str, run: Run, context: Any) -> str:
    """Return the address of another route about the run: "/api/runs/…/result" for `get_result`.

    It has the same prefix as the address of the current request.
    """
    match = context["request"].resolver_match
    return reverse(f"{match.namespace}:{route}", args=[run.pk])


def visible_id(run: UUID | None, context: Any) -> UUID | None:
    """Return the id of a related run if the caller may see this run, else None."""
    if run is None:
        return None
    seen = access.visible_runs(context["request"].user)
    return run if seen.filter(pk=run).exists() else None


class RunDetailOut(RunOut):
    """A run with all its details, except its journal."""

    version: str
    parent: UUID | None = Field(
        description="The run that started this one as its child, if you may see it."
    )
    origin: UUID | None = Field(
        description="The run that this one is a restart or a fork of, if you may see it."
    )
    forked_at: str = Field(description="The key at which a fork begins; empty for a restart.")
    inputs: Any = Field(description="The inputs, or null if they are large: see `inputs_at`.")
    inputs_at: str | None = Field(
        description="The address of the inputs as JSON; null if they aren't large."
    )
    result: Any = Field(description="The result, or null if it is large: see `result_at`.")
    result_at: str | None = Field(
        description="The address of the result as JSON; null if it isn't large."
    )
    error: dict[str, Any] | None = Field(
        description="The error's type, message and further details."
    )
    state: dict[str, Any] | None = Field(
        description="The values of `ctx.state` by name, or null if they are large: see `state_at`."
    )
    state_at: str | None = Field(
        description="The address of the state as JSON; null if it isn't large."
    )
    stage: StageOut | None
    progress: ProgressOut | None
    children: RunPage = Field(
        description="The newest child runs; `GET /api/runs?parent=ID` lists all."
    )
    requests: list[OpenRequestOut] = Field(
        description="The run's open requests that you may see, oldest first, at most "
        f"{MOST_REQUESTS}; `GET /api/requests?run=ID&status=open` lists them all."
    )
    waits: list[WaitOut]
    working: WorkingOut | None
    artifacts: list[ArtifactOut]
    last_seq: int = Field(description="The number of the newest event in the journal.")

    @staticmethod
    def resolve_version(run: Run) -> str:
        return run.version.version

    @staticmethod
    def resolve_parent(run: Run, context: Any) -> UUID | None:
        return visible_id(run.parent_id, context)

    @staticmethod
    def resolve_origin(run: Run, context: Any) -> UUID | None:
        return visible_id(run.origin_id, context)

    @staticmethod
    def resolve_inputs(run: Run) -> Any:
        return None if place_of(run.inputs) else json.loads(run.inputs)

    @staticmethod
    def resolve_inputs_at(run: Run, context: Any) -> str | None:
        return address_of("get_inputs", run, context) if place_of(run.inputs) else None

    @staticmethod
    def resolve_result(run: Run) -> Any:
        is_here = run.result is not None and not place_of(run.result)
        return json.loads(str(run.result)) if is_here else None

    @staticmethod
    def resolve_result_at(run: Run, context: Any) -> str | None:
        return address_of("get_result", run, context) if place_of(run.result) else None

    @staticmethod
    def resolve_state(run: Run) -> dict[str, Any] | None:
        return _standing_of(run).state

    @staticmethod
    def resolve_state_at(run: Run, context: Any) -> str | None:
        return address_of("get_state", run, context) if _standing_of(run).state is None else None

    @staticmethod
    def resolve_stage(run: Run) -> Event | None:
        return _standing_of(run).stage

    @staticmethod
    def resolve_progress(run: Run) -> Event | None:
        return _standing_of(run).progress

    @staticmethod
    def resolve_children(run: Run, context: Any) -> Page:
        if is_new(run):
            return {"items": [], "next": None}
        seen = access.visible_runs(context["request"].user).for_lists().defer("error")
        return page(seen.filter(parent_wait__run=run), by="-id", limit=MOST_CHILDREN)

    @staticmethod
    def resolve_requests(run: Run, context: Any) -> list[Any]:
        if is_new(run):
            return []
        user = context["request"].user
        return [one for find in hooks.open_requests for one in find(run, user, MOST_REQUESTS)]

    @staticmethod
    def resolve_error(run: Run, context: Any) -> Any:
        return for_reader(json.loads(run.error), run.pk, context) if run.error else None

    @staticmethod
    def resolve_waits(run: Run) -> list[Wait]:
        return [] if is_new(run) else list(run.waits.open().with_reasons())

    @staticmethod
    def resolve_working(run: Run) -> dict[str, Any] | None:
        if not run.working_on:
            return None
        attempt, since = run.working_attempt, run.working_since
        return {"step": run.working_on, "attempt": attempt, "since": since}

    @staticmethod
    def resolve_artifacts(run: Run) -> list[Artifact | File]:
        found: Iterable[Artifact | File] = run.__dict__.get(FILES, run.artifacts.order_by("pk"))
        newest = {artifact.name: artifact for artifact in found}
        return list(newest.values())

    @staticmethod
    def resolve_last_seq(run: Run) -> int:
        return run.head_seq


class OperatedOut(Schema):
    """The result of an operation on a run."""

    message: str = Field(description="A sentence about what was done or will be done.")
    run: RunDetailOut


def note_new(run: Run, files: Sequence[File]) -> None:
    """Attach the files of a run that was just started, so that the response needs no query."""
    run.__dict__[FILES] = files


def is_new(run: Run) -> bool:
    return FILES in run.__dict__


def _standing_of(run: Run) -> reported_state.ReportedState:
    """Return the run's stage, progress and state, read once for all fields of a response."""
    if "_reported" not in run.__dict__:
        run.__dict__["_reported"] = (
            NOTHING_REPORTED if is_new(run) else reported_state.reported_state_of(run)
        )
    found: reported_state.ReportedState = run.__dict__["_reported"]
    return found
