"""Requests and responses as the API returns them."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field, StrictBool

from chat.channels.registry import channels_taking
from chat.models import HumanRequest, HumanResponse
from chat.services.silence import silence_of
from procedures.engine.kinds import Control
from procedures.schemas import Body, ErrorOut, ReasonIn, Word


class ResponseIn(Body):
    """An answer: a value that fits the request's schema, and a comment."""

    value: Any = Field(description="Fits the request's `schema`.")
    comment: str = ""
    confirm: StrictBool = Field(
        default=False,
        description="true says that this very value is meant: needed where the request is"
        " `irreversible`. Ask the person first.",
    )


class ResponseOut(Schema):
    """A person's answer."""

    request_id: UUID
    value: Any
    comment: str
    user: str
    at: datetime
    channel: str = Field(description='Where it came from, such as "page", "chat" or "api".')

    @staticmethod
    def resolve_value(response: HumanResponse) -> Any:
        return json.loads(response.value)

    @staticmethod
    def resolve_user(response: HumanResponse) -> str:
        return response.user.get_username()


class RequestOut(Schema):
    """A question to people, and its outcome."""

    id: UUID
    run_id: UUID
    session_id: UUID
    procedure: str
    kind: str
    prompt: str
    status: str
    outcome: str
    assigned: list[str] = Field(description='Who may answer: "finance", "@name", "perm:app.code".')
    due_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str = Field(description='Who closed it: a user name, or "system: deadline".')
    closed_why: str = Field(description="Why it is not asked any more, as a sentence.")

    @staticmethod
    def resolve_run_id(request: HumanRequest) -> UUID:
        return request.wait.run_id

    @staticmethod
    def resolve_procedure(request: HumanRequest) -> str:
        return request.wait.run.procedure.name

    @staticmethod
    def resolve_assigned(request: HumanRequest) -> list[str]:
        return [str(assignment) for assignment in request.assignments.all()]

    @staticmethod
    def resolve_due_at(request: HumanRequest) -> datetime | None:
        return request.wait.due_at


class ChoiceOut(Schema):
    """A value that a control offers."""

    value: Any
    label: str


class ControlOut(Schema):
    """A part of the form by which people answer."""

    control: str = Field(description='"buttons", "fields", "options", "editor", or a site\'s own.')
    at: str = Field(description='The property of the answer that it says; "" for all of it.')
    choices: list[ChoiceOut] = Field(description="The values that it offers, if it offers some.")

    @staticmethod
    def resolve_control(control: Control) -> str:
        return control.name

    @staticmethod
    def resolve_choices(control: Control) -> list[dict[str, Any]]:
        return [{"value": value, "label": label} for value, label in control.choices]


class RequestDetailOut(RequestOut):
    """A question with everything a person needs to answer it."""

    body: str = Field(description="Markdown.")
    evidence: Any
    draft: str | None = Field(description="The text to be reviewed.")
    value_schema: dict[str, Any] = Field(
        serialization_alias="schema", description="JSON Schema of the value of an answer."
    )
    irreversible: bool = Field(description="An answer needs `confirm`, and can't be undone.")
    labels: dict[str, str] = Field(description="Words for values, by the value as a text.")
    controls: list[ControlOut] = Field(description="What people answer it by, on a page.")
    channels: list[str] = Field(description="The names of the channels that take its answer.")
    silence: str = Field(description="What happens when nobody answers.")
    note: str
    responses: list[ResponseOut]

    @staticmethod
    def resolve_body(request: HumanRequest) -> str:
        return request.asked.body

    @staticmethod
    def resolve_evidence(request: HumanRequest) -> Any:
        return request.asked.evidence

    @staticmethod
    def resolve_draft(request: HumanRequest) -> str | None:
        return request.asked.draft

    @staticmethod
    def resolve_value_schema(request: HumanRequest) -> dict[str, Any]:
        return request.asked.schema

    @staticmethod
    def resolve_irreversible(request: HumanRequest) -> bool:
        return request.asked.irreversible

    @staticmethod
    def resolve_labels(request: HumanRequest) -> dict[str, str]:
        return request.asked.labels

    @staticmethod
    def resolve_controls(request: HumanRequest) -> list[Control]:
        return request.asked.controls

    @staticmethod
    def resolve_channels(request: HumanRequest) -> list[str]:
        return channels_taking(request.asked)

    @staticmethod
    def resolve_silence(request: HumanRequest) -> str:
        return silence_of(request)


class RequestPage(Schema):
    """A page of requests, newest first."""

    items: list[RequestOut]
    next: UUID | None


class ReassignIn(ReasonIn):
    """The new assignee and the reason."""

    to: Word = Field("", description='Needed: a group, or a user as "@name".')
    allow_unanswerable: bool = Field(
        default=False, description="Reassign it also to a group in which nobody is active."
    )


class ReassignedOut(Schema):
    """A reassigned request, with a sentence about it."""

    message: str = Field(description="What was done, in a sentence.")
    request: RequestOut


class ClosedOut(ErrorOut):
    """A closed request: who answered it, and when."""

    answered_by: str = Field(description='A user name, or "system: deadline".')
    answered_at: datetime
