"""Readings of data outside the run, such as files; the first reading is stored for all replays."""

from collections.abc import Callable
from typing import Any

from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.replay.fiber import Fiber


def seen(fiber: Fiber, what: str, of: str, read: Callable[[], Any]) -> Any:
    """Return what `read` returns; on a replay, return what `read` returned the first time.

    For example, `what` is "status", `of` is the key of a wait for a child run, and `read` returns
    the status of the child run. The value must be plain JSON. It is stored before any step or wait
    that could depend on it.
    """
    fiber.check_usable()
    key = fiber.scope.key_for(f"seen:{what}")
    entry = fiber.take("seen", key)
    if entry is None:
        fiber.check_going_on(key)
        value = read()
        fiber.add(NewEvent(EventKind.SEEN, key, what, {"of": of, "value": value}))
        return value
    content = entry.last.content
    if content["of"] != of:
        words = (
            f"The code now reads the {what} of {of}, but the "
            f"journal has the {what} of {content['of']} here."
        )
        fiber.interrupt(fiber.scope.mismatch(words))
    return content["value"]
