"""Readings of what goes on meanwhile: the first one is kept, and replay is given that."""

from collections.abc import Callable
from typing import Any

from procedures.engine.journal.events import Draft, EventKind
from procedures.engine.replay.line import Line


def seen(line: Line, what: str, of: str, read: Callable[[], Any]) -> Any:
    """Return what `read` gives now, or what it gave at this place the first time.

    The reading is plain JSON, and kept before anything may depend on it: steps and waits commit
    what is noted before them.
    """
    line.check_usable()
    key = line.scope.key_for(f"seen:{what}")
    entry = line.take("seen", key)
    if entry is None:
        line.check_going_on(key)
        value = read()
        line.add(Draft(EventKind.SEEN, key, what, {"of": of, "value": value}))
        return value
    content = entry.last.content
    if content["of"] != of:
        words = f"The code now reads the {what} of {of}, and the run read that of {content['of']}."
        line.interrupt(line.scope.mismatch(words))
    return content["value"]
