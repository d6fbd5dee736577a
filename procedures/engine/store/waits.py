"""The rows of waits and of their children, as the rules of `lifecycle` use them."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from procedures.engine.journal.events import Event
from procedures.engine.store.inputs import Inputs
from procedures.engine.store.rows import Row, RunRow, WaitRow


class Waits(Inputs):
    """The rows of waits, and of their children."""

    @abstractmethod
    def insert_wait(
        self, run: Row, content: Mapping[str, Any], cells: Mapping[str, Any]
    ) -> WaitRow:
        """Store a new wait: the content of its opening, and the fields of its row."""

    def insert_closed(self, run: Row, waits: Sequence[tuple[dict[str, Any], Event, Event]]) -> None:
        """Store waits taken over with their outcome: fields, opening and closing of each."""
        for cells, opened, closed in waits:
            wait = self.insert_wait(run, opened.content, cells)
            self.close_wait(run, wait, closed.content)

    @abstractmethod
    def waits(
        self, run: Row, *, is_open: bool | None = None, most: int = 0, **cells: Any
    ) -> Sequence[WaitRow]:
        """Return its waits with these values in their fields (kind, key, signal, part_of).

        Closed ones come in the order in which they were closed, then open ones in the order in
        which they were opened.
        """

    def latest_wait(self, run: Row, key: str) -> WaitRow | None:
        """Return the wait of that key that was opened last."""
        return next(reversed(self.waits(run, key=key)), None)

    @abstractmethod
    def close_wait(self, run: Row, wait: Row, content: Mapping[str, Any]) -> None:
        """Store how an open wait is closed, and tell the layers above."""

    @abstractmethod
    def reopen_wait(self, run: Row, wait: Row) -> None: ...
    @abstractmethod
    def closing_of(self, wait: Row) -> Mapping[str, Any]:
        """Return how a closed wait was closed."""

    # Sets

    def gather(self, whole: Row, keys: Collection[str]) -> None:
        """Make the newest waits of these keys the parts of the set."""
        for key in keys:
            wait: Row = self.latest_wait(whole.run, key)
            wait.part_of = whole

    def leave_sets(self, run: Row, key: str) -> None:
        """Take all waits of that key, closed ones too, out of their sets."""
        some: Sequence[Row] = self.waits(run, key=key)
        for wait in some:
            wait.part_of = None

    def count_closed(self, whole: Row) -> int:
        """Return the number of the set's parts that are closed."""
        return len(self.waits(whole.run, is_open=False, part_of=whole))

    # Children

    @abstractmethod
    def code_for(self, run: Row, procedure: str) -> Any:
        """Return the code that a run means by a procedure's name."""

    @abstractmethod
    def new_child(
        self, run: Row, wait: Row, code: Any, number: int, *, inputs: str, run_id: str
    ) -> Row:
        """Return the row of a new child, not kept yet; without `run_id` its id is made here."""

    @abstractmethod
    def children(self, wait: Row) -> Sequence[RunRow]:
        """Return all its children, in order."""

    def below(self, run: Row) -> Sequence[RunRow]:
        """Return the children of all its waits, in order.

        Ended ones without children may be left out.
        """
        return [child for wait in self.waits(run) for child in self.children(wait)]

    def family(self, run: Row) -> Sequence[RunRow]:
        """Lock and return the runs below it that continue, and ended ones above them.

        Others may be left out.
        """
        below = self.below(run)
        return [*below, *(deep for one in below for deep in self.family(one))]

    def children_alive(self, wait: Row) -> Sequence[RunRow]:
        """Return its children; ended ones, and those asked to end, may be left out."""
        return self.children(wait)

    def has_children(self, wait: Row) -> bool:
        return bool(self.children(wait))

    def numbers_of(self, wait: Row, status: str) -> tuple[set[int], set[int]]:
        """Return the numbers in which a child has that status, and those in which none has."""
        found = self.children(wait)
        done = {child.parent_number for child in found if child.status == status}
        return done, {child.parent_number for child in found} - done

    def newest_without(self, wait: Row, status: str) -> Sequence[RunRow]:
        """Lock and return the newest child of each number in which none has that status."""
        newest = {child.parent_number: child for child in self.children(wait)}
        _, left = self.numbers_of(wait, status)
        return [child for number, child in newest.items() if number in left]
