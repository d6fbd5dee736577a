"""Stopping a step that takes too long: first by an exception, then by ending its process."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

GRACE = 5.0
"""The seconds from the exception that a timeout raises in a step until its process is ended."""


STOOD_STILL = 1.0
"""If both the alarm and the thread are late by more seconds than this, the process stood still."""


class TimeIsUp(BaseException):
    """An interruption of a step whose time is up, which `except Exception` doesn't catch."""

    def __init__(self, *, stood_still: bool = False) -> None:
        super().__init__()
        self.stood_still = stood_still
        """True if the whole process was stopped in the meantime, which isn't the step's fault."""


@contextmanager
def time_limit(seconds: float, give_up: Callable[[], None]) -> Iterator[None]:
    """Raise `TimeIsUp` inside the block once `seconds` have passed.

    `give_up` is called from another thread if the block still runs `GRACE` seconds later. In a
    thread other than the main one, which no signal reaches, only `give_up` is called.
    """
    is_main = threading.current_thread() is threading.main_thread()
    watchdog = Watchdog(seconds, give_up)
    try:
        # Start it before the block, because in a thread without signals, only the watchdog can end
        # the step.
        watchdog.start()
    except RuntimeError as error:  # out of threads, which isn't the step's fault
        raise MemoryError(str(error)) from error
    try:
        with _alarm_after(seconds, watchdog) if is_main else _nothing():
            yield
    finally:
        watchdog.cancel()


class Watchdog(threading.Thread):
    """A thread that calls `give_up` if the block runs on for `GRACE` seconds after its time."""

    def __init__(self, seconds: float, give_up: Callable[[], None]) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._seconds, self._give_up = seconds, give_up
        self._is_over = threading.Event()
        self._due, self._worked = time.monotonic() + seconds, time.process_time()
        self._noticed_at: float | None = None

    def run(self) -> None:
        if self._is_over.wait(self._seconds):
            return
        self._noticed_at = time.monotonic()
        if not self._is_over.wait(GRACE):
            self._give_up()

    def cancel(self) -> None:
        self._is_over.set()

    def stood_still(self) -> bool:
        """Return True if the whole process stood still as the time ran out; the alarm calls this.

        An alarm can also be late because a call in C held it back; then this thread wasn't late, or
        the process has used the processor. In that case, the result is False.
        """
        now = time.monotonic()
        late = min(now, self._noticed_at or now) - self._due
        worked = time.process_time() - self._worked
        return late > STOOD_STILL and worked < late / 2


class Alarm(threading.local):
    """An alarm that raises `TimeIsUp`; a `with undisturbed` block delays the error until its end.

    Each thread has its own alarm. The error isn't raised if that block itself raises.
    """

    is_held_back = False
    is_due: TimeIsUp | None = None
    watchdog: Watchdog | None = None

    def __enter__(self) -> None:
        self.is_held_back = True

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self.is_held_back = False
        is_due, self.is_due = self.is_due, None
        if is_due and error is None:
            raise is_due

    def ring(self, _number: int, _frame: FrameType | None) -> Any:
        time_is_up = TimeIsUp(stood_still=bool(self.watchdog and self.watchdog.stood_still()))
        if not self.is_held_back:
            raise time_is_up
        self.is_due = time_is_up


undisturbed = Alarm()


@contextmanager
def _alarm_after(seconds: float, watchdog: Watchdog) -> Iterator[None]:
    undisturbed.watchdog = watchdog
    before = signal.signal(signal.SIGALRM, undisturbed.ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        # Stop the timer before restoring the handler: an alarm in between would meet the default
        # handler, which ends the process.
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        undisturbed.watchdog = None


@contextmanager
def _nothing() -> Iterator[None]:
    yield
