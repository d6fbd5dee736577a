"""The world outside of the runs, where effects happen and cannot be taken back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from procedures.engine import Step


@dataclass(frozen=True)
class Effect:
    """Something that happened, with the key that lets the outside tell doubles."""

    key: str
    what: str
    amount: int
    attempt: int


class Ledger(Protocol):
    """A ledger of the acts of steps and of the answers that procedures got."""

    def quote(self, item: str) -> int:
        """A price: another one whenever it is asked for."""
        ...

    def perform(self, step: Step, what: str, amount: int) -> str:
        """Let it happen; returns a receipt, another one each time. Fails now and then."""
        ...

    def write(self, step: Step) -> None:
        """A row of its own, kept if and when the step is."""
        ...

    def heard(self, run_id: str, key: str, prompt: str) -> None:
        """The code takes what it was answered as an answer to this."""
        ...


_open: list[Ledger] = []


def ledger() -> Ledger:
    return _open[-1]


@contextmanager
def writing_to(one: Ledger) -> Iterator[None]:
    _open.append(one)
    try:
        yield
    finally:
        _open.pop()
