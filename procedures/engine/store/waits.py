"""The rows of waits and of their children, as the rules of `lifecycle` use them."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from procedures.engine.journal.events import Event
from procedures.engine.store.inputs import Inputs
from procedures.engine.store.rows import Row, RunRow, WaitRow


class Waits(Inputs):
    """The part of a store for the rows of waits and their children."""

    @abstractmethod
    def insert_wait(
        self, run: Row, content: Mapping[str, Any], cells: Mapping[str, Any]
    ) -> WaitRow:
        """Insert an open wait, from the content of its opening event and the fields of its row."""

    def insert_closed(self, run: Row, waits: Sequence[tuple[dict[str, Any], Event, Event]]) -> None:
        """Insert waits that a fork takes over; each has its fields, opening and closing event."""
        for cells, opened, closed in waits:
            wait = self.insert_wait(run, opened.content, cells)
            self.close_wait(run, wait, closed.content)

    @abstractmethod
    def waits(
        self, run: Row, *, is_open: bool | None = None, most: int = 0, **cells: Any
    ) -> Sequence[WaitRow]:
        """Return the run's waits whose fields have these values (kind, key, signal, part_of).

        Closed waits come first, in the order in which they were closed. Open waits follow, in the
        order in which they were opened.
        """

    def latest_wait(self, run: Row, key: str) -> WaitRow | None:
        """Return the wait with that key that was opened last, or None."""
        return next(reversed(self.waits(run, key=key)), None)

    @abstractmethod
    def close_wait(
        self, run: Row, wait: Row, content: Mapping[str, Any], *, held_at: datetime | None = None
    ) -> None:
        """Close an open wait with the content of its closing event, and notify the layers above.

        If the wait closes with an answer that could be undone until now, `held_at` is the time at
        which that answer was given. It is stored as the time at which the wait was closed.
        """

    def tell_repeatable(self, run: Row, waits: Sequence[Row]) -> None:
        """Let the layers above close new questions that somebody has decided in advance.

        The other rows of the commit are already written. A store without such layers does nothing.
        """

    @abstractmethod
    def tell_held(self, run: Row, wait: Row, content: Mapping[str, Any]) -> None:
        """Notify the layers above of an answer that will close the wait unless it is undone.

        `content` is that of the closing event. The answer was given to this wait or, if the row has
        `held_for`, to that wait of the same set.
        """

    @abstractmethod
    def tell_released(self, run: Row, wait: Row) -> None:
        """Notify the layers above that an undone answer has left the wait as it was before."""

    @abstractmethod
    def reopen_wait(self, run: Row, wait: Row) -> None: ...
    @abstractmethod
    def closing_of(self, wait: Row) -> Mapping[str, Any]:
        """Return the content of the event that closed the wait."""

    # Sets

    def gather(self, whole: Row, keys: Collection[str]) -> None:
        """Make the newest waits with these keys parts of the set."""
        for key in keys:
            wait: Row = self.latest_wait(whole.run, key)
            wait.part_of = whole

    def leave_sets(self, run: Row, key: str) -> None:
        """Remove all waits with that key, closed ones too, from the sets they are part of."""
        some: Sequence[Row] = self.waits(run, key=key)
        for wait in some:
            wait.part_of = None

    def count_decided(self, whole: Row) -> int:
        """Return the number of the set's parts that are closed, or have a held answer."""
        parts: Sequence[Row] = self.waits(whole.run, part_of=whole)
        return sum(1 for wait in parts if wait.held or not wait.is_open)

    # Children

    @abstractmethod
    def code_for(self, run: Row, procedure: str) -> Any:
        """Return the code of the procedure with that name, as the run's own code would find it."""

    @abstractmethod
    def new_child(
        self, run: Row, wait: Row, code: Any, number: int, *, inputs: str, run_id: str
    ) -> Row:
        """Return an unsaved row for a new child; without `run_id`, the child gets a new id."""

    @abstractmethod
    def children(self, wait: Row) -> Sequence[RunRow]:
        """Return all children of the wait, in the order in which they began."""

    def below(self, run: Row) -> Sequence[RunRow]:
        """Return the children of all the run's waits, in order.

        Children that have ended and have no children of their own may be left out.
        """
        return [child for wait in self.waits(run) for child in self.children(wait)]

    def family(self, run: Row) -> Sequence[RunRow]:
        """Lock and return the runs below a run that haven't ended, and the ended runs between them.

        Other ended runs may be left out.
        """
        below = self.below(run)
        return [*below, *(deep for one in below for deep in self.family(one))]

    def children_alive(self, wait: Row) -> Sequence[RunRow]:
        """Return the wait's children; those that have ended or were cancelled may be left out."""
        return self.children(wait)

    def has_children(self, wait: Row) -> bool:
        return bool(self.children(wait))

    def numbers_of(self, wait: Row, status: str) -> tuple[set[int], set[int]]:
        """Return two sets of positions in a map: those with a child of that status, and the others.

        Several children share a position if one was started instead of another.
        """
        found = self.children(wait)
        done = {child.parent_number for child in found if child.status == status}
        return done, {child.parent_number for child in found} - done

    def newest_without(self, wait: Row, status: str) -> Sequence[RunRow]:
        """Lock and return the newest child at each position that has no child with `status`."""
        newest = {child.parent_number: child for child in self.children(wait)}
        _, left = self.numbers_of(wait, status)
        return [child for number, child in newest.items() if number in left]
