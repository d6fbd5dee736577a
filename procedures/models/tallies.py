"""Counts of rows that belong to another row, by which missing rows are noticed.

A count has a seal, and each counted row has its number in its proof. The row with the count is
locked by the caller, or by the function that counts.
"""

from collections.abc import Iterable
from uuid import UUID

from procedures.engine.journal.seals import seal_of
from procedures.models.proofs import ledger_key, ledger_keys
from procedures.store import sql

HEARD = "heard"
"""The name of the count of a run's signals and operations."""


def next_heard(run: UUID) -> int:
    """Lock the run, count one more signal or operation, and return the number of the new one."""
    # The database counts in one statement, so that two inputs at the same moment can't get the same
    # number.
    [(number,)] = sql.next_heard.fetch(run)
    sql.seal_heard.execute(tally_proof(HEARD, run, number), run)
    return int(number)


def tally_proof(name: str, owner: UUID | str, count: int) -> str:
    """Return the seal of a count; `name` is the name of the count, and `owner` its row's id."""
    return seal_of(str(owner), name, count, ledger_key())


def is_proven_tally(name: str, owner: UUID | str, count: int, proof: str) -> bool:
    return any(proof == seal_of(str(owner), name, count, key) for key in ledger_keys())


def lacking(numbers: Iterable[int], count: int) -> list[int]:
    """Return the numbers from 1 to `count` that are missing in `numbers`."""
    return sorted(set(range(1, count + 1)).difference(numbers))
