"""What may be done to runs from outside, each in one transaction."""

from procedures.services.operations import (
    OperationRefusedError,
    cancel_run,
    checked_reason,
    note_operation,
    retry_run,
)
from procedures.services.runs import (
    KeyReusedError,
    NotAllowedError,
    UnknownProcedureError,
    find_startable,
    start_run,
)
from procedures.services.sweep import sweep
from procedures.services.waits import WaitClosedError, expire_wait, lock_run, resolve_wait

__all__ = [
    "KeyReusedError",
    "NotAllowedError",
    "OperationRefusedError",
    "UnknownProcedureError",
    "WaitClosedError",
    "cancel_run",
    "checked_reason",
    "expire_wait",
    "find_startable",
    "lock_run",
    "note_operation",
    "resolve_wait",
    "retry_run",
    "start_run",
    "sweep",
]
