"""The methods of a store for what is sent to runs and isn't in a journal yet.

Answers, signals, operations and the ends of child runs are sent. The rules of `lifecycle` call
these methods.
"""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from procedures.engine.journal.events import Batch, NewEvent
from procedures.engine.store.rows import InputRow, PendingRow, Row, SentSignal, SignalRow
from procedures.engine.store.runs import Runs


class Inputs(Runs):
    """The methods of a store for what is sent to runs and isn't in a journal yet."""

    def run_key(self, run_id: str) -> Any:
        """Return the primary key of a run whose id, as text, is `run_id`."""
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
        """Store an input to a run, which the run's next claim writes to the journal.

        `wait` is the parent's wait, if the input reports the end of a child run. `at` is the time
        of the input, by default the present time. Inputs with `is_counted=True` get consecutive
        numbers, so that a check finds out if one of their rows was removed.
        """

    @abstractmethod
    def inputs(self, run: Row, kind: str = "") -> Sequence[InputRow]:
        """Return the run's inputs that aren't in the journal yet.

        With `kind`, only inputs of this kind are returned.
        """

    def pending_inputs(self, run: Row) -> Sequence[PendingRow]:
        """Return a run's inputs that aren't in the journal yet, in the order of their storing."""
        return self.inputs(run)

    def take_inputs(self, run: Row, some: Sequence[Row], drafts: Sequence[NewEvent]) -> None:
        """Append the events `drafts` to the journal, and mark the inputs `some` as taken.

        The events were made from these inputs.
        """
        self.write(run, Batch(tuple(drafts)))
        self.note_brought(run, some)
        run.claims = 1

    @abstractmethod
    def note_brought(self, run: Row, some: Sequence[Row]) -> None:
        """Mark the inputs `some` as taken without an event: a rule has applied them to the rows."""

    @abstractmethod
    def ends_of(self, wait: Row, names: Collection[str] | None = None) -> Iterable[InputRow]:
        """Return the inputs that report ends of the wait's child runs, the newest last.

        Reports that `set_aside` has marked are left out. `names` are positions in a map, such as
        "0" and "12"; with `names`, only the child runs at these positions count.
        """

    def set_aside(self, run: Row, some: Sequence[Row]) -> None:
        """Mark reports of ended child runs as outdated, because these child runs continue."""
        self.note_brought(run, some)
        for end in some:
            end.wait = None

    def is_called(self, run: Row) -> bool:
        """Return True if the run has an input that isn't in the journal yet."""
        return bool(self.inputs(run))

    def newest_content(self, run: Row, kind: str, name: str) -> dict[str, Any]:
        """Return the content of the newest event or input with this kind and name, or {}."""
        rows: list[Any] = [*self.events(run), *self.inputs(run, kind)]
        of_it = (one.content for one in reversed(rows) if (one.kind, one.name) == (kind, name))
        return next(of_it, {})

    @abstractmethod
    def signals(self, run: Row, **cells: Any) -> Sequence[SignalRow]:
        """Return the signals sent to a run, in the order of their sending.

        `cells` are values that the fields of the rows must have, such as `name="paid", wait=None`.
        """

    @abstractmethod
    def keep_signal(self, run: Row, sent: SentSignal) -> SignalRow: ...
