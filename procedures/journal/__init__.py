"""The engine's journal in the database: one statement per step, fenced by the run's epoch."""

from procedures.journal.cancelling import ask_to_end, lock_below, withdraw_all
from procedures.journal.children import (
    begin_more,
    begin_run,
    collect_child_results,
    give_files,
    wait_again,
)
from procedures.journal.claiming import (
    NotReadYet,
    cancel,
    claim,
    claim_next,
    force_end,
    pause,
    unpause,
)
from procedures.journal.database import DatabaseJournal
from procedures.journal.deliveries import deliver
from procedures.journal.forks import Fork, begin_fork
from procedures.journal.lease import LEASE, RENEWED_EVERY, own_database
from procedures.journal.storage import limit_locks
from procedures.journal.waits import answer_wait, close_wait, match_signal, queue, receive

__all__ = [
    "LEASE",
    "RENEWED_EVERY",
    "DatabaseJournal",
    "Fork",
    "NotReadYet",
    "answer_wait",
    "ask_to_end",
    "begin_fork",
    "begin_more",
    "begin_run",
    "cancel",
    "claim",
    "claim_next",
    "close_wait",
    "collect_child_results",
    "deliver",
    "force_end",
    "give_files",
    "limit_locks",
    "lock_below",
    "match_signal",
    "own_database",
    "pause",
    "queue",
    "receive",
    "unpause",
    "wait_again",
    "withdraw_all",
]
