"""Testing procedures in plain Python: no database, no worker, no waiting.

`run_procedure` runs a procedure to its end in memory: people are functions, and days take no time.
`crash_test` repeats such a run and kills the worker at a different place each time.
"""

from procedures.testing.crashes import CrashReport, CrashTestError, crash_test, everything
from procedures.testing.given import GivenFile
from procedures.testing.local import LocalExecutionContext, ProcedureWaitingForHuman
from procedures.testing.local_runs import LOCAL_RUNS, LocalRuns, PendingMessage
from procedures.testing.people import (
    Answer,
    AskedWait,
    NobodyKnowsError,
    People,
    RefusedAnswer,
    approve_all,
    humans,
    reject_all,
    say,
    script,
    silent,
)
from procedures.testing.rehearsal import run_procedure
from procedures.testing.rehearsed import RehearsedRun
from procedures.testing.turns import EndlessError

__all__ = [
    "LOCAL_RUNS",
    "Answer",
    "AskedWait",
    "CrashReport",
    "CrashTestError",
    "EndlessError",
    "GivenFile",
    "LocalExecutionContext",
    "LocalRuns",
    "NobodyKnowsError",
    "PendingMessage",
    "People",
    "ProcedureWaitingForHuman",
    "RefusedAnswer",
    "RehearsedRun",
    "approve_all",
    "crash_test",
    "everything",
    "humans",
    "reject_all",
    "run_procedure",
    "say",
    "script",
    "silent",
]
