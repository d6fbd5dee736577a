"""The protocol by which the rules of `lifecycle` use a store: rows, and no rules.

What a store must do itself has no body here. The rest says by the rows what it means, for a store
of plain objects in one process: no locks, nothing to save, nobody to tell. A database answers the
same by a statement, and conformance compares the two.

Everything happens in a transaction of the caller's. A run is locked before its children, and the
children before anything of the run is closed: closing a question locks its session, the last lock
of all.
"""

from procedures.engine.store.rows import (
    InputRow,
    PendingRow,
    Row,
    RunRow,
    SentSignal,
    SignalRow,
    WaitRow,
)
from procedures.engine.store.waits import Waits

__all__ = [
    "InputRow",
    "PendingRow",
    "Row",
    "RunRow",
    "SentSignal",
    "SignalRow",
    "Store",
    "WaitRow",
]


class Store(Waits):
    """Everything that the rules need of a store."""

    def left_at_end(self, run: Row, kind: str) -> tuple[bool, bool]:
        """Return whether an input of that kind isn't in the journal, and whether a wait is open."""
        return bool(self.inputs(run, kind)), bool(self.waits(run, is_open=True))
