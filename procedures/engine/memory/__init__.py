"""The in-memory twin of the journal: the same contract without a database, for tests."""

from procedures.engine.memory.forks import fork_run
from procedures.engine.memory.journal import LEASE, MemoryJournal
from procedures.engine.memory.rows import KEY, MemoryFiles, MemoryRun, Parent
from procedures.engine.memory.store import MemoryStore

__all__ = [
    "KEY",
    "LEASE",
    "MemoryFiles",
    "MemoryJournal",
    "MemoryRun",
    "MemoryStore",
    "Parent",
    "fork_run",
]
