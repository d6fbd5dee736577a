"""The engine's journal in the database.

Each event of a step is fenced by the run's epoch, on PostgreSQL in one statement.
"""

from procedures.journal.claiming import CodeNotRead, claim, claim_next
from procedures.journal.database import DatabaseJournal
from procedures.journal.database_store import DatabaseStore, in_transaction
from procedures.journal.lease import LEASE, RENEWED_EVERY, own_database
from procedures.journal.storage import limit_locks, receivers

__all__ = [
    "LEASE",
    "RENEWED_EVERY",
    "CodeNotRead",
    "DatabaseJournal",
    "DatabaseStore",
    "claim",
    "claim_next",
    "in_transaction",
    "limit_locks",
    "own_database",
    "receivers",
]
