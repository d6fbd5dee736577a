"""Chat sessions, their messages, and what a search finds in them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Message:
    """An entry of a session's transcript."""

    id: str
    seq: int
    kind: str
    author: str | None
    text: str
    posted: dict[str, Any]
    run_id: str | None
    request_id: str | None
    reply_to_id: str | None
    delivery: str
    at: datetime


@dataclass(frozen=True)
class SessionRow:
    """A session in a list, with the newest entry that the token's user may read."""

    id: str
    title: str
    is_private: bool
    newest: Message


@dataclass(frozen=True)
class Session:
    """A session, as far as the token's user may see it."""

    id: str
    title: str
    is_private: bool
    is_whole: bool
    last_seq: int
    created_at: datetime


@dataclass(frozen=True)
class Reply:
    """The meaning of a message as an answer to a request, and its effect on the request."""

    request_id: str
    is_answer: bool
    value: Any
    reason: str


@dataclass(frozen=True)
class Sent:
    """A message that was sent, with its effect on a request if the message was a reply."""

    message: Message
    reply: Reply | None
    unheard: str
    """A sentence that says why the run doesn't read the message; "" if the run reads it."""


@dataclass(frozen=True)
class Hit:
    """A text that matches a search."""

    kind: str
    session_id: str
    session_title: str
    message_id: str | None
    request_id: str | None
    run_id: str | None
    by: str
    at: datetime
    snippet: str
