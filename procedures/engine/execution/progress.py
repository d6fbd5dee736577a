"""Progress lines of a running step, written at growing intervals so as not to fill the journal."""

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from procedures.engine.errors import EngineError, OptionError
from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.values import canonical
from procedures.engine.values.options import check_count, check_text

MOST_EVENTS = 200
FIRST_PAUSE = timedelta(seconds=0.25)
GROWTH = 1.03
"""The factor by which each pause between two writes is longer than the pause before.

With this factor, the 200 progress events of an attempt are spread over at least 50 minutes.
"""
MOST_LINES = 20
LONGEST_LINE = 200
LONGEST_NAME = 100


def check_progress(of: str, text: object, done: object, total: object) -> None:
    """Raise `OptionError` for progress that can't be shown as a bar or a line."""
    check_text(f"The text of {of}", text)
    if done is not None:
        check_count(f"done= of {of}", done)
    if total is not None:
        check_count(f"total= of {of}", total)
        if done is None:
            raise OptionError(f"total= of {of} needs done= as well.")


class Progress:
    """The progress lines of one attempt.

    Lines that come too soon after the last write are held back. The last lines are always stored.
    """

    def __init__(
        self,
        key: str,
        attempt: int,
        *,
        keep: Callable[[NewEvent], object],
        now: Callable[[], datetime],
    ) -> None:
        self._key, self._attempt = key, attempt
        self._keep, self._now = keep, now
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._counts: dict[str, float | None] = {}
        self._written, self._due = 0, now()
        self._is_over = False
        self._thread, self._lock = threading.get_ident(), threading.Lock()

    def say(self, text: str, done: float | None, total: float | None) -> None:
        """Add a line and, if a write is due, write this line and all lines that were held back.

        A line with `done` replaces the lines held back before it. A call with neither a text nor
        `done` adds no line. A call from a thread other than the step's own writes nothing; its
        line is held back.
        """
        check_progress("step.progress", text, done, total)
        if self._is_over:
            raise EngineError(f"The step {self._key} has ended and can't report any more progress.")
        with self._lock:
            if done is not None:
                self._lines.clear()
                self._counts = {"done": done, "total": total}
            if text or done is not None:
                self._lines.append(canonical.legible(text)[:LONGEST_LINE])
        # Write outside the lock: writing waits for the database, and other threads only add lines.
        if threading.get_ident() == self._thread and self._is_due():
            self._write()

    def close(self) -> tuple[NewEvent, ...]:
        """Return an event with the lines still held back, to be stored when the attempt ends."""
        self._is_over = True
        return (self._take(),) if self._lines else ()

    def _is_due(self) -> bool:
        return bool(self._lines) and self._written < MOST_EVENTS and self._now() >= self._due

    def _write(self) -> None:
        self._keep(self._take())
        self._due = self._now() + FIRST_PAUSE * GROWTH**self._written
        self._written += 1

    def _take(self) -> NewEvent:
        with self._lock:
            text = "\n".join(self._lines)
            self._lines.clear()
        data = {"attempt": self._attempt, "text": text, **self._counts}
        name = text.rpartition("\n")[2][:LONGEST_NAME]
        return NewEvent(EventKind.PROGRESS, self._key, name, data)
