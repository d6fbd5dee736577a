"""The processes that hold the pages of `bench.live`."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from bench.pages_process import PagePlan, run

PROCESSES = 2
LOOK = 0.05


class Clients:
    """The processes that hold the pages, which are divided equally between them."""

    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        pipes = [spawn.Pipe() for _ in range(PROCESSES)]
        self._pipes = [ours for ours, _ in pipes]
        self._processes = [
            spawn.Process(target=run, args=(theirs,), daemon=True) for _, theirs in pipes
        ]
        for process in self._processes:
            process.start()

    @property
    def pids(self) -> dict[str, int]:
        return {f"client_{n}": one.pid or 0 for n, one in enumerate(self._processes, 1)}

    def ask(self, verb: str, *given: Any) -> list[Any]:
        for pipe in self._pipes:
            pipe.send((verb, *given))
        return [pipe.recv() for pipe in self._pipes]

    def open(self, port: int, plans: Sequence[PagePlan]) -> None:
        for number, pipe in enumerate(self._pipes):
            pipe.send(("open", port, plans[number::PROCESSES]))
        for pipe in self._pipes:
            pipe.recv()

    def wait_for(self, number: int, pages: int, patience: float) -> bool:
        """Wait until the given number of pages have applied their stream up to a number."""
        return soon(lambda: sum(self.ask("reached", number)) >= pages, patience)

    def report(self) -> dict[str, list[Any]]:
        """Return each figure of all pages; pages are in no order."""
        reports = self.ask("report")
        return {
            name: list(chain.from_iterable(one[name] for one in reports)) for name in reports[0]
        }

    def in_order(self, verb: str) -> list[Any]:
        """Return each page's answer, in the order in which the pages were opened."""
        found = self.ask(verb)
        total = sum(map(len, found))
        return [found[number % PROCESSES][number // PROCESSES] for number in range(total)]

    def end(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(10)


def soon(condition: Callable[[], bool], patience: float) -> bool:
    """Wait until a condition is true; return False if it isn't in time."""
    until = time.monotonic() + patience
    while not (found := condition()) and time.monotonic() < until:
        time.sleep(LOOK)
    return found
