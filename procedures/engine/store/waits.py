"""The rows of waits and of their children, as the rules of `lifecycle` use them."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from procedures.engine.journal.events import Event
from procedures.engine.store.inputs import Inputs
from procedures.engine.store.rows import Row, RunRow, WaitRow


class Waits(Inputs):
    """The methods of a store for the rows of waits, and of the child runs that they wait for."""

    @abstractmethod
    def insert_wait(
        self, run: Row, content: Mapping[str, Any], cells: Mapping[str, Any]
    ) -> WaitRow:
        """Insert the row of an open wait, with the fields `cells`.

        `content` is the content of the event that opened the wait.
        """

    def insert_closed(self, run: Row, waits: Sequence[tuple[dict[str, Any], Event, Event]]) -> None:
        """Insert the closed waits that a fork takes over.

        For each wait, `waits` has the fields of its row, its opening event and its closing event.
        """
        for cells, opened, closed in waits:
            wait = self.insert_wait(run, opened.content, cells)
            self.close_wait(run, wait, closed.content)

    @abstractmethod
    def waits(
        self, run: Row, *, is_open: bool | None = None, most: int = 0, **cells: Any
    ) -> Sequence[WaitRow]:
        """Return a run's waits: the closed ones in the order of their closing, then the open ones.

        The open waits are in the order in which they were opened. With `is_open`, only open or only
        closed waits are returned; with `most`, at most this number. `cells` are values that the
        fields of the rows must have, such as `kind="signal", signal="paid"`.
        """

    def latest_wait(self, run: Row, key: str) -> WaitRow | None:
        """Return the newest wait with this key, which may be closed; None if there is none."""
        return next(reversed(self.waits(run, key=key)), None)

    @abstractmethod
    def close_wait(
        self, run: Row, wait: Row, content: Mapping[str, Any], *, held_at: datetime | None = None
    ) -> None:
        """Close an open wait, and notify packages such as `chat`.

        `content` is the content of the closing event. If the wait closes with an answer that was
        held until now, `held_at` is the time at which the answer was given, and is stored as the
        time of the closing.
        """

    def tell_repeatable(self, run: Row, waits: Sequence[Row]) -> None:
        """Let packages such as `chat` answer new questions by standing decisions.

        All other rows of the commit are written already. Without such packages, nothing happens.
        """

    @abstractmethod
    def tell_held(self, run: Row, wait: Row, content: Mapping[str, Any]) -> None:
        """Notify packages such as `chat` of an answer that closes the wait unless it is undone.

        `content` is that of the later closing event. If the row's `held_for` isn't None, the answer
        was given to the wait `held_for` of the same set, and makes this wait unneeded.
        """

    @abstractmethod
    def tell_released(self, run: Row, wait: Row) -> None:
        """Notify packages such as `chat` that people can answer again after an undo."""

    @abstractmethod
    def reopen_wait(self, run: Row, wait: Row) -> None: ...
    @abstractmethod
    def closing_of(self, wait: Row) -> Mapping[str, Any]:
        """Return the content of the event that closed the wait."""

    # Sets

    def gather(self, whole: Row, keys: Collection[str]) -> None:
        """Make the newest wait with each of these keys a part of the set `whole`."""
        for key in keys:
            wait: Row = self.latest_wait(whole.run, key)
            wait.part_of = whole

    def leave_sets(self, run: Row, key: str) -> None:
        """Take all waits with this key, also closed ones, out of the sets that they are part of."""
        some: Sequence[Row] = self.waits(run, key=key)
        for wait in some:
            wait.part_of = None

    def count_decided(self, whole: Row) -> int:
        """Return the number of waits in the set `whole` that are closed or have a held answer."""
        parts: Sequence[Row] = self.waits(whole.run, part_of=whole)
        return sum(1 for wait in parts if wait.held or not wait.is_open)

    # Children

    @abstractmethod
    def code_for(self, run: Row, procedure: str) -> Any:
        """Return the code of the procedure that the run calls by the name `procedure`.

        A procedure from the run's own procedure file comes first; else the newest version counts.
        """

    @abstractmethod
    def new_child(
        self, run: Row, wait: Row, code: Any, number: int, *, inputs: str, run_id: str
    ) -> Row:
        """Return a new row for a child run, which isn't inserted yet.

        `number` is the position of the child in a map, and `run_id` its id. If `run_id` is "", the
        child gets a new id.
        """

    @abstractmethod
    def children(self, wait: Row) -> Sequence[RunRow]:
        """Return all child runs of a wait, in the order in which they were started."""

    def below(self, run: Row) -> Sequence[RunRow]:
        """Return the child runs of all waits of a run, wait by wait.

        Child runs that have ended and have no child runs themselves may be missing. So may child
        runs that continue after the end of their parent (`on_parent_end="abandon"`).
        """
        return [child for wait in self.waits(run) for child in self.children(wait)]

    def family(self, run: Row) -> Sequence[RunRow]:
        """Lock and return the descendants of a run that haven't ended.

        An ended descendant is also locked and returned if descendants of its own haven't ended. The
        result may contain other ended runs, too.
        """
        below = self.below(run)
        return [*below, *(deep for one in below for deep in self.family(one))]

    def children_alive(self, wait: Row) -> Sequence[RunRow]:
        """Return a wait's child runs; those that have ended or were cancelled may be missing."""
        return self.children(wait)

    def has_children(self, wait: Row) -> bool:
        return bool(self.children(wait))

    def numbers_of(self, wait: Row, status: str) -> tuple[set[int], set[int]]:
        """Return the positions in a map where a child run has `status`, and the other positions.

        A position has several child runs if a retry has started a new one in place of an old one.
        """
        found = self.children(wait)
        done = {child.parent_number for child in found if child.status == status}
        return done, {child.parent_number for child in found} - done

    def newest_without(self, wait: Row, status: str) -> Sequence[RunRow]:
        """Lock and return the newest child run at each position where no child run has `status`."""
        newest = {child.parent_number: child for child in self.children(wait)}
        _, left = self.numbers_of(wait, status)
        return [child for number, child in newest.items() if number in left]
