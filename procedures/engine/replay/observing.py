"""Readings of the outside world: the first reading is stored and returned on every replay."""

from collections.abc import Callable
from typing import Any

from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.replay.fiber import Fiber


def seen(fiber: Fiber, what: str, of: str, read: Callable[[], Any]) -> Any:
    """Return what `read` returns now or, on replay, what it returned here the first time.

    The value is plain JSON. It is committed before anything can depend on it, because steps and
    waits commit the recorded events first.
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
