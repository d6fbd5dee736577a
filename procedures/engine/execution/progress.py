"""Progress lines of a running step, thinned out so that they don't fill the journal."""

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
"""The growth of each pause, so that 200 events cover most of an hour."""
MOST_LINES = 20
LONGEST_LINE = 200
LONGEST_NAME = 100


def check_progress(of: str, text: object, done: object, total: object) -> None:
    """Raise `OptionError` for progress that no bar or line can show."""
    check_text(f"The text of {of}", text)
    if done is not None:
        check_count(f"done= of {of}", done)
    if total is not None:
        check_count(f"total= of {of}", total)
        if done is None:
            raise OptionError(f"total= of {of} needs done= as well.")


class Progress:
    """The progress lines of one attempt.

    Early ones are held back, the last state is always kept.
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
        """Hold a line, and write the held lines if their time has come.

        A line with `done` replaces those before it. Without text or counts nothing is added. Lines
        from other threads are held, because only the step's own thread writes.
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
        # Outside the lock: writing waits for the database, and other threads only add lines.
        if threading.get_ident() == self._thread and self._is_due():
            self._write()

    def close(self) -> tuple[NewEvent, ...]:
        """Return the lines still held, to be kept together with the end of the attempt."""
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
