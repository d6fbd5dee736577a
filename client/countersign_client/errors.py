"""The errors of this package, by what they mean to the caller.

CountersignError
├── RefusedError          the site has refused a request, and says why
│   ├── NotAllowedError   the token is unknown or lacks a right (401, 403)
│   ├── NotFoundError     there is no such thing, or the user may not see it (404, 410)
│   ├── ConflictError     it is too late; names who was first (409)
│   ├── InvalidError      names what is wrong, by the path of each fault (400, 413, 422)
│   └── TooManyError      says when to try again (429)
├── UnreachableError      the site didn't respond
├── UnreadableError       the response isn't that of a Countersign site
├── NoAnswerError         a question has ended without an answer
├── LostRunError          another process owns the run now
├── EndedRunError         the run that this program owned has ended
└── WaitTimeoutError      what was waited for didn't happen in time; also a TimeoutError
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class CountersignError(Exception):
    """The base class of all errors of this package."""


class RefusedError(CountersignError):
    """The site has refused a request; the message is the site's own sentence that says why."""

    def __init__(self, detail: str, *, status: int) -> None:
        self.detail = detail
        self.status = status
        super().__init__(detail)


class NotAllowedError(RefusedError):
    """The token isn't valid (any more), or the token or its user lacks a right for the request."""


class NotFoundError(RefusedError):
    """The object doesn't exist, or the token's user may not see it."""


class ConflictError(RefusedError):
    """The request assumes a state that has changed since.

    If somebody else has answered a request first, `answered_by` says who and `answered_at` when.
    """

    def __init__(self, detail: str, body: Mapping[str, Any]) -> None:
        self.answered_by: str = _text(body.get("answered_by"))
        self.answered_at = _moment(body.get("answered_at"))
        super().__init__(detail, status=409)


@dataclass(frozen=True)
class Fault:
    """A fault in one part of what was sent."""

    path: str
    """The name of the input or field, such as "subject" or "schema.properties.a"."""
    message: str


class InvalidError(RefusedError):
    """The site can't use the data that was sent; `faults` names each fault with its path.

    The site also refuses a text that could be meant as several answers. Then `value` is the answer
    that the site would store. If that answer is meant, send the same text again together with the
    `confirms` of this error.
    """

    def __init__(self, detail: str, body: Mapping[str, Any], *, status: int) -> None:
        self.faults = tuple(
            Fault(str(one.get("field", "")), str(one.get("message", "")))
            for one in _objects(body.get("faults"))
        )
        self.confirms: str = _text(body.get("confirms"))
        self.value: Any = body.get("value")
        super().__init__(detail, status=status)

    def __str__(self) -> str:
        listed = [f"{fault.path}: {fault.message}" for fault in self.faults]
        # If there is only one fault, the site's sentence often repeats it.
        return " ".join([self.detail, *(one for one in listed if one not in self.detail)])


class TooManyError(RefusedError):
    """Too many requests were sent.

    `retry_after` is the number of seconds until the next may be sent, or None if it isn't known.
    """

    def __init__(self, detail: str, *, retry_after: float | None) -> None:
        self.retry_after = retry_after
        super().__init__(detail, status=429)


class UnreachableError(CountersignError):
    """The site didn't respond, but may nevertheless have carried out the request."""


class UnreadableError(CountersignError):
    """The response isn't one of a Countersign site. The site's address may be wrong."""


class NoAnswerError(CountersignError):
    """The run that asked has ended without an answer, for example because it was cancelled."""

    def __init__(self, run_id: str, status: str, message: str = "") -> None:
        self.run_id = run_id
        self.status = status
        why = f": {message}" if message else "."
        super().__init__(f"The question has ended without an answer ({status}){why}")


class LostRunError(CountersignError):
    """Another process has taken the run over, so this process must stop using the run."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"Another process owns the run {run_id} now. This one must stop.")


class EndedRunError(CountersignError):
    """The run has ended, so it accepts no more commands."""

    def __init__(self, run_id: str, status: str) -> None:
        self.run_id, self.status = run_id, status
        super().__init__(f"The run {run_id} has ended ({status}), so it accepts no more commands.")


class WaitTimeoutError(CountersignError, TimeoutError):
    """A wait timed out. Nothing was withdrawn: wait again whenever you want."""


def error_of(status: int, content: bytes, retry_after: str | None = None) -> CountersignError:
    """Return the error for a response with this status, body and `Retry-After`."""
    body = _body(content)
    detail = str(body.get("detail") or f"The site answered with status {status}.")
    match status:
        case 502 | 503 | 504:
            # These errors don't concern the request itself: the same request may succeed a moment
            # later.
            found: CountersignError = UnreachableError(detail)
        case 401 | 403:
            found = NotAllowedError(detail, status=status)
        case 404 | 410:
            found = NotFoundError(detail, status=status)
        case 409:
            found = ConflictError(detail, body)
        case 400 | 413 | 422:
            found = InvalidError(detail, body, status=status)
        case 429:
            found = TooManyError(detail, retry_after=_seconds(retry_after))
        case _:
            found = RefusedError(detail, status=status)
    return found


def _body(content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):  # a proxy's page, for example
        return {}
    return body if isinstance(body, dict) else {}


# What isn't as expected is left out, so that the error itself is still the one that is raised.


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
