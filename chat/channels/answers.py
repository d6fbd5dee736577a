"""Answers, and the inbound messages from which channels parse them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from chat.models import HumanRequest
    from procedures.users import User


@dataclass(frozen=True)
class Also:
    """The number of later, similar requests that an answer also decides, and until when."""

    uses: int
    until: datetime


@dataclass(frozen=True)
class Answer:
    """An answer as a channel has parsed it, not yet checked against the question."""

    value: Any = None
    comment: str = ""
    channel: str = "api"
    """The name of the channel through which the answer came."""
    address: str | None = None
    is_confirmed: bool = False
    """True if the sender has confirmed exactly this value, as an `irreversible` request requires.

    For `words`, True means that the sender has seen how they will be understood.
    """
    words: str | None = None
    """The typed words, from which the question's kind reads the value; None if there is a value."""
    asks_back: bool = False
    """True if the sender asks back instead of answering; `comment` is what they ask."""
    reason: str = ""
    """The reason why an administrator answers without being asked."""
    program: str = ""
    """The name of the API token with which a program answers; "" if a person does."""
    also: Also | None = None
    """The later requests that the answer also decides; None if it decides only this one."""
    seen: str | None = None
    """The mark of the values that the sender saw (`HumanRequest.proposal`); None if unknown."""
    request_id: UUID | None = None
    """The id of the request to answer, if the message names it."""


@dataclass(frozen=True)
class Inbound:
    """A person's message, as a channel receives it."""

    content: Any
    """The raw body (bytes) of a message to a site's own channel; else what the route has parsed."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The HTTP headers, whose names are case-insensitive."""
    address: str | None = None
    """The network address of the sender."""
    sender: "User | None" = None
    """The sender, if a page or route has authenticated them already."""
    program: str = ""
    """The name of the token with which a program sends the message; "" if a person does."""
    request: "HumanRequest | None" = None
    """The request to answer, if a page or route has checked that the sender may see it."""
