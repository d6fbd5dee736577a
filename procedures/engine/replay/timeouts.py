"""Timeouts of steps: an exception in the step and, if the step goes on, the end of its process."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

GRACE = 5.0
"""The number of seconds after a step's timeout at which its process is ended.

The process isn't ended if the step has ended by then.
"""


STOOD_STILL = 1.0
"""If the alarm and the watchdog are both late by more seconds than this, the process stood still.

A process stands still, for example, while its machine sleeps.
"""


class TimeIsUp(BaseException):
    """The exception in a step whose timeout has passed; `except Exception` doesn't catch it."""

    def __init__(self, *, stood_still: bool = False) -> None:
        super().__init__()
        self.stood_still = stood_still
        """True if the process stood still in the meantime, so that the step isn't to blame."""


@contextmanager
def time_limit(seconds: float, give_up: Callable[[], None]) -> Iterator[None]:
    """Raise `TimeIsUp` in the block if the block takes longer than `seconds`.

    If the block still runs `GRACE` seconds later, another thread calls `give_up`, which ends the
    process. No exception is raised in a block that runs outside the main thread, because only the
    main thread receives signals; there, only `give_up` is called.
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
    """A thread that calls `give_up` if a block of code runs `GRACE` seconds longer than it may."""

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
        """Return True if the process stood still while the timeout passed; an alarm calls this.

        An alarm can be late for another reason: a call in C has delayed it. Then the result is
        False, because this thread wasn't late, or because the process has used much processor time.
        """
        now = time.monotonic()
        late = min(now, self._noticed_at or now) - self._due
        worked = time.process_time() - self._worked
        return late > STOOD_STILL and worked < late / 2


class Alarm(threading.local):
    """The alarm of one thread, which raises `TimeIsUp` in the code that is executing.

    In a `with undisturbed` block, the alarm raises the exception only after the block. It doesn't
    raise the exception if the block itself raises one.
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
