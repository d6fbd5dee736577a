"""The contents of the events that rules read, with types.

`read(content)` reads an event's content; `as_json()` gives the same content back. `rest` holds what
no rule reads, so that nothing of an event is lost on the way. The result of a step that is kept is
written and read as plain content (`execution/attempts.py`): it is done for every step.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any, Self

from procedures.engine.journal.large import unpacked

ABANDON = "abandon"
SILENT = {"request", "signal"}
"""Waits whose author says what silence does."""
NOT_KEPT = "not_kept"
"""The name under which an event says why the result of a step that is done could not be kept."""
OF_ATTEMPT = {"attempt", "started_at", "arguments", "approved_by", "final"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A thing a run waits for, as `wait.opened` or `child.started` says it."""

    wait: str
    """Its kind: "request", "timer", "signal", "set", "child" or "map"."""
    due_at: datetime | None = None
    """When its silence counts; None for never."""
    digest: str = ""
    """What an outcome is given to: it serves no wait with another digest. A child has none."""
    on_timeout: str | None = None
    """What silence does to a request or a signal: "default", "fail" or "withdraw"."""
    default: Any = None
    signal: str = ""
    """The name of the signal that it waits for."""
    shape: Any = None
    """The JSON Schema that the signal's value has to fit; None where any may come."""
    code: str = ""
    """The version of the code that waits for the signal."""
    need: int | None = None
    """How many parts decide a set."""
    over: tuple[str, ...] = ()
    """The keys of a set's parts."""
    keep_open: bool = False
    """True for a set that leaves its other parts open when it is decided."""
    procedure: str = ""
    """The name of the procedure that the children run."""
    run: str = ""
    """The id of the child run; of a map, of its first child."""
    count: int = 1
    """How many children a map has."""
    at_most: int = 0
    """How many of these work at a time."""
    on_failure: str = ""
    """What a failed child does to its map: "fail_fast" or "collect"."""
    on_parent_end: str = ""
    """ "abandon" for children that go on when their parent ends."""
    skipped: str = ""
    """Why the signal that came before did not fit, where a wait is opened again."""
    rest: Mapping[str, Any] = field(default_factory=dict)
    """What is asked and shown: a question's parts, a reason, the inputs of children."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Read the content of an event."""
        due = content.get("due_at")
        moment = datetime.fromisoformat(due) if due else None
        over = tuple(content.get("over", ()))
        return cls(**_fields_of(cls, {**content, "due_at": moment, "over": over}))

    @property
    def prompt(self) -> str:
        """What people are asked, in a line; "" for what is no question."""
        return str(self.rest.get("prompt", ""))

    @property
    def is_abandoned(self) -> bool:
        """True when its children go on after their parent's end."""
        return self.on_parent_end == ABANDON

    @property
    def is_detached(self) -> bool:
        """True when its other side goes on once nobody waits for it any more."""
        return self.wait in {"child", "map"}

    def as_json(self) -> dict[str, Any]:
        """Return the content of its event, as plain JSON."""
        written = {**_written(self), "due_at": self.due_at and self.due_at.isoformat()}
        if self.wait in SILENT:
            written |= {"on_timeout": self.on_timeout, "default": self.default}
        if self.over:
            written["over"] = list(self.over)
        if self.wait == "map":
            written["count"] = self.count
        return written


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What became of a wait and who brought it about, as `wait.closed` says it."""

    outcome: str
    value: Any = None
    """None for a large one: `whole_value` reads that where it lies."""
    responder: str
    """A user's name, or "system: …"."""
    comment: str = ""
    timed_out: bool = False
    error: str = ""
    """What the code that waits for a signal raises instead of taking its value."""
    rest: Mapping[str, Any] = field(default_factory=dict)
    """By which right and when it was answered, what proves it, and where a large value lies."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Read the content of an event."""
        return cls(**_fields_of(cls, content))

    def whole_value(self) -> Any:
        """Return the value, a large one from the file store."""
        return unpacked({**self.rest, "value": self.value}, "value")

    def as_json(self) -> dict[str, Any]:
        """Return the content of its event, as plain JSON."""
        always = {"value": self.value, "comment": self.comment, "timed_out": self.timed_out}
        return {**_written(self), **always}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a step, as each event of the step says it."""

    number: int
    started_at: datetime
    arguments: str
    """The digest of what the step was given; "" where that is not known."""
    approved_by: str = ""
    """The key of the approval that the step was done under."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Read what the content of a step's event says of its attempt."""
        started = datetime.fromisoformat(content["started_at"])
        return cls(
            content["attempt"], started, content["arguments"], content.get("approved_by", "")
        )

    def as_json(self) -> dict[str, Any]:
        """Return its part of an event's content, as plain JSON."""
        written = {
            "attempt": self.number,
            "started_at": self.started_at.isoformat(),
            "arguments": self.arguments,
        }
        return {**written, "approved_by": self.approved_by} if self.approved_by else written


@dataclass(frozen=True, slots=True)
class StepResult:
    """The end of a step that is done, as `step.succeeded` says it."""

    attempt: Attempt
    not_kept: str = ""
    """Why the result could not be kept; "" where it is kept."""
    returned: str = ""
    """What people can make out of a result that could not be kept."""
    rest: Mapping[str, Any] = field(default_factory=dict)
    """The result as it is packed, and the files that the step has made."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Read the content of an event."""
        told = {name: one for name, one in content.items() if name not in OF_ATTEMPT}
        return cls(**_fields_of(cls, told), attempt=Attempt.read(content))

    def as_json(self) -> dict[str, Any]:
        """Return the content of its event, as plain JSON."""
        written = {name: one for name, one in _written(self).items() if name != "attempt"}
        return {**self.attempt.as_json(), **written}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailure:
    """The end of an attempt that failed, as `step.failed` says it; also of a gather."""

    attempt: Attempt
    type: str
    message: str
    retry_at: datetime | None = None
    """When it is tried again; None for never."""
    place: str = ""
    """Where the error's class is defined, "module:name"."""
    doubtful: bool = False
    """True where people let it fail, because it may have happened or not."""
    branch: str | None = None
    """The branch that a gather failed by; None for a step."""
    conflict: str = ""
    """The name in the state that the branches of a gather disagree on."""
    branches: Mapping[str, str] = field(default_factory=dict)
    """What each of these branches did to that name."""
    of: str = ""
    """The key of the step, gather or children that it failed by."""
    rest: Mapping[str, Any] = field(default_factory=dict)
    """The traceback, and the files that the step had made."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Read the content of an event."""
        told = {name: one for name, one in content.items() if name not in OF_ATTEMPT}
        retry_at = told.pop("retry_at")
        moment = datetime.fromisoformat(retry_at) if retry_at else None
        return cls(**_fields_of(cls, told), attempt=Attempt.read(content), retry_at=moment)

    @classmethod
    def of_error(cls, attempt: Attempt, error: Mapping[str, str], **more: Any) -> Self:
        """Return the failure by an error, given as `error_payload` tells it."""
        return cls(**_fields_of(cls, {**error, **more}), attempt=attempt)

    @property
    def is_final(self) -> bool:
        """True when it is not tried again by itself."""
        return self.retry_at is None

    def as_json(self) -> dict[str, Any]:
        """Return the content of its event, as plain JSON."""
        again = {"retry_at": self.retry_at and self.retry_at.isoformat(), "final": self.is_final}
        written = {name: one for name, one in _written(self).items() if name != "attempt"}
        return {**self.attempt.as_json(), **written, **again}


def _fields_of(cls: Any, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a content says by the fields of that class: the rest is one of them."""
    known: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in content.items():
        (known if name in _defaults(cls) else rest)[name] = value
    return {**known, "rest": rest}


def _written(payload: Any) -> dict[str, Any]:
    """Return the fields that say something, and the rest."""
    defaults = _defaults(payload.__class__)
    named = ((name, getattr(payload, name)) for name in defaults)
    return {**payload.rest, **{name: one for name, one in named if one != defaults[name]}}


@cache
def _defaults(cls: type) -> dict[str, Any]:
    """Return the defaults of a class's fields by name, without `rest`."""
    return {
        one.name: one.default_factory() if one.default_factory is not MISSING else one.default
        for one in fields(cls)
        if one.name != "rest"
    }
