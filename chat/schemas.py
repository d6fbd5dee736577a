"""The API's schemas for requests to people, and for answers."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field, StrictBool

from chat.channels.registry import channels_taking
from chat.decision_schemas import EarlierQuestionOut, StandingLimitsIn
from chat.models import HumanRequest, HumanResponse, RequestEvent
from chat.services.changed_values import change_sentences
from chat.services.silence import Rival, rivals_of, silence_of
from procedures.engine.kinds import Control
from procedures.engine.kinds.responses import AskedBack
from procedures.schemas import Body, ErrorOut, ReasonIn, Word


class ResponseIn(Body):
    """An answer to a request: a value that fits the request's schema, and a comment."""

    value: Any = Field(
        description="A value that fits the request's `schema`. In place of a file, send the token"
        " that `POST /requests/ID/files` returned."
    )
    comment: str = ""
    confirm: StrictBool = Field(
        default=False,
        description="Must be true if the request is `irreversible`, to confirm exactly this value."
        " Ask the person first.",
    )
    reason: str = Field(
        default="",
        description="Required if you are an administrator whom the request doesn't ask (a bypass)."
        " You can't do this with a token.",
    )
    also: StandingLimitsIn | None = Field(
        default=None,
        description="How many later requests the answer also decides, and until when, if the"
        " request is `repeatable`. You can't do this with a token.",
    )


class ResponseOut(Schema):
    """A person's answer."""

    request_id: UUID
    value: Any
    comment: str
    user: str
    at: datetime
    channel: str = Field(description='The channel of the answer, such as "page", "chat" or "api".')
    for_user: str | None = Field(description="The person for whom a deputy has answered.")
    effective_at: datetime | None = Field(
        description="The time from which the answer can't be undone; null if it never could be."
    )
    asks_back: bool = Field(
        description="True if the person sent the request back: `comment` says why, and `value` is"
        " null."
    )
    standing: int | None = Field(
        description="The id of the standing decision that gave the answer; null if a person did.",
    )
    reason: str = Field(
        description="The reason of an administrator who wasn't asked (a bypass); else empty."
    )
    undone_at: datetime | None
    is_used: bool = Field(description="False if the run continued before the answer took effect.")

    @staticmethod
    def resolve_standing(response: HumanResponse) -> int | None:
        return response.standing_id

    @staticmethod
    def resolve_for_user(response: HumanResponse) -> str | None:
        return response.for_user.get_username() if response.for_user else None

    @staticmethod
    def resolve_value(response: HumanResponse) -> Any:
        return json.loads(response.value)

    @staticmethod
    def resolve_user(response: HumanResponse) -> str:
        return response.user.get_username()


class UploadedOut(Schema):
    """A file that was sent for an answer or a message."""

    token: str = Field(
        description="The text to send in place of the file: in the answer's `value`, or in the"
        " `files` of a message."
    )
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
    due_at: datetime | None = Field(description="The deadline, at which the request closes.")
    answer_by: datetime | None = Field(
        description="The time by which people should answer; the request stays open after it."
    )
    risk: str = Field(description='"low", "normal" or "high".')
    quorum: int = Field(description="The number of people who have to agree.")
    claimed_by: str | None = Field(description="The user who has claimed the request, if any.")
    effective_at: datetime | None = Field(
        description="The time until which the answer that closed the request can be undone."
    )
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str = Field(description='The user who closed the request, or "system: deadline".')
    closed_why: str = Field(
        description="The reason why the request was withdrawn, as a sentence; else empty."
    )

    @staticmethod
    def resolve_answer_by(request: HumanRequest) -> datetime | None:
        return request.due_at

    @staticmethod
    def resolve_claimed_by(request: HumanRequest) -> str | None:
        return request.claimed_by.get_username() if request.claimed_by else None

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


class RivalOut(Schema):
    """Another wait of the run whose end can close the request before anybody answers."""

    kind: str = Field(description='"timer", "request", "signal", "child" or "map".')
    at: datetime | None = Field(
        description="The time at which that wait ends by itself; null if it doesn't."
    )
    name: str = Field(description="The prompt of a request, or the name of a signal.")


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
    ask_back: bool = Field(
        description="True if people may send the request back instead of answering."
    )
    repeatable: dict[str, Any] | None = Field(
        description="The names in the evidence (`fields`, `at_most`) that are compared to decide"
        " whether an answer also counts for a later request; null if no answer can."
    )
    follows: list[EarlierQuestionOut] = Field(
        description="The earlier versions of the question, which somebody sent back; oldest first."
    )
    irreversible: bool = Field(description="True if an answer can't be undone and needs `confirm`.")
    labels: dict[str, str] = Field(
        description="A label for each value; its keys are the values as text."
    )
    controls: list[ControlOut] = Field(description="The controls of the form on the page.")
    channels: list[str] = Field(description="The names of the channels that accept an answer.")
    conditions: list[str] = Field(
        description="Sentences about who must agree, and what follows an answer."
    )
    ends_with: list[RivalOut] = Field(
        description="The other waits of the run that can end the request before it is answered."
    )
    silence: str = Field(description="A sentence about what happens if nobody answers.")
    note: str
    responses: list[ResponseOut]

    @staticmethod
    def resolve_body(request: HumanRequest) -> str:
        return request.asked.body

    @staticmethod
    def resolve_evidence(request: HumanRequest) -> Any:
        return request.offered.evidence

    @staticmethod
    def resolve_draft(request: HumanRequest) -> str | None:
        return request.asked.draft

    @staticmethod
    def resolve_shown_as(request: HumanRequest) -> str:
        return request.asked.shown_as

    @staticmethod
    def resolve_value_schema(request: HumanRequest) -> dict[str, Any]:
        return request.offered.schema

    @staticmethod
    def resolve_irreversible(request: HumanRequest) -> bool:
        return request.asked.irreversible

    @staticmethod
    def resolve_ask_back(request: HumanRequest) -> bool:
        return request.asked.ask_back

    @staticmethod
    def resolve_repeatable(request: HumanRequest) -> dict[str, Any] | None:
        return request.asked.repeatable

    @staticmethod
    def resolve_follows(request: HumanRequest) -> tuple[AskedBack, ...]:
        return request.asked.follows

    @staticmethod
    def resolve_labels(request: HumanRequest) -> dict[str, str]:
        return request.asked.labels

    @staticmethod
    def resolve_controls(request: HumanRequest) -> list[Control]:
        return request.offered.controls

    @staticmethod
    def resolve_channels(request: HumanRequest) -> list[str]:
        return channels_taking(request.asked)

    @staticmethod
    def resolve_ends_with(request: HumanRequest) -> list[Rival]:
        return rivals_of(request)

    @staticmethod
    def resolve_conditions(request: HumanRequest) -> list[str]:
        return [*request.offered.conditions(), *change_sentences(request)]

    @staticmethod
    def resolve_silence(request: HumanRequest) -> str:
        return silence_of(request)


class RequestEventOut(Schema):
    """An entry in the history of a request."""

    seq: int
    kind: str
    by: str = Field(description='The user, or for example "system: clock".')
    at: datetime
    channel: str
    address: str | None
    reason: str
    right: str = Field(description='The right to answer, such as "member of finance".')
    to: list[str] = Field(
        description="The people whom this event asked, in the format of `assigned`."
    )

    @staticmethod
    def resolve_by(event: RequestEvent) -> str:
        return event.name

    @staticmethod
    def resolve_channel(event: RequestEvent) -> str:
        return str(event.content.get("channel", ""))

    @staticmethod
    def resolve_address(event: RequestEvent) -> str | None:
        return event.content.get("address")

    @staticmethod
    def resolve_reason(event: RequestEvent) -> str:
        return str(event.content.get("reason", ""))

    @staticmethod
    def resolve_right(event: RequestEvent) -> str:
        return str(event.content.get("right", ""))

    @staticmethod
    def resolve_to(event: RequestEvent) -> list[str]:
        return list(event.content.get("to", ()))


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
    """A reassigned request, with a sentence that says to whom it was reassigned."""

    message: str = Field(description="A sentence about what was done.")
    request: RequestOut


class ClosedOut(ErrorOut):
    """A closed request: who answered it, and when."""

    answered_by: str = Field(description='A user name, or "system: deadline".')
    answered_at: datetime
