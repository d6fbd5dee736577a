"""The API's schemas for the inbox: its lists, snoozes, drafts and answers to several requests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field, field_validator

from chat.models import Draft, HumanRequest, Snooze
from chat.schemas import RequestOut
from chat.services import BulkResult
from chat.services.bulk import MOST_AT_ONCE
from procedures.schemas import Body, ErrorOut


class InboxItemOut(RequestOut):
    """A request as a row of the inbox."""

    gist: str = Field(description="A line from its body or evidence.")
    needed_at: datetime | None = Field(
        description="The earlier of `answer_by` and `due_at`, by which the list is ordered."
    )
    started_by: str | None = Field(description="The user who started the run.")
    votes: int = Field(description="The number of people who have answered; see `quorum`.")
    version: int

    @staticmethod
    def resolve_started_by(request: HumanRequest) -> str | None:
        starter = request.wait.run.started_by
        return starter.get_username() if starter else None

    @staticmethod
    def resolve_votes(request: HumanRequest) -> int:
        return len(request.counted_responses)


class InboxCounts(Schema):
    """The lengths of the inbox's lists; 100 means "more than 99"."""

    mine: int
    groups: int
    unclaimed: int
    snoozed: int


class InboxPage(Schema):
    """A page of a list of the inbox."""

    items: list[InboxItemOut]
    seen: list[UUID] = Field(description="The ids of the items that you have seen.")
    counts: InboxCounts
    next: UUID | None


class SnoozeIn(Body):
    """The time at which a snoozed request comes back to your inbox."""

    until: datetime = Field(description="A time with its UTC offset, at most 90 days from now.")

    @field_validator("until")
    @classmethod
    def _check_offset(cls, value: datetime) -> datetime:
        if value.utcoffset() is None:
            raise ValueError("Give a time with its UTC offset, such as 2026-01-05T09:00:00Z.")
        return value


class SnoozeOut(Schema):
    """A request that is hidden from your inbox until a time."""

    request_id: UUID
    until: datetime

    @staticmethod
    def resolve_request_id(snooze: Snooze) -> UUID:
        return snooze.request_id


class DraftIn(Body):
    """The texts of a draft, and the version of the stored draft that you have seen."""

    values: dict[str, list[str]] = Field(
        description="The form's texts by field name, as the page sends them."
    )
    version: int = Field(
        default=0, ge=0, description="The version that you have seen; 0 if you have seen none."
    )


class DraftOut(Schema):
    """Your draft of an answer."""

    values: dict[str, Any]
    version: int
    at: datetime

    @staticmethod
    def resolve_values(draft: Draft) -> dict[str, Any]:
        return draft.plain_values


class DraftConflictOut(ErrorOut):
    """A conflict: the stored draft was changed elsewhere. `stored` and `sent` have both drafts."""

    stored: DraftOut | None
    sent: dict[str, list[str]]


class BulkItemIn(Body):
    """The answer to one request, and the version of the request that you have seen."""

    request_id: UUID
    version: int
    value: Any


class BulkIn(Body):
    """Answers to several requests, with one comment."""

    answers: list[BulkItemIn] = Field(min_length=1, max_length=MOST_AT_ONCE)
    comment: str = ""


class BulkItemOut(Schema):
    """The result of your answer to one of the requests."""

    request_id: UUID
    result: BulkResult
    message: str = Field(description="Why the answer wasn't applied, as a sentence; else empty.")


class BulkOut(Schema):
    """The results, in the same order as the answers that you sent."""

    results: list[BulkItemOut]
