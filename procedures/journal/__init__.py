"""The engine's journal in the database.

An event of a step is stored only if the run still has the epoch of the worker's claim. On
PostgreSQL, one SQL statement checks this and stores the event.
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
