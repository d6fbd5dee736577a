"""The site's clock: a thread in the worker that listens to the queue `clock`."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError, connections

logger = logging.getLogger(__name__)
TICK = 1.0
"""Seconds between two checks for duties that are due."""
LONGEST_END = 5.0
"""Seconds for which the worker's end waits for a duty that is running."""


@dataclass
class Duty:
    """A function that the clock calls again and again."""

    what: str
    every: float
    """Seconds between two starts."""
    do: Callable[[], object]
    next_at: float = field(default=0.0, init=False)


class Ticker:
    """A thread that runs its duties one at a time, by this machine's monotonic clock.

    It doesn't depend on messages: their expiry would compare the clocks of two hosts, and a full or
    unreachable broker would stop the site. Two tickers at once do no harm.
    """

    def __init__(self, duties: list[Duty], is_wanted: Callable[[], bool]) -> None:
        self._duties = duties
        self._is_wanted = is_wanted
        self._has_ended = threading.Event()
        self.is_busy = False
        """True while duties are looked for or run."""
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Start no more duties."""
        self._has_ended.set()

    def join(self) -> None:
        """Wait up to `LONGEST_END` seconds for a duty that is running."""
        self._thread.join(LONGEST_END)

    def _run(self) -> None:
        while not self._has_ended.is_set():
            began = time.monotonic()
            # Before the question, so that nobody finds it idle who has just made the answer a no.
            self.is_busy = True
            if self._is_wanted():
                self._do_what_is_due(began)
            self.is_busy = False
            # From the start of the turn, so that long duties don't stretch the second; a wait
            # rather than a sleep, so that the end interrupts it.
            self._has_ended.wait(max(0.0, began + TICK - time.monotonic()))

    def _do_what_is_due(self, now: float) -> None:
        try:
            for duty in self._duties:
                if duty.next_at <= now and not self._has_ended.is_set():
                    # Before it is done: a duty that fails at once must not be repeated without a
                    # pause.
                    duty.next_at = now + duty.every
                    _do(duty)
        finally:
            # No request ends in this thread: a connection that broke would be used again at each
            # tick.
            connections.close_all()


def _do(duty: Duty) -> None:
    try:
        duty.do()
    except (OperationalError, InterfaceError) as error:
        reason = " ".join(str(error).split())
        logger.warning("The clock couldn't %s and will try again: %s", duty.what, reason)
    except Exception:
        logger.exception("The clock couldn't %s and will try again.", duty.what)
