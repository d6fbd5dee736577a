"""Reading what people say to a run, and conversations with them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict

from procedures.engine.declaration.messages import InboxMessage
from procedures.engine.errors import RequestExpiredError
from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.journal.large import packed, unpacked
from procedures.engine.journal.payloads import Closing, Opening
from procedures.engine.lifecycle.inbox import MESSAGE
from procedures.engine.replay.fiber import Fiber, checked_name
from procedures.engine.replay.history import Entry
from procedures.engine.values import canonical
from procedures.engine.values.durations import Duration, parse_duration
from procedures.engine.values.files import File
from procedures.engine.values.options import check_text
from procedures.engine.waits.handles import open_wait
from procedures.engine.waits.signals import Received, silence_of


class ConverseOptions(TypedDict, total=False):
    """The options of `ctx.converse`.

    If nobody writes within `expires`, `ctx.converse` returns a message whose text is `default` (""
    if no default is given) and whose truth value is False. With `on_timeout="fail"`, `ctx.converse`
    raises a `RequestExpiredError` instead.
    """

    expires: Duration
    default: str
    on_timeout: Literal["fail"]


def read_inbox(fiber: Fiber) -> list[InboxMessage]:
    """Return the messages that the run hasn't read; a replay returns the same messages.

    Changed code may make this call at a place where earlier code made no such call. If the run had
    gone on from that place, the call returns an empty list, because the run's later work was done
    without the messages. The messages are then returned by the next call.
    """
    fiber.check_usable()
    return messages_of(_unread(fiber, "inbox", fiber.journal.unread_messages))


def read_signals(fiber: Fiber, name: str) -> list[Received[Any]]:
    """Return the signals with this name that the run hasn't read yet.

    A replay returns the same signals. If changed code makes the call at a new place, the call is
    treated as `read_inbox` describes.
    """
    fiber.check_usable()
    checked_name(name, "ctx.received")
    return _received(_unread(fiber, name, lambda: fiber.journal.unread_signals(name), signal=name))


def _unread(
    fiber: Fiber, what: str, read: Callable[[], list[dict[str, Any]]], **about: str
) -> list[dict[str, Any]]:
    """Return the messages or signals that `read` finds; a replay returns the same ones.

    `about` is stored with them in the journal.
    """
    # Name the reading after the step or wait before it, so that a call added elsewhere doesn't take
    # another call's messages.
    key = fiber.scope.key_for(f"{fiber.scope.last.rpartition('/')[2]}:seen:{what}")
    if fiber.is_new("seen", key) and fiber.scope.has_unread():
        return []
    if entry := fiber.take("seen", key):
        kept: list[dict[str, Any]] = unpacked(entry.last.content, "value")
        if kept:  # an empty reading was stored later than it was made
            fiber.pass_by(entry.last)
        return kept
    fiber.check_going_on(key)
    found = read()
    draft = NewEvent(EventKind.SEEN, key, what, {"of": "", **about, **content_of(found)})
    if found:
        # Commit now, because the next call would find the messages again until their rows say that
        # they are read.
        fiber.commit(draft)
    else:
        fiber.add(draft)
    return found


def _received(found: Iterable[Mapping[str, Any]]) -> list[Received[Any]]:
    return [
        Received(one["value"], one["by"], datetime.fromisoformat(one["at"]), timed_out=False)
        for one in found
    ]


def content_of(found: list[dict[str, Any]], name: str = "value") -> dict[str, Any]:
    """Return fields for an event: messages or signals under `name`, and their ids under "read".

    The commit of the event marks the messages or signals with these ids as read.
    """
    read = {"read": [one["id"] for one in found]} if found else {}
    return {**read, **packed(name, found)}


def messages_of(found: Iterable[Mapping[str, Any]]) -> list[InboxMessage]:
    """Return stored messages as objects for the procedure's code."""
    return [
        InboxMessage(
            one["text"],
            one["by"],
            datetime.fromisoformat(one["at"]),
            one["id"],
            files=_files_of(one),
        )
        for one in found
    ]


def _files_of(message: Mapping[str, Any]) -> tuple[File, ...]:
    return tuple(File(**file) for file in message.get("files", ()))


def converse(fiber: Fiber, text: str, waiting: ConverseOptions) -> InboxMessage:
    """Post text in the run's session and wait for the next message to the run."""
    fiber.check_usable()
    words = canonical.legible(check_text("The text of ctx.converse", text))
    silence = silence_of("ctx.converse", str, {"default": "", **waiting}) if waiting else {}
    expires, seconds = waiting.get("expires"), None
    if expires is not None:
        seconds = parse_duration(expires, of="expires= of ctx.converse").total_seconds()
    key = fiber.scope.key_for("converse")
    asked = Opening(
        wait="signal",
        signal=MESSAGE,
        digest=canonical.digest(canonical.text_of(("converse", words)))[:16],
        rest={"text": words},
        **silence,
    )
    if fiber.is_new("wait", key):
        fiber.sizes.check_note("notice", words)
        fiber.sizes.check_default("ctx.converse", asked.default)

    def read(entry: Entry) -> InboxMessage:
        closed = Closing.read(entry.last.content)
        if closed.outcome == "expired":
            raise RequestExpiredError(words)
        value, at = closed.whole_value(), entry.last.at
        if closed.timed_out or not isinstance(value, dict):
            return InboxMessage(str(value or ""), closed.responder, at, "", timed_out=True)
        files = _files_of(value)
        return InboxMessage(value["text"], closed.responder, at, value["id"], files=files)

    return open_wait(fiber, key, asked, read, expires=seconds).wait()
