"""A store in memory, for tests, rehearsals and drivers: rows, and no rules."""

from procedures.engine.memory.files import MemoryFiles
from procedures.engine.memory.journal import MemoryJournal
from procedures.engine.memory.rows import MemoryInput, MemoryRun, MemorySignal, MemoryWait
from procedures.engine.memory.store import MemoryStore
from procedures.engine.memory.tables import KEY, LEASE

__all__ = [
    "KEY",
    "LEASE",
    "MemoryFiles",
    "MemoryInput",
    "MemoryJournal",
    "MemoryRun",
    "MemorySignal",
    "MemoryStore",
    "MemoryWait",
]
