"""Stopping a step that takes too long: first by an exception, then with its whole process."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

GRACE = 5.0
"""Seconds between the exception in the step and the end of its process."""


class TimeIsUp(BaseException):
    """Raised inside the step; no error, so that `except Exception` there does not keep it."""


@contextmanager
def time_limit(seconds: float, give_up: Callable[[], None]) -> Iterator[None]:
    """Raise `TimeIsUp` inside the block when its time is over.

    `give_up` is called from another thread when the block still runs `GRACE` seconds later, or
    when it runs in a thread that no signal reaches.
    """
    is_main = threading.current_thread() is threading.main_thread()
    watchdog = threading.Timer(seconds + GRACE, give_up)
    watchdog.daemon = True
    try:
        watchdog.start()
    except RuntimeError as error:  # the machine has no more threads: not the step's fault
        raise MemoryError(str(error)) from error
    try:
        with _alarm_after(seconds) if is_main else _nothing():
            yield
    finally:
        watchdog.cancel()


class Alarm(threading.local):
    """Raises `TimeIsUp`; inside its block no time is up, but at its end, if nothing else is raised.

    One of its own in each thread.
    """

    is_held_back = False
    is_due = False

    def __enter__(self) -> None:
        self.is_held_back = True

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self.is_held_back = False
        is_due, self.is_due = self.is_due, False
        if is_due and error is None:
            raise TimeIsUp

    def ring(self, _number: int, _frame: FrameType | None) -> Any:
        self.is_due = self.is_held_back
        if not self.is_held_back:
            raise TimeIsUp


undisturbed = Alarm()


@contextmanager
def _alarm_after(seconds: float) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, undisturbed.ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _nothing() -> Iterator[None]:
    yield
