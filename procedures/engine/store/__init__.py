"""The protocol by which the rules of `lifecycle` use a store: rows, and no rules.

Everything happens in a transaction of the caller's. A run is locked before its children, and the
children before anything of the run is closed: closing a question locks its session, the last lock
of all.
"""

from typing import Protocol

from procedures.engine.store.inputs import Inputs
from procedures.engine.store.rows import (
    InputRow,
    PendingRow,
    Row,
    RunRow,
    SentSignal,
    SignalRow,
    WaitRow,
)
from procedures.engine.store.runs import Runs
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


class Store(Runs, Inputs, Waits, Protocol):
    """Everything that the rules need of a store."""
