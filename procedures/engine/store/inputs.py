"""The methods of a store for what is sent to runs and isn't in a journal yet.

Such things are answers, signals, operations, and reports of ended child runs. Each of them has a
row, which the methods call an input. The rules of `lifecycle` call these methods.
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
        """Store something that was sent to a run; the run's next claim takes it in.

        `wait` is the parent's wait, if the end of a child run is reported. `at` is the time of the
        sending, by default the present time. Rows with `is_counted=True` get consecutive numbers,
        so that a check finds out if one of these rows was removed.
        """

    @abstractmethod
    def inputs(self, run: Row, kind: str = "") -> Sequence[InputRow]:
        """Return the rows of what was sent to the run and isn't in the journal yet.

        With `kind`, only rows of this kind are returned.
        """

    def pending_inputs(self, run: Row) -> Sequence[PendingRow]:
        """Return what was sent to the run and isn't in the journal yet, oldest first."""
        return self.inputs(run)

    @abstractmethod
    def hold(
        self, run: Row, some: Sequence[Row], drafts: Sequence[NewEvent], *, is_all: bool = False
    ) -> None:
        """Store that a new claim holds the run; earlier claims can't append events any more.

        The events `drafts` are appended to the journal, and the rows `some`, from which they were
        made, are marked as taken. With `is_all`, nothing else is written in this transaction,
        neither before nor after, so the store may commit it.
        """

    def take_inputs(self, run: Row, some: Sequence[Row], drafts: Sequence[NewEvent]) -> None:
        """Append the events `drafts` to the journal, and mark the rows `some` as taken.

        The events were made from these rows.
        """
        self.write(run, Batch(tuple(drafts)))
        self.note_brought(run, some)
        run.claims = 1

    @abstractmethod
    def note_brought(self, run: Row, some: Sequence[Row]) -> None:
        """Mark the rows `some` as taken without an event, because a rule has applied them."""

    @abstractmethod
    def ends_of(self, wait: Row, names: Collection[str] | None = None) -> Iterable[InputRow]:
        """Return the reports of ended child runs of the wait, the newest last.

        Reports that `set_aside` has marked are left out. `names` are positions in a map, such as
        "0" and "12"; with `names`, only the child runs at these positions count.
        """

    def set_aside(self, run: Row, some: Sequence[Row]) -> None:
        """Mark reports of ended child runs as outdated, because these child runs continue."""
        self.note_brought(run, some)
        for end in some:
            end.wait = None

    def is_called(self, run: Row) -> bool:
        """Return True if something was sent to the run that isn't in the journal yet."""
        return bool(self.inputs(run))

    def newest_content(self, run: Row, kind: str, name: str) -> dict[str, Any]:
        """Return the content of the newest event with this kind and name, or {}.

        What was sent to the run as such an event counts before it is in the journal.
        """
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
