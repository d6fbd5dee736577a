"""A limit on the processor time of code between two calls of the context."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn, Self

from procedures.engine.errors import LimitReached, OptionError
from procedures.engine.journal.error_payloads import error_payload
from procedures.engine.journal.events import Batch, EventKind, Handoff, NewEvent, RunStatus
from procedures.engine.replay.fiber import Fiber
from procedures.engine.values.spelling import short_repr

GRACE = 2.0
"""The seconds of processor time between the limit and the end of the process.

If the code calls `check` in these seconds, `check` raises `LimitReached`, and the process goes on.
"""
LOOKS_EVERY = 0.25
SHORTER = "Split the work into smaller parts, with a call such as a step between them."
Clock = Callable[[], float]


class TimeSlice:
    """A limit on the processor time that code uses between two calls of the context.

    A `TimeSlice` is a context manager. The code inside the `with` block calls `check` now and then;
    `check` raises `LimitReached` once the time is used up. Each call of the context is made inside
    `with watch.resting()`. If the time is used up and the code calls neither `check` nor `resting`
    for two more seconds, the watch ends the process. In both cases the run fails with
    `LimitReached` and isn't retried.
    """

    place: str = ""
    """The line of the author's program that the error names, such as "orders.yaml, line 12"."""

    def __init__(self, fiber: Fiber, seconds: float) -> None:
        given: object = seconds
        if isinstance(given, bool) or not isinstance(given, int | float) or not given > 0:
            words = f"not {short_repr(given)}"
            raise OptionError(f"seconds of ctx.watch must be a number above 0, {words}.")
        self._fiber, self._seconds = fiber, seconds
        self._clock = clock_of(threading.get_ident())
        self._since = self._clock()
        self._rounds, self._is_resting = 0, False
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._fiber.check_usable()
        try:
            self._thread.start()
        except RuntimeError as error:  # out of threads, which isn't the code's fault
            raise MemoryError(str(error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def used(self) -> float:
        """The seconds of processor time since the last call of the context that was recorded."""
        return self._clock() - self._since

    def check(self) -> None:
        """Raise `LimitReached` if the code has used up its time."""
        if self.used > self._seconds:
            self.fail(self._words())

    def fail(self, message: str) -> NoReturn:
        """Raise `LimitReached` with this message; every later call of the context raises it."""
        self._fiber.interrupt(LimitReached(message))

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Don't count the time of the block; after the block, count from zero again.

        A block in which the code makes no call that the journal records doesn't set the count back
        to zero. Otherwise an endless loop of such blocks would never be stopped, because the other
        limits of the run count only recorded calls.
        """
        moves, used = self._fiber.moves, self.used
        self._is_resting = True
        try:
            yield
        finally:
            self._rounds += 1
            kept = used if self._fiber.moves == moves else 0
            self._since = self._clock() - kept
            self._is_resting = False

    def _words(self) -> str:
        where = f"{self.place}: the" if self.place else "The"
        return (
            f"{where} code has computed for more than {self._seconds:g} s without a step, "
            f"a question or another call of the context. {SHORTER}"
        )

    def _look(self) -> None:
        """End the process if the code has exceeded its time and doesn't call `check`.

        The thread of the watch runs this method.
        """
        while not self._is_over.wait(LOOKS_EVERY):
            if self.used > self._seconds + GRACE and not self._is_resting:
                rounds = self._rounds
                self._fiber.journal.abandon(self._end(), lambda: self._is_stuck(rounds))  # noqa: B023 (called at once)
                return

    def _is_stuck(self, rounds: int) -> bool:
        return not (self._is_over.is_set() or self._is_resting or self._rounds != rounds)

    def _end(self) -> Batch:
        recorder = self._fiber.recorder
        error: dict[str, Any] = error_payload(LimitReached(self._words()))
        if recorder.to_undo:
            undone = [
                f"{one.name} wasn't called: the process was ended." for one in recorder.to_undo
            ]
            error = {**error, "not_undone": undone}
        handoff = Handoff(RunStatus.FAILED, error=error)
        if recorder.has_children:
            handoff = replace(handoff, has_children=True)
        # Include the recorded events, which explain where the code was.
        return Batch(
            (*recorder.unwritten, NewEvent(EventKind.RUN_FAILED, data=error)), handoff=handoff
        )


def clock_of(thread: int) -> Clock:
    """Return a clock of the processor time that a thread has used, readable from other threads.

    The time in which the process waits for the processor, or is stopped as a whole, doesn't count.
    On systems where threads have no such clock, the clock of the process is returned.
    """
    clock_id = getattr(time, "pthread_getcpuclockid", None)
    if clock_id is None:
        return time.process_time
    own = clock_id(thread)
    return lambda: time.clock_gettime(own)
