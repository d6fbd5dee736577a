"""The rows of inputs from outside, as the rules of `lifecycle` use them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from procedures.engine.journal.events import NewEvent
from procedures.engine.store.rows import InputRow, PendingRow, Row


class Inputs(Protocol):
    """The rows of inputs that come to runs from outside."""

    def run_key(self, run_id: str) -> Any:
        """Return the key of the run that an event names by its id."""
        ...

    def put_input(
        self,
        run_id: Any,
        draft: NewEvent,
        *,
        wait: Row = None,
        at: datetime | None = None,
        is_counted: bool = False,
    ) -> None:
        """Keep an input for the journal of a run; `wait` is the wait whose child has ended."""
        ...

    def inputs(self, run: Row, kind: str) -> Sequence[InputRow]:
        """Return the inputs of that kind that are not in the journal yet."""
        ...

    def pending_inputs(self, run: Row) -> Sequence[PendingRow]:
        """Return all inputs that are not in the journal yet, in the order in which they came."""
        ...

    def take_inputs(self, run: Row, some: Sequence[Row], drafts: Sequence[NewEvent]) -> None:
        """Append the events of these inputs for its writer, and note them as taken."""
        ...

    def note_brought(self, run: Row, some: Sequence[Row]) -> None:
        """Note that these inputs were brought to the run, which no event says of each."""
        ...

    def set_aside(self, run: Row, some: Sequence[Row]) -> None:
        """Keep these ends of children as history that no longer counts."""
        ...

    def ends_of(self, wait: Row, names: Collection[str] | None = None) -> Iterable[InputRow]:
        """Return the ends of its children that count, the newest last.

        With `names` only those of these numbers.
        """
        ...

    def is_called(self, run: Row) -> bool:
        """Return True if an input has come that is not in the journal yet."""
        ...

    def left_at_end(self, run: Row, kind: str) -> tuple[bool, bool]:
        """Return whether an input of that kind isn't in the journal, and whether a wait is open."""
        ...

    def last_told(self, run: Row, kind: str, name: str) -> dict[str, Any]:
        """Return the content of the last input of that kind and name, or an empty dictionary."""
        ...
