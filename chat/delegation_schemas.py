"""The API's schemas for delegations, by which people let others answer their requests."""

from datetime import datetime

from ninja import Schema
from pydantic import Field, field_validator

from chat.decision_schemas import with_offset
from chat.models import Delegation
from procedures.schemas import Body, Word


class DelegationIn(Body):
    """The person who will answer your requests, and the period in which they can."""

    to: Word = Field(description='A user, as "@name".')
    until: datetime = Field(description="A time with its UTC offset.")
    from_at: datetime | None = Field(
        default=None, description="By default, the delegation begins now."
    )
    reason: Word = Field(default="", max_length=500)

    @field_validator("until", "from_at")
    @classmethod
    def _check_offset(cls, value: datetime | None) -> datetime | None:
        return None if value is None else with_offset(value)


class DelegationOut(Schema):
    """A delegation: one person answers another's requests until a date."""

    id: int
    user: str
    to: str
    from_at: datetime
    until: datetime
    revoked_at: datetime | None
    reason: str

    @staticmethod
    def resolve_user(delegation: Delegation) -> str:
        return delegation.user.get_username()

    @staticmethod
    def resolve_to(delegation: Delegation) -> str:
        return delegation.to.get_username()
