"""The rows of inputs to runs and of signals, as the rules of `lifecycle` use them."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from procedures.engine.journal.events import Batch, NewEvent
from procedures.engine.store.rows import InputRow, PendingRow, Row, SentSignal, SignalRow
from procedures.engine.store.runs import Runs


class Inputs(Runs):
    """The part of a store for the rows of inputs to runs, and of signals."""

    def run_key(self, run_id: str) -> Any:
        """Return the primary key of the run whose id stands in an event as `run_id`."""
        return run_id

    @abstractmethod
    def put_input(
        self,
        run_id: Any,
        draft: NewEvent,
        *,
        wait: Row = None,
        at: datetime | None = None,
        is_counted: bool = False,
    ) -> None:
        """Store an input for a run's journal.

        If the input reports a child's end, `wait` is the parent's wait for that child.
        """

    @abstractmethod
    def inputs(self, run: Row, kind: str = "") -> Sequence[InputRow]:
        """Return the inputs that aren't in the journal yet, all of them or those of one kind."""

    def pending_inputs(self, run: Row) -> Sequence[PendingRow]:
        """Return all inputs that aren't in the journal yet, in the order in which they came."""
        return self.inputs(run)

    def take_inputs(self, run: Row, some: Sequence[Row], drafts: Sequence[NewEvent]) -> None:
        """Append these events to the journal, and mark the inputs they were made from as taken."""
        self.write(run, Batch(tuple(drafts)))
        self.note_brought(run, some)
        run.claims = 1

    @abstractmethod
    def note_brought(self, run: Row, some: Sequence[Row]) -> None:
        """Mark these inputs as taken, although the journal has no event for each of them."""

    @abstractmethod
    def ends_of(self, wait: Row, names: Collection[str] | None = None) -> Iterable[InputRow]:
        """Return the inputs that report ended children of the wait and still count, newest last.

        `names` limits the result to the children at these positions in the map.
        """

    def set_aside(self, run: Row, some: Sequence[Row]) -> None:
        """Mark these reports of ended children as outdated, so that they no longer count."""
        self.note_brought(run, some)
        for end in some:
            end.wait = None

    def is_called(self, run: Row) -> bool:
        """Return True if the run has an input that isn't in the journal yet."""
        return bool(self.inputs(run))

    def newest_content(self, run: Row, kind: str, name: str) -> dict[str, Any]:
        """Return the content of the newest event or input of that kind and name; {} without one."""
        told: list[Any] = [*self.events(run), *self.inputs(run, kind)]
        of_it = (one.content for one in reversed(told) if (one.kind, one.name) == (kind, name))
        return next(of_it, {})

    @abstractmethod
    def signals(self, run: Row, **cells: Any) -> Sequence[SignalRow]:
        """Return the run's signals whose fields have these values, in the order they came in."""

    @abstractmethod
    def keep_signal(self, run: Row, sent: SentSignal) -> SignalRow: ...
