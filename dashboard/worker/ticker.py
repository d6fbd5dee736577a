"""A thread that runs the site's periodic tasks, in the worker that serves the queue `clock`."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError, connections

logger = logging.getLogger(__name__)
TICK = 1.0
"""The seconds between two checks for tasks that are due."""
LONGEST_END = 5.0
"""The maximum number of seconds for which a stopping worker waits for a task to end."""


@dataclass
class PeriodicTask:
    """A function that the ticker calls at regular intervals."""

    what: str
    every: float
    """The seconds between the beginnings of two calls."""
    do: Callable[[], object]
    next_at: float = field(default=0.0, init=False)


class Ticker:
    """A thread that runs periodic tasks one after another, by the monotonic clock of its machine.

    It sends no messages to itself: a broker that is full or unreachable would stop the site, and
    the expiry of messages would depend on the clocks of two machines. Two tickers at once do no
    harm.
    """

    def __init__(self, tasks: list[PeriodicTask], is_wanted: Callable[[], bool]) -> None:
        self._tasks = tasks
        self._is_wanted = is_wanted
        self._has_ended = threading.Event()
        self.is_busy = False
        """True while the ticker checks for due tasks or runs one."""
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Start no further tasks; a task that is running continues."""
        self._has_ended.set()

    def join(self) -> None:
        """Wait until the running task has ended, but at most `LONGEST_END` seconds."""
        self._thread.join(LONGEST_END)

    def _run(self) -> None:
        while not self._has_ended.is_set():
            began = time.monotonic()
            # Set first, so that nobody finds the ticker idle who has just made `_is_wanted` False.
            self.is_busy = True
            if self._is_wanted():
                self._do_what_is_due(began)
            self.is_busy = False
            # Counted from the start of the turn, so that long tasks don't delay the next turn; a
            # wait instead of a sleep, so that `stop` interrupts it.
            self._has_ended.wait(max(0.0, began + TICK - time.monotonic()))

    def _do_what_is_due(self, now: float) -> None:
        try:
            for task in self._tasks:
                if task.next_at <= now and not self._has_ended.is_set():
                    # Set before the task runs, so that a task that fails at once isn't repeated
                    # without a pause.
                    task.next_at = now + task.every
                    _do(task)
        finally:
            # No request ends in this thread, so a broken connection would be used at each tick.
            connections.close_all()


def _do(task: PeriodicTask) -> None:
    try:
        task.do()
    except (OperationalError, InterfaceError) as error:
        reason = " ".join(str(error).split())
        logger.warning("The clock process couldn't %s and will try again: %s", task.what, reason)
    except Exception:
        logger.exception("The clock process couldn't %s and will try again.", task.what)
