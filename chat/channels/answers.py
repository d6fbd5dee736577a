"""The answers that channels parse, and the inbound messages that contain the answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from chat.models import HumanRequest
    from procedures.users import User


@dataclass(frozen=True)
class StandingLimits:
    """The limits of an answer that also decides later, similar requests: how many, until when."""

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

    If the answer has `words`, True means that the sender has seen which answer the words mean.
    """
    words: str | None = None
    """The typed words, from which the question's kind reads the value; None if `value` is set."""
    asks_back: bool = False
    """True if the sender sends the request back instead of answering; `comment` says why."""
    reason: str = ""
    """The reason that an administrator gives for answering a request that doesn't ask them."""
    program: str = ""
    """The name of the API token with which a program answers; "" if a person does."""
    also: StandingLimits | None = None
    """The limits for deciding later, similar requests; None if the answer decides only this one."""
    seen: str | None = None
    """The mark of the proposed values that the sender saw, as in `HumanRequest.proposal`.

    None if the message doesn't say which values the sender saw.
    """
    request_id: UUID | None = None
    """The id of the request to answer, if the message names it."""


@dataclass(frozen=True)
class Inbound:
    """A person's message, as a channel receives it."""

    content: Any
    """The message itself: the raw body, as bytes, for a site's own channel.

    For other channels, it is the data into which the page or the API's route has parsed the body.
    """
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
