"""The protocol through which the rules of `lifecycle` use a store, which holds rows only.

Methods that every store must implement have no body here. The other methods have a default that
suits a store of plain objects in one process: no locks, nothing to save, nobody to notify. A
database implements them with SQL statements, and the conformance tests compare the two. The layers
above, which some methods notify, are packages such as `chat`: they receive the hooks of
`procedures`.

All calls happen in a transaction of the caller. A run is locked before its children, and the
children are locked before any wait of the run is closed: closing a question locks its session, and
this must be the last lock.
"""

from procedures.engine.store.rows import (
    InputRow,
    PendingRow,
    Row,
    RunRow,
    SentSignal,
    SignalRow,
    WaitCells,
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
    "WaitCells",
    "WaitRow",
]


class Store(Waits):
    """The whole interface of a store, for runs, inputs, signals, waits and children."""

    def left_at_end(self, run: Row, kind: str) -> tuple[bool, bool]:
        """Return two flags: if the run has an input of that kind, and if it has an open wait.

        Only inputs that aren't in the journal yet count.
        """
        return bool(self.inputs(run, kind)), bool(self.waits(run, is_open=True))
