"""Threads that run one at a time: whoever holds the baton, until it comes to a cut."""

import threading
from collections.abc import Callable
from enum import StrEnum


class Order(StrEnum):
    """The schedule's act on a strand at a cut."""

    GO = "goes on"
    CRASH = "crashes"
    LOST = "what it sends is lost"
    LATE = "what it sends arrives later"
    UNHEARD = "the reply is lost"


class Crash(KeyboardInterrupt):
    """The process ends here: derived so that nothing in the engine keeps it from ending."""


class Strand:
    """One process of the world: does its duty from cut to cut, and only when it is told to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.at = ""
        """The cut it stands at; "" when it has nothing to do."""
        self.is_stalled = False
        """True if it is stopped as by SIGSTOP: it holds what it holds, and does nothing."""
        self._duty: Callable[[], object] | None = None
        self._order = Order.GO
        self._failure: BaseException | None = None
        self._here, self._there = threading.Lock(), threading.Lock()
        self._here.acquire()
        self._there.acquire()
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        return self._duty is None

    def begin(self, at: str, duty: Callable[[], object]) -> None:
        """Have something to do from the next time it is told to go on."""
        self.at, self._duty = at, duty

    def go_on(self, order: Order = Order.GO) -> None:
        """Hand over the baton; comes back at the next cut, or when the duty is done."""
        self._order = order
        self._here.release()
        self._there.acquire()
        if self._failure:
            raise self._failure

    def cut(self, at: str) -> Order:
        """Called from inside: hand the baton back, and wait to be told how to go on."""
        self.at = at
        self._there.release()
        self._here.acquire()
        if self._order == Order.CRASH:
            raise Crash
        return self._order

    def end(self) -> None:
        """Crash whatever it does, and end its thread."""
        if not self.is_idle:
            self.go_on(Order.CRASH)
        self._here.release()
        self._thread.join()

    def _live(self) -> None:
        while True:
            self._here.acquire()
            if self._duty is None:
                return
            try:
                if self._order != Order.CRASH:
                    self._duty()
            except Crash:
                pass
            except BaseException as failure:  # noqa: BLE001 (told to whoever handed the baton)
                self._failure = failure
            self._duty, self.at, self.is_stalled = None, "", False
            self._there.release()
