"""Sending signals to other runs, and cancelling them."""

from collections.abc import Mapping
from typing import Any, Literal

from procedures.engine.errors import AnswerError, OptionError, SizeError, UnreachableRunError
from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.journal.large import packed
from procedures.engine.replay.fiber import Fiber, checked_name
from procedures.engine.values import canonical
from procedures.engine.values.options import check_json, check_text

Act = Literal["signal", "cancel"]
LONGEST_ID = 200
"""The longest id of a signal that the database stores, in characters."""


def send_signal(
    fiber: Fiber,
    to: str,
    signal: str,
    value: Any,
    *,
    id: str,  # noqa: A002
    error: str,
) -> None:
    """Send a signal to another run; a replay doesn't send it again."""
    fiber.check_usable()
    _check_id("run", to)
    _check_id("id=", id)
    message = canonical.legible(check_text("error= of ctx.send", error))
    key = fiber.scope.key_for(f"send:{checked_name(signal, 'signal of ctx.send')}")
    plain = _checked(fiber, key, value, message)
    own = fiber.recorder.idempotency_key(key)
    data = {"signal": signal, "id": id or own, "error": message, **packed("value", plain)}
    _send(fiber, key, to, "signal", data)


def cancel_run(fiber: Fiber, to: str, *, of: str, reason: str) -> None:
    """Cancel another run; a replay doesn't cancel it again.

    `of` is the key of the handle of that run.
    """
    checked = checked_reason(fiber, reason, of=of)
    _send(fiber, fiber.scope.key_for("send:cancel"), to, "cancel", {"reason": checked})


def checked_reason(fiber: Fiber, reason: str, *, of: str) -> str:
    """Return the reason on one line; raise `OptionError` if it is empty or isn't a string."""
    fiber.check_usable()
    checked = canonical.legible(" ".join(check_text("The reason of Handle.cancel", reason).split()))
    if not checked:
        raise OptionError(f"Give a reason for cancelling {of}; people will read it.")
    fiber.sizes.check_reason("Handle.cancel", checked)
    return checked


def _check_id(name: str, id: object) -> None:  # noqa: A002
    """Raise `OptionError` for a string that can't be the id of a run or a signal."""
    checked = check_text(f"{name} of ctx.send", id)
    if len(checked) > LONGEST_ID:
        words = f"can have at most {LONGEST_ID} characters, not {len(checked)}"
        raise OptionError(f"{name} of ctx.send {words}.")
    if canonical.legible(checked) != checked:
        raise OptionError(
            f"{name} of ctx.send contains a NUL character or a lone surrogate: {checked!r}."
        )


def _checked(fiber: Fiber, key: str, value: Any, error: str) -> Any:
    plain = check_json("value of ctx.send", value)
    if error and plain is not None:
        raise OptionError("ctx.send can have a value or error=, but not both.")
    if fiber.is_new("sent", key):
        fiber.sizes.check_reason("error of ctx.send", error)
        try:
            fiber.sizes.check_signal(plain)
        except AnswerError as fault:
            raise SizeError(str(fault)) from None
    return plain


def _send(fiber: Fiber, key: str, to: str, act: Act, data: Mapping[str, Any]) -> None:
    """Commit an event that sends a signal or a cancellation to the run `to`.

    If this run isn't allowed to send to that run, or no such run exists, the event stores the
    reason, nothing is sent, and `UnreachableRunError` is raised, also on every replay.
    """
    asked = {"to": to, "act": act, **data}
    entry = fiber.take("sent", key)
    if entry is None:
        fiber.check_going_on(key)
        fiber.flush()  # a child that was started just now must exist
        refused = fiber.journal.refusal(to)
        content = {**asked, "refused": refused}
        fiber.commit(NewEvent(EventKind.SENT, key, key.rpartition(":")[2].split("#")[0], content))
    else:
        content = entry.last.content
        _compare(fiber, key, content, asked)
        fiber.pass_by(entry.last)
    if content["refused"]:
        raise UnreachableRunError(content["refused"])


def _compare(fiber: Fiber, key: str, sent: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    if any(sent.get(name) != value for name, value in asked.items()):
        words = f"The code now sends something else at {key}. What it sent the first time counts."
        fiber.note(EventKind.LOG, words, {"text": words, "level": "warning"}, about=key)
