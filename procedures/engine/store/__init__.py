"""The interface of a store, which holds the rows of runs, of waits, and of what is sent to runs.

The rules in `lifecycle` use this interface. A store decides nothing by itself.

Every store must implement the methods that are abstract. The other methods have a default, which
suits a store of plain objects in one process: it locks nothing, saves nothing and notifies nobody.
The store over a database replaces the defaults with SQL statements. The conformance tests run over
both stores, and compare their results.

Some methods notify packages such as `chat` by the hooks of `procedures`.

The caller of every method has begun a transaction. A run is locked before its child runs. The child
runs are locked before any wait of the run is closed, because the closing of a question locks the
question's session, and nothing may be locked after a session.
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
    """A store with all methods that the rules use: for runs, waits, and what is sent to runs."""

    def left_at_end(self, run: Row, kind: str) -> tuple[bool, bool]:
        """Return two flags: whether something of this kind is pending, and whether waits are open.

        Something is pending if it was sent to the run and isn't in the journal yet.
        """
        return bool(self.inputs(run, kind)), bool(self.waits(run, is_open=True))
