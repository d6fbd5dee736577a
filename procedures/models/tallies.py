"""Counts of the rows that belong to another row, with a seal, so that missing rows are noticed.

Each counted row has its number in its proof. The row with the count must be locked by the caller,
or is locked here.
"""

from collections.abc import Iterable
from uuid import UUID

from procedures.engine.journal.seals import seal_of
from procedures.models.proofs import ledger_key, ledger_keys
from procedures.store import sql

HEARD = "heard"
"""The name of a run's count of its signals and operations."""


def next_heard(run: UUID) -> int:
    """Count one more signal or operation of the run, and return its number; lock the run."""
    # The database counts in one statement, so that two inputs at the same moment can't get the same
    # number.
    [(number,)] = sql.next_heard.fetch(run)
    sql.seal_heard.execute(tally_proof(HEARD, run, number), run)
    return int(number)


def tally_proof(name: str, owner: UUID, count: int) -> str:
    """Return the seal of the count called `name` in the row of its owner."""
    return seal_of(str(owner), name, count, ledger_key())


def is_proven_tally(name: str, owner: UUID, count: int, proof: str) -> bool:
    return any(proof == seal_of(str(owner), name, count, key) for key in ledger_keys())


def lacking(numbers: Iterable[int], count: int) -> list[int]:
    """Return the numbers from 1 to the count that no row has."""
    return sorted(set(range(1, count + 1)).difference(numbers))
