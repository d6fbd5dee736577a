"""Stopping a step that takes too long: first by an exception, then with its process."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

GRACE = 5.0
"""Seconds between the exception in the step and the end of its process."""


STOOD_STILL = 1.0
"""Seconds by which an alarm and a thread are both late only if their process was stopped."""


class TimeIsUp(BaseException):
    """Raised inside a step whose time is up; `except Exception` there does not catch it."""

    def __init__(self, *, stood_still: bool = False) -> None:
        super().__init__()
        self.stood_still = stood_still
        """True if the whole process was stopped meanwhile, which isn't the step's fault."""


@contextmanager
def time_limit(seconds: float, give_up: Callable[[], None]) -> Iterator[None]:
    """Raise `TimeIsUp` inside the block when its time is over.

    `give_up` is called from another thread if the block still runs `GRACE` seconds later, or if it
    runs in a thread that no signal reaches.
    """
    is_main = threading.current_thread() is threading.main_thread()
    watchdog = Watchdog(seconds, give_up)
    try:
        # Before the block is entered, since a step that no signal reaches has only this thread to
        # end it.
        watchdog.start()
    except RuntimeError as error:  # the machine has no more threads: not the step's fault
        raise MemoryError(str(error)) from error
    try:
        with _alarm_after(seconds, watchdog) if is_main else _nothing():
            yield
    finally:
        watchdog.cancel()


class Watchdog(threading.Thread):
    """A thread that notices when the time is over and gives up `GRACE` seconds later."""

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
        """Return True if the whole process had no turn when the time was over; asked by its alarm.

        An alarm held back by a call in C is late too, but then this thread was not late, or the
        call was using the processor.
        """
        now = time.monotonic()
        late = min(now, self._noticed_at or now) - self._due
        worked = time.process_time() - self._worked
        return late > STOOD_STILL and worked < late / 2


class Alarm(threading.local):
    """An alarm that raises `TimeIsUp`; inside its own block it is held back until the block's end.

    Each thread has its own. It is not raised if the block itself raises.
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
        # The timer before the handler: an alarm in between would meet the default handler, which
        # ends the process.
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        undisturbed.watchdog = None


@contextmanager
def _nothing() -> Iterator[None]:
    yield
