"""The API's schemas for questions that are sent back, and for standing decisions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field, field_validator

from chat.models import StandingDecision
from procedures.schemas import Body


def with_offset(value: datetime) -> datetime:
    """Return the time unchanged; raise `ValueError` if it has no UTC offset."""
    if value.utcoffset() is None:
        raise ValueError("Give a time with its UTC offset, such as 2026-01-05T09:00:00Z.")
    return value


class StandingLimitsIn(Body):
    """The limits on the later, similar requests that an answer also decides: number and time."""

    uses: int = Field(
        ge=1, le=50, description="The largest number of later requests that it answers."
    )
    until: datetime = Field(description="A time with its UTC offset, at most 7 days from now.")

    @field_validator("until")
    @classmethod
    def _check_offset(cls, value: datetime) -> datetime:
        return with_offset(value)


class AskBackIn(Body):
    """A text that goes to the run instead of an answer: what is missing or should be changed."""

    text: str = Field(description="A sentence about what is missing or should be changed.")
    reason: str = Field(
        default="",
        description="Required if you are an administrator whom the request doesn't ask (a bypass)."
        " You can't do this with a token.",
    )


class EarlierQuestionOut(Schema):
    """An earlier version of a question, which somebody sent back."""

    prompt: str
    by: str = Field(description="The user who sent the question back.")
    text: str
    at: datetime


class StandingOut(Schema):
    """A standing decision: an answer that also decides later, similar requests."""

    id: int
    giver: str
    given_with: UUID = Field(description="The request whose answer created this standing decision.")
    procedure: str
    version: str = Field(description="The only version of the code for which it counts.")
    step: str
    value: Any
    limits: dict[str, str] = Field(
        description="The upper limits of numbers in the evidence, by name."
    )
    uses: int
    uses_left: int
    begins_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None

    @staticmethod
    def resolve_given_with(decision: StandingDecision) -> UUID:
        return decision.given_with_id

    @staticmethod
    def resolve_giver(decision: StandingDecision) -> str:
        return decision.giver.get_username()

    @staticmethod
    def resolve_procedure(decision: StandingDecision) -> str:
        return decision.version.procedure.name

    @staticmethod
    def resolve_version(decision: StandingDecision) -> str:
        return decision.version.version

    @staticmethod
    def resolve_value(decision: StandingDecision) -> Any:
        return decision.plain_value

    @staticmethod
    def resolve_limits(decision: StandingDecision) -> dict[str, str]:
        return decision.plain_limits

    @staticmethod
    def resolve_revoked_by(decision: StandingDecision) -> str | None:
        return decision.revoked_by.get_username() if decision.revoked_by else None


class StandingPage(Schema):
    """A page of standing decisions, newest first."""

    items: list[StandingOut]
    next: int | None
