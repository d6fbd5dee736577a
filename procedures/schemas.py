"""The API's schemas for procedures, events, signals and errors."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from ninja.params.functions import Header
from pydantic import AfterValidator, ConfigDict, Field

from procedures import access, registry
from procedures.engine.journal.error_payloads import without_traceback
from procedures.models import Event, Procedure, Run, Signal


def without_nul(text: str) -> str:
    """Return the text; raise `ValueError` if it contains NUL, which PostgreSQL refuses."""
    if "\0" in text:
        raise ValueError("contains characters that can't be stored.")
    return text


Word = Annotated[str, AfterValidator(without_nul)]
"""A text without NUL characters, so that it can be used in a query."""
KEY: Any = Header(
    "",
    alias="Idempotency-Key",
    max_length=200,
    description="A repeated key with the same inputs returns the same run; with other inputs, it is"
    " refused.",
)


class Body(Schema):
    """A request's JSON body. Unknown names in it are refused, because they would have no effect."""

    model_config = ConfigDict(extra="forbid")


class FaultOut(Schema):
    """A fault in one field of the request's body."""

    field: str
    message: str


class ErrorOut(Schema):
    """A sentence about why a request was refused."""

    detail: str
    faults: list[FaultOut] = Field([], description="For status 422: the errors of each field.")


class ComplaintOut(Schema):
    """A part of the site that fails, and a sentence about it."""

    part: str
    message: str = Field(description="A sentence that says what doesn't work and how to fix it.")


class SlotOut(Schema):
    """A run that a worker is working on."""

    run: UUID
    procedure: str
    since: datetime | None = Field(
        description="The time when the current step began; between steps, the time when the code"
        " last reached a step or a wait."
    )
    step: str = Field(description="The key of the step; empty between steps.")
    is_stuck: bool = Field(
        description="True if the code has reached no step and no wait for RUN_SILENT_SECONDS."
    )


class HealthOut(Schema):
    """The health of the site."""

    slots: list[SlotOut]

    is_well: bool
    complaints: list[ComplaintOut]
    swept_at: datetime | None = Field(
        description="The time at which the clock process last looked for due work."
    )


def refusals(*statuses: int) -> dict[int, type[ErrorOut]]:
    """Return the schema of a route's error responses, keyed by the HTTP status."""
    return dict.fromkeys((*statuses, 401, 500), ErrorOut)


def for_reader(content: dict[str, Any], run_id: UUID, context: Any) -> dict[str, Any]:
    """Return an event's data, without its traceback unless the user may operate the run."""
    if "traceback" not in content:
        return content
    request = context["request"]
    known = request.__dict__.setdefault("operated_runs", {})
    if run_id not in known:
        run = Run.objects.select_related("procedure").get(pk=run_id)
        known[run_id] = access.may_operate(request.user, run)
    return content if known[run_id] else without_traceback(content)


class ProcedureOut(Schema):
    """A procedure that you may see."""

    name: str
    title: str
    doc: str
    version: str | None = Field(description="The version of the code, new after each change.")
    file: str = Field("", description="The file that defines the procedure; empty for Python code.")
    fault: str = Field(
        "",
        description="Why the procedure's file can't be read, so that no run can start; else empty.",
    )

    @staticmethod
    def resolve_doc(procedure: Procedure) -> str:
        definition = registry.find(procedure.name)
        return definition.doc if definition else ""

    @staticmethod
    def resolve_version(procedure: Procedure) -> str | None:
        definition = registry.find(procedure.name)
        return definition.version if definition else None

    @staticmethod
    def resolve_file(procedure: Procedure) -> str:
        definition = registry.find(procedure.name)
        return definition.file if definition else ""

    @staticmethod
    def resolve_fault(procedure: Procedure) -> str:
        return "" if registry.find(procedure.name) else registry.broken().get(procedure.name, "")


class ProcedureDetailOut(ProcedureOut):
    """A procedure that you may see, with the JSON Schema of its inputs."""

    inputs: dict[str, Any] | None = Field(
        description="The JSON Schema of the inputs; files have the format binary."
    )

    @staticmethod
    def resolve_inputs(procedure: Procedure) -> dict[str, Any] | None:
        definition = registry.find(procedure.name)
        return definition.schema if definition else None


class EventOut(Schema):
    """An event in a run's journal."""

    seq: int
    kind: str
    key: str
    name: str
    data: dict[str, Any]
    at: datetime

    @staticmethod
    def resolve_data(event: Event | dict[str, Any], context: Any) -> dict[str, Any]:
        if not isinstance(event, Event):
            return without_traceback(event["data"])
        return for_reader(event.content, event.run_id, context)


class ProcedurePage(Schema):
    """A page of procedures, ordered by name."""

    items: list[ProcedureOut]
    next: str | None


class EventPage(Schema):
    """A page of events, ordered by number."""

    items: list[EventOut]
    next: int | None


class SignalIn(Body):
    """A named message to a run."""

    id: Word = Field(
        "",
        max_length=200,
        description="Required. If a signal is sent again with the same id and value, it counts only"
        " once; with another value, it is refused.",
    )
    value: Any = None


class SignalOut(Schema):
    """A stored signal."""

    id: str
    name: str
    number: int = Field(description="The signal's number for `GET /api/signals/{number}`.")

    @staticmethod
    def resolve_id(signal: Signal) -> str:
        return signal.signal_id

    @staticmethod
    def resolve_number(signal: Signal) -> int:
        return signal.pk


class SignalDetailOut(SignalOut):
    """A signal with its status."""

    run: UUID
    value: Any
    error: str = Field(
        description="The error that the waiting code raises instead of getting a value; else empty."
    )
    sender: str
    at: datetime
    status: Literal["kept", "received", "skipped"] = Field(
        description="kept: the run hasn't waited for the signal yet; skipped: the value didn't fit."
    )
    reason: str = Field(description="The reason why the signal was skipped; else empty.")
    wait: str | None = Field(description="The key of the wait that the signal closed, or null.")

    @staticmethod
    def resolve_run(signal: Signal) -> UUID:
        return signal.run_id

    @staticmethod
    def resolve_value(signal: Signal) -> Any:
        return json.loads(signal.value)

    @staticmethod
    def resolve_reason(signal: Signal) -> str:
        return signal.skipped

    @staticmethod
    def resolve_wait(signal: Signal) -> str | None:
        return signal.wait.key if signal.wait else None


class ReasonIn(Body):
    """The reason for an operation."""

    reason: Word = Field("", description="Required; recorded in the run's journal with your name.")


class RestartIn(ReasonIn):
    """The reason for a restart, and the values of inputs that the restart changes."""

    inputs: dict[str, Any] = Field(
        {}, description="Inputs by name that replace the run's own; files can't be replaced."
    )


class ForkIn(RestartIn):
    """The reason for a fork, the position at which it branches off, and what the fork changes."""

    at: Word | int = Field(
        "",
        description="Required: the key of a step, wait or child, or the number of its event.",
    )
    keep_answers: bool = Field(
        default=True,
        description="True to ask people only what has changed; false to ask everything again.",
    )
