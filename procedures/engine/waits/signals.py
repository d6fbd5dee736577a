"""Signals: named messages to a run, stored if they come before the run waits for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypedDict, TypeVar

from pydantic import ValidationError

from procedures.engine.errors import QuestionError, RequestExpiredError, SignalError
from procedures.engine.journal.payloads import Closing, Opening
from procedures.engine.lifecycle.signals import RECEIVED, skipped
from procedures.engine.replay.fiber import Fiber, checked_name
from procedures.engine.replay.history import Entry
from procedures.engine.values import canonical
from procedures.engine.values.durations import Duration, parse_duration
from procedures.engine.values.inspection import holds_secret, unserved
from procedures.engine.values.options import check_word
from procedures.engine.values.secrecy import INSTEAD
from procedures.engine.values.shapes import shape_of
from procedures.engine.values.spelling import short_repr
from procedures.engine.waits.handles import Handle, open_wait, reason_of

T = TypeVar("T")


class SignalOptions(TypedDict, total=False):
    """The options of a wait for a signal.

    If no signal arrives within `expires`, the wait returns a `Received` whose value is `default`
    (None if no default is given) and whose truth value is False. With `on_timeout="fail"`, the wait
    raises a `RequestExpiredError` instead. People can read the `reason` while the run waits.
    """

    expires: Duration
    default: Any
    on_timeout: Literal["fail"]
    reason: str


@dataclass(frozen=True)
class Received(Generic[T]):
    """The result of waiting for a signal: the signal, or the default if no signal arrived in time.

    The truth value of a `Received` is True for a signal and False for a default.
    """

    value: T
    sender: str
    """The name of the user or run that sent the signal; "system: deadline" for a default."""
    at: datetime
    timed_out: bool

    def __bool__(self) -> bool:
        return not self.timed_out


def open_signal(
    fiber: Fiber, name: str, hint: Any, waiting: SignalOptions, *, code: str
) -> Handle[Received[Any]]:
    """Open a wait for a signal and return its handle; `code` is the version of the procedure."""
    fiber.check_usable()
    checked_name(name, "ctx.signal")
    _check_type(name, hint)
    key = fiber.scope.key_for(name)
    asked = Opening(
        wait="signal",
        signal=name,
        shape=shape_of(hint),
        code=code,
        digest=canonical.digest(canonical.text_of(("signal", name)))[:16],
        rest=reason_of(fiber, key, f"the signal {name!r}", waiting.get("reason", "")),
        **silence_of(f"The signal {name!r}", hint, waiting),
    )

    def read(entry: Entry) -> Received[Any]:
        closed = Closing.read(entry.last.content)
        if closed.outcome == "expired":
            raise RequestExpiredError(f"the signal {name}")
        if closed.error:
            raise SignalError(name, closed.responder, closed.error)
        value = closed.whole_value()
        return Received(
            None if value is None else fiber.restored(entry, value, hint),
            closed.responder,
            entry.last.at,
            closed.timed_out or closed.outcome == "withdrawn",
        )

    if fiber.is_new("wait", key):
        fiber.sizes.check_default(f"the signal {name}", asked.default)

    expires = waiting.get("expires")
    seconds = None
    if expires is not None:
        seconds = parse_duration(expires, of=f"expires= of ctx.signal({name!r})").total_seconds()
    handle = open_wait(fiber, key, asked, read, expires=seconds)
    handle.misfit = lambda entry: _misfit(name, entry, hint)
    return handle


def _check_type(name: str, hint: Any) -> None:
    """Raise `QuestionError` for a type that a signal's value can't have."""
    if why := unserved(hint, takes_files=False):
        words = f"hint= of the signal {name!r} can't be {short_repr(hint)}: {why}."
        raise QuestionError(words)
    if holds_secret(hint):
        raise QuestionError(f"The signal {name} can't be a secret, because it is stored. {INSTEAD}")


def _misfit(name: str, entry: Entry, hint: Any) -> str:
    """Return the reason why the code can't use the value that closed the wait; "" if it can."""
    closed = Closing.read(entry.last.content)
    if closed.outcome != RECEIVED or closed.error:
        return ""
    try:
        canonical.load(closed.whole_value(), hint)
    except ValidationError as error:
        return skipped(name, closed.responder, canonical.faults(error))
    return ""


def silence_of(of: str, hint: Any, waiting: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an opening event that say what happens when the wait expires.

    Raises `QuestionError` for options that contradict each other. `of` is the subject of the
    error's sentence, for example "The signal 'paid'".
    """
    if "expires" not in waiting and ("default" in waiting or "on_timeout" in waiting):
        raise QuestionError(f"{of} has default= or on_timeout=, so it needs expires= too.")
    if "default" in waiting and "on_timeout" in waiting:
        raise QuestionError(f"{of} can have default= or on_timeout=, but not both.")
    if "on_timeout" in waiting:
        check_word(f"on_timeout= of {of[0].lower()}{of[1:]}", waiting["on_timeout"], ["fail"])
        return {"on_timeout": "fail", "default": None}
    try:
        default = canonical.jsonable(waiting.get("default"))
        canonical.text_of(default)
        if default is not None:
            canonical.load(default, hint)
    except ValidationError as error:
        words = f"The default= of {of[0].lower()}{of[1:]} doesn't fit its type: "
        raise QuestionError(f"{words}{canonical.faults(error)}") from None
    except ValueError as error:
        words = f"The default= of {of[0].lower()}{of[1:]} can't be stored. {error}"
        raise QuestionError(words) from None
    return {"on_timeout": "default", "default": default}
