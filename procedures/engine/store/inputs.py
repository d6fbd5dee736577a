"""The rows of inputs from outside and of signals, as the rules of `lifecycle` use them."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from procedures.engine.journal.events import Batch, NewEvent
from procedures.engine.store.rows import InputRow, PendingRow, Row, SentSignal, SignalRow
from procedures.engine.store.runs import Runs


class Inputs(Runs):
    """The rows of inputs that come to runs from outside, and of signals."""

    def run_key(self, run_id: str) -> Any:
        """Return the key of the run that an event names by its id."""
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
        """Store an input for the journal of a run; `wait` is the wait whose child has ended."""

    @abstractmethod
    def inputs(self, run: Row, kind: str = "") -> Sequence[InputRow]:
        """Return the inputs that are not in the journal yet, or those of that kind."""

    def pending_inputs(self, run: Row) -> Sequence[PendingRow]:
        """Return all inputs that are not in the journal yet, in the order in which they came."""
        return self.inputs(run)

    def take_inputs(self, run: Row, some: Sequence[Row], drafts: Sequence[NewEvent]) -> None:
        """Append the events of these inputs for its writer, and note them as taken."""
        self.write(run, Batch(tuple(drafts)))
        self.note_brought(run, some)
        run.claims = 1

    @abstractmethod
    def note_brought(self, run: Row, some: Sequence[Row]) -> None:
        """Note that these inputs were brought to the run, which no event says of each."""

    @abstractmethod
    def ends_of(self, wait: Row, names: Collection[str] | None = None) -> Iterable[InputRow]:
        """Return the ends of its children that count, the newest last.

        With `names` only those of these numbers.
        """

    def set_aside(self, run: Row, some: Sequence[Row]) -> None:
        """Store these ends of children as history that no longer counts."""
        self.note_brought(run, some)
        for end in some:
            end.wait = None

    def is_called(self, run: Row) -> bool:
        """Return True if an input has come that is not in the journal yet."""
        return bool(self.inputs(run))

    def last_told(self, run: Row, kind: str, name: str) -> dict[str, Any]:
        """Return the content of the last input of that kind and name, or an empty dictionary."""
        told: list[Any] = [*self.events(run), *self.inputs(run, kind)]
        of_it = (one.content for one in reversed(told) if (one.kind, one.name) == (kind, name))
        return next(of_it, {})

    @abstractmethod
    def signals(self, run: Row, **cells: Any) -> Sequence[SignalRow]:
        """Return the signals with these values in their fields, in the order in which they came."""

    @abstractmethod
    def keep_signal(self, run: Row, sent: SentSignal) -> SignalRow: ...
