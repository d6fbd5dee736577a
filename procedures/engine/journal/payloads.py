"""The contents of events, as typed classes for the rules in `engine/lifecycle`.

`read(content)` makes an object of the content of an event, and `as_json()` returns the same content
again. The field `rest` holds all fields of the event that no rule needs, so that none of them is
lost. The result of a finished step is written and read as plain content (`execution/attempts.py`
and `execution/steps.py`), because that happens at every step.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any, Self

from procedures.engine.journal.large import unpacked
from procedures.engine.values import canonical

SILENT = {"request", "signal"}
"""The kinds of waits for which the author chooses what happens if nobody answers in time."""
NOT_KEPT = "not_kept"
"""The field of an event that holds the reason why a step's result couldn't be stored."""
OF_ATTEMPT = {"attempt", "started_at", "arguments", "approved_by", "final"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The closing of a wait and who caused it, as recorded in a `wait.closed` event."""

    outcome: str
    value: Any = None
    """The value, or None if it is large; `whole_value` reads large values, too."""
    responder: str
    """The name of the user or of the part of the system that closed the wait.

    For example, "system: deadline" closes a wait whose time is over.
    """
    comment: str = ""
    timed_out: bool = False
    error: str = ""
    """The sender's message, if a signal was sent as an error; "" otherwise.

    The code that waits for the signal raises a `SignalError` with this message.
    """
    rest: Mapping[str, Any] = field(default_factory=dict)
    """The other fields, such as the time and the seals of an answer, or a large value's digest."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Return the closing described by the content of an event."""
        return cls(**_fields_of(cls, content))

    def whole_value(self) -> Any:
        """Return the value; a large one is read from the file store."""
        return unpacked({**self.rest, "value": self.value}, "value")

    def as_json(self) -> dict[str, Any]:
        """Return the content of the `wait.closed` event as plain JSON."""
        always = {"value": self.value, "comment": self.comment, "timed_out": self.timed_out}
        return {**_written(self), **always}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The opening of a wait, as recorded in a `wait.opened` or `child.started` event."""

    wait: str
    """The wait's kind: "request", "timer", "signal", "set", "child" or "map"."""
    due_at: datetime | None = None
    """The time at which the wait times out, or None if it never does."""
    digest: str = ""
    """A digest of the wait's content, for example of a question.

    On replay, the wait must have the same digest; otherwise the code has changed. A wait for child
    runs has no digest.
    """
    on_timeout: str | None = None
    """The effect of a timeout on a request or a signal: "default", "fail" or "withdraw"."""
    default: Any = None
    signal: str = ""
    """The name of the signal that is waited for."""
    shape: Any = None
    """The JSON Schema that the signal's value must match; None allows any value."""
    code: str = ""
    """The version of the code that waits for the signal."""
    need: int | None = None
    """The number of a set's parts that must close to decide the set."""
    over: tuple[str, ...] = ()
    """The keys of the waits that are the set's parts."""
    keep_open: bool = False
    """True if the set's other parts stay open once the set is decided."""
    procedure: str = ""
    """The name of the procedure that the children run."""
    run: str = ""
    """The id of the child run.

    A `ctx.map` has many children, so this is an id of the map itself, which no run has.
    """
    count: int = 1
    """The number of a map's children."""
    at_most: int = 0
    """The number of a map's children that may run at the same time."""
    on_failure: str = ""
    """The effect of a failed child on its map: "fail_fast" or "collect"."""
    on_parent_end: str = ""
    """The effect of the parent's end on the children: "abandon" lets them continue."""
    skipped: str = ""
    """The reason why the code didn't accept a signal, so that the wait was opened again.

    It is "" for a wait that wasn't opened again for such a reason.
    """
    rest: Mapping[str, Any] = field(default_factory=dict)
    """The other fields: a question's parts, a reason, or the inputs of children."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Return the opening described by the content of an event."""
        due = content.get("due_at")
        moment = datetime.fromisoformat(due) if due else None
        over = tuple(content.get("over", ()))
        return cls(**_fields_of(cls, {**content, "due_at": moment, "over": over}))

    @property
    def prompt(self) -> str:
        """The question in one line; "" for a wait that isn't a question."""
        return str(self.rest.get("prompt", ""))

    def silence(self) -> Closing:
        """Return the closing of this wait when its time is over.

        The outcome of a timer is "elapsed". The outcome of a request or a signal depends on
        `on_timeout`: "defaulted" with the default value, "withdrawn", or "expired", which makes the
        code fail.
        """
        if self.wait == "timer":
            return Closing(outcome="elapsed", responder="system: clock")
        outcome, value = ("withdrawn" if self.on_timeout == "withdraw" else "expired"), None
        if self.on_timeout == "default":
            outcome, value = "defaulted", self.default
        return Closing(outcome=outcome, value=value, responder="system: deadline", timed_out=True)

    def as_json(self) -> dict[str, Any]:
        """Return the content of the event that opens the wait, as plain JSON."""
        written = {**_written(self), "due_at": self.due_at and self.due_at.isoformat()}
        if self.wait in SILENT:
            written |= {"on_timeout": self.on_timeout, "default": self.default}
        if self.over:
            written["over"] = list(self.over)
        if self.wait == "map":
            written["count"] = self.count
        return written


def notice_parts(content: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return three parts of a notice: its text, its level and its other fields.

    The level is "" unless the notice is an alert. The other fields are canonical JSON text, or ""
    if the notice has none.
    """
    rest = {name: one for name, one in content.items() if name not in ("text", "level")}
    details = canonical.text_of(rest) if rest else ""
    return str(content["text"]), str(content.get("level", "")), details


def written_in(content: Mapping[str, Any]) -> str:
    """Return the whole text that a step wrote, from the content of the event that stores it."""
    return str(unpacked(content, "written") if "left_out" in content else content["text"])


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a step, as recorded in each of the step's events."""

    number: int
    started_at: datetime
    arguments: str
    """A digest of the step's arguments; "" for a gather."""
    approved_by: str = ""
    """The key of the approval that the step needed, or ""."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Return the attempt described by the content of a step's event."""
        started = datetime.fromisoformat(content["started_at"])
        return cls(
            content["attempt"], started, content["arguments"], content.get("approved_by", "")
        )

    def as_json(self) -> dict[str, Any]:
        """Return the attempt's part of an event's content, as plain JSON."""
        written = {
            "attempt": self.number,
            "started_at": self.started_at.isoformat(),
            "arguments": self.arguments,
        }
        return {**written, "approved_by": self.approved_by} if self.approved_by else written


@dataclass(frozen=True, slots=True)
class StepResult:
    """The content of a `step.succeeded` event; `not_kept` says why a result couldn't be stored."""

    attempt: Attempt
    not_kept: str = ""
    """The reason why the result couldn't be stored; "" if it was stored."""
    returned: str = ""
    """A description of the result for people, if the result couldn't be stored; "" otherwise."""
    rest: Mapping[str, Any] = field(default_factory=dict)
    """The other fields: the packed result, and the files that the step made."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Return the result described by the content of an event."""
        fields = {name: one for name, one in content.items() if name not in OF_ATTEMPT}
        return cls(**_fields_of(cls, fields), attempt=Attempt.read(content))

    def as_json(self) -> dict[str, Any]:
        """Return the content of the `step.succeeded` event as plain JSON."""
        written = {name: one for name, one in _written(self).items() if name != "attempt"}
        return {**self.attempt.as_json(), **written}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailure:
    """The end of a failed attempt, or of a failed gather, as recorded in `step.failed`."""

    attempt: Attempt
    type: str
    message: str
    retry_at: datetime | None = None
    """The time of the next attempt; None if there is none."""
    place: str = ""
    """The place where the error's class is defined, as "module:name"."""
    doubtful: bool = False
    """True if people let the step fail because nobody knew whether it had taken effect."""
    branch: str | None = None
    """The key of the branch that made a gather fail; None for a step."""
    conflict: str = ""
    """The name in `ctx.state` that several branches of a gather changed in conflicting ways."""
    branches: Mapping[str, str] = field(default_factory=dict)
    """The change that each branch made, by the branch's key: `{"left": "set to 3"}`."""
    of: str = ""
    """The key of the step, gather or children whose failure made the gather fail."""
    rest: Mapping[str, Any] = field(default_factory=dict)
    """The other fields: the traceback, and the files that the step made."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Return the failure described by the content of an event."""
        fields = {name: one for name, one in content.items() if name not in OF_ATTEMPT}
        retry_at = fields.pop("retry_at")
        moment = datetime.fromisoformat(retry_at) if retry_at else None
        return cls(**_fields_of(cls, fields), attempt=Attempt.read(content), retry_at=moment)

    @classmethod
    def of_error(cls, attempt: Attempt, error: Mapping[str, str], **more: Any) -> Self:
        """Return the failure that an error payload describes (see `error_payload`)."""
        return cls(**_fields_of(cls, {**error, **more}), attempt=attempt)

    @property
    def is_final(self) -> bool:
        """True if the step won't be retried automatically after this failure."""
        return self.retry_at is None

    def as_json(self) -> dict[str, Any]:
        """Return the content of the `step.failed` event as plain JSON."""
        again = {"retry_at": self.retry_at and self.retry_at.isoformat(), "final": self.is_final}
        written = {name: one for name, one in _written(self).items() if name != "attempt"}
        return {**self.attempt.as_json(), **written, **again}


def _fields_of(cls: Any, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content as arguments for that class, with all other fields under `rest`."""
    known: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in content.items():
        (known if name in _defaults(cls) else rest)[name] = value
    return {**known, "rest": rest}


def _written(payload: Any) -> dict[str, Any]:
    """Return the fields of a payload as plain content, without the fields that have their default.

    The fields in `rest` are included.
    """
    defaults = _defaults(payload.__class__)
    named = ((name, getattr(payload, name)) for name in defaults)
    return {**payload.rest, **{name: one for name, one in named if one != defaults[name]}}


@cache
def _defaults(cls: type) -> dict[str, Any]:
    """Return the default of each field of the class by name, without `rest`."""
    return {
        one.name: one.default_factory() if one.default_factory is not MISSING else one.default
        for one in fields(cls)
        if one.name != "rest"
    }
