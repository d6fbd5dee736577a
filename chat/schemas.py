"""The API's schemas of requests to people and of answers."""

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

    value: Any = Field(
        description="A value that fits the request's `schema`. In the place of a file stands the"
        " token that `POST /requests/ID/files` has returned."
    )
    comment: str = ""
    confirm: StrictBool = Field(
        default=False,
        description="Must be true if the request is `irreversible`, to confirm exactly this value."
        " Ask the person first.",
    )


class ResponseOut(Schema):
    """A person's answer."""

    request_id: UUID
    value: Any
    comment: str
    user: str
    at: datetime
    channel: str = Field(description='The channel of the answer, such as "page", "chat" or "api".')

    @staticmethod
    def resolve_value(response: HumanResponse) -> Any:
        return json.loads(response.value)

    @staticmethod
    def resolve_user(response: HumanResponse) -> str:
        return response.user.get_username()


class UploadedOut(Schema):
    """A file that was sent for an answer."""

    token: str = Field(description="Stands for the file in the answer's `value`.")
    name: str
    digest: str = Field(description="SHA-256 of the content.")
    size: int
    content_type: str


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
    assigned: list[str] = Field(description='The assignees: "finance", "@name", "perm:app.code".')
    due_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str = Field(description='The user who closed the request, or "system: deadline".')
    closed_why: str = Field(
        description="The reason why the request was withdrawn, as a sentence; else empty."
    )

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
    description: str


class ControlOut(Schema):
    """A part of the form by which people answer."""

    control: str = Field(
        description='"buttons", "fields", "options", "editor", "uploads", or a site\'s own.'
    )
    at: str = Field(
        description='The property of the answer that the control sets; "" for the whole answer.'
    )
    choices: list[ChoiceOut] = Field(
        description="The values to choose from; empty if there are none."
    )

    @staticmethod
    def resolve_control(control: Control) -> str:
        return control.name

    @staticmethod
    def resolve_choices(control: Control) -> list[dict[str, Any]]:
        return [
            {"value": value, "label": label, "description": control.describe(value)}
            for value, label in control.choices
        ]


class RequestDetailOut(RequestOut):
    """A question with everything a person needs to answer it."""

    body: str = Field(description="The question's body as Markdown.")
    evidence: Any
    draft: str | None = Field(description="The text, the JSON or the file to be reviewed.")
    shown_as: str = Field(
        description='How the draft is shown: "markdown", "code", "table", "file", or "".'
    )
    value_schema: dict[str, Any] = Field(
        serialization_alias="schema", description="The JSON Schema of an answer's value."
    )
    irreversible: bool = Field(description="True if an answer can't be undone and needs `confirm`.")
    labels: dict[str, str] = Field(description="The labels of values, by the value as text.")
    controls: list[ControlOut] = Field(description="The controls of the form on the page.")
    channels: list[str] = Field(description="The names of the channels that accept an answer.")
    silence: str = Field(description="A sentence about what happens if nobody answers.")
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
    def resolve_shown_as(request: HumanRequest) -> str:
        return request.asked.shown_as

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

    to: Word = Field("", description='Required: a group, or a user as "@name".')
    allow_unanswerable: bool = Field(
        default=False, description="True to allow a group without an active member."
    )


class ReassignedOut(Schema):
    """A reassigned request, with a sentence about it."""

    message: str = Field(description="A sentence about what was done.")
    request: RequestOut


class ClosedOut(ErrorOut):
    """A closed request: who answered it, and when."""

    answered_by: str = Field(description='A user name, or "system: deadline".')
    answered_at: datetime
