"""Answers, and the raw messages that channels read them from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from chat.models import HumanRequest
    from procedures.users import User


@dataclass(frozen=True)
class Answer:
    """A submitted answer: a value that fits the question, and where it came from."""

    value: Any = None
    comment: str = ""
    channel: str = "api"
    """The name of the channel it came by."""
    address: str | None = None
    is_confirmed: bool = False
    """The sender's confirmation of this very value, which an `irreversible` request requires.

    For words, it says that the sender has seen what they mean.
    """
    words: str | None = None
    """Typed words, from which the kind of the question reads the value."""
    request_id: UUID | None = None
    """The request it is meant for, if the channel has read that from the message."""


@dataclass(frozen=True)
class Inbound:
    """A message that a person has sent by a channel."""

    content: Any
    """The body in bytes if it came from outside, else whatever its page or route has read."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The HTTP headers, with names in any case."""
    address: str | None = None
    """The network address of the sender."""
    sender: "User | None" = None
    """The person, if a page or route has signed them in already."""
    request: "HumanRequest | None" = None
    """The request it answers, if a page or route has found it among those the sender may see."""
