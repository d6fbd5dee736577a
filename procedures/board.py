"""A table of the runs on which a worker's processes are working.

Celery's child processes write the table, and their main process reads it. It is in shared memory,
because a child process that has lost its run may be unable to send anything.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

PLACES = 256
PLACE = struct.Struct("=II16s")


class ClaimEntry(NamedTuple):
    """A run that a process has claimed, with the number of the claim."""

    pid: int
    run: UUID
    epoch: int


class Board:
    """A table in shared memory with an entry for each child process.

    The table is created before the processes are forked.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, PLACES * PLACE.size)
        self._place = 0

    def use_entry(self, number: int) -> None:
        """Use the entry with this number for this child process, which was just forked."""
        # If the pool has more slots than the table has entries, some slots share an entry. Then one
        # slot hides another from the main process, and only the lease keeper's own timer can end
        # the hidden one.
        self._place = number % PLACES
        self.clear_claim()

    def write_claim(self, run: UUID, epoch: int) -> None:
        self._write(PLACE.pack(os.getpid(), epoch, run.bytes))

    def clear_claim(self) -> None:
        """Clear this process's entry after it has released its run."""
        self._write(bytes(PLACE.size))

    def in_hand(self) -> Iterator[ClaimEntry]:
        for place in range(PLACES):
            start = place * PLACE.size
            pid, epoch, run = PLACE.unpack(self._memory[start : start + PLACE.size])
            if pid:
                yield ClaimEntry(pid, UUID(bytes=run), epoch)

    def _write(self, content: bytes) -> None:
        start = self._place * PLACE.size
        # The table isn't locked, because a slot may be killed while it holds a lock. An entry that
        # is read half-written shows a claim that never existed, but only until the next look.
        self._memory[start : start + PLACE.size] = content


board = Board()
