"""Requests to people, and their answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Answer:
    """The answer to a question that was asked with `ask`."""

    outcome: str
    """The outcome, such as approved, rejected, answered, defaulted or expired."""
    value: Any
    responder: str
    comment: str
    at: datetime
    timed_out: bool

    def __bool__(self) -> bool:
        """Return True only for an approval."""
        return self.outcome == "approved"


@dataclass(frozen=True, kw_only=True)
class RequestRow:
    """A request as lists show it."""

    id: str
    run_id: str
    session_id: str
    procedure: str
    kind: str
    prompt: str
    status: str
    """Open, answered, expired or withdrawn."""
    outcome: str
    assigned: tuple[str, ...]
    due_at: datetime | None
    answer_by: datetime | None
    risk: str
    quorum: int
    claimed_by: str | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str
    closed_why: str


@dataclass(frozen=True)
class Response:
    """A person's answer to a request."""

    request_id: str
    value: Any
    comment: str
    user: str
    at: datetime
    channel: str
    asks_back: bool
    effective_at: datetime | None
    undone_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Request(RequestRow):
    """A request with everything that a person needs to answer it."""

    body: str
    evidence: Any
    draft: str | None
    schema: dict[str, Any]
    """The JSON Schema of an answer's value."""
    labels: dict[str, str]
    irreversible: bool
    ask_back: bool
    silence: str
    responses: tuple[Response, ...]


@dataclass(frozen=True, kw_only=True)
class InboxItem(RequestRow):
    """A request that waits for the token's user."""

    gist: str
    started_by: str | None
    votes: int
    version: int
    """The version of the request; to answer this version only, `answer_requests` needs it."""


@dataclass(frozen=True)
class SeenAnswer:
    """An answer to a request, and the version of the request that the answer was given for."""

    request_id: str
    version: int
    value: Any


@dataclass(frozen=True)
class BulkResult:
    """The result of one of the answers that `answer_requests` has sent."""

    request_id: str
    result: str
    """The string "applied", "already_decided" or "needs_attention"."""
    message: str

    @property
    def is_applied(self) -> bool:
        """True if the request was answered with this answer."""
        return self.result == "applied"


@dataclass(frozen=True)
class Upload:
    """A file that was sent for an answer."""

    token: str
    """The text to put in place of the file in the answer's value."""
    name: str
    digest: str
    size: int
    content_type: str
