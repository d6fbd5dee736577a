"""Operations that people and programs outside a run perform on it, each in one transaction."""

from procedures.engine.lifecycle.holds import TooLateError
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.services.checks import Check, check_runs
from procedures.services.code_names import CodeName, names_in_code
from procedures.services.forks import ForkPoint, fork_run, restart_run
from procedures.services.health import (
    Complaint,
    clock_complaint,
    complaints,
    slots,
    warner,
    why_queued,
)
from procedures.services.installation import (
    NoCopyError,
    adopt_store,
    confirm_site,
    gate,
    mark_copy,
    note_installation,
    refusal,
    store_complaint,
    why_held,
)
from procedures.services.ledger import verify_journal
from procedures.services.lost_files import (
    LostInputError,
    lost_faults,
    lost_files_as_faults,
    lost_sentence,
)
from procedures.services.operations import (
    OperationDeniedError,
    ReasonError,
    cancel_run,
    checked_reason,
    find_cancellable,
    find_operable,
    force_end_run,
    note_operation,
    pause_run,
    unpause_run,
)
from procedures.services.passes import serve_each
from procedures.services.quotas import QuotaError
from procedures.services.retries import override_run, retry_run
from procedures.services.runs import KeyReusedError, start_found, start_run
from procedures.services.signals import (
    Sent,
    SignalDeniedError,
    SignalRefusedError,
    send_signal,
    signal_run,
)
from procedures.services.startable import (
    CANT_BE_STARTED,
    BrokenProcedureError,
    JobError,
    NotAllowedError,
    StartsStoppedError,
    UnknownProcedureError,
    find_startable,
)
from procedures.services.stopping import allow_starts, stop_starts
from procedures.services.sweep import Sweeper, sweep
from procedures.services.waits import (
    WaitClosedError,
    expire_wait,
    hold_locked,
    keep_answer_files,
    lock_run,
    resolve_locked,
    resolve_wait,
    settle_wait,
    undo_locked,
)

__all__ = [
    "CANT_BE_STARTED",
    "BrokenProcedureError",
    "Check",
    "CodeName",
    "Complaint",
    "ForkPoint",
    "JobError",
    "KeyReusedError",
    "LostInputError",
    "NoCopyError",
    "NotAllowedError",
    "OperationDeniedError",
    "OperationRefusedError",
    "QuotaError",
    "ReasonError",
    "Sent",
    "SignalDeniedError",
    "SignalRefusedError",
    "StartsStoppedError",
    "Sweeper",
    "TooLateError",
    "UnknownProcedureError",
    "WaitClosedError",
    "adopt_store",
    "allow_starts",
    "cancel_run",
    "check_runs",
    "checked_reason",
    "clock_complaint",
    "complaints",
    "confirm_site",
    "expire_wait",
    "find_cancellable",
    "find_operable",
    "find_startable",
    "force_end_run",
    "fork_run",
    "gate",
    "hold_locked",
    "keep_answer_files",
    "lock_run",
    "lost_faults",
    "lost_files_as_faults",
    "lost_sentence",
    "mark_copy",
    "names_in_code",
    "note_installation",
    "note_operation",
    "override_run",
    "pause_run",
    "refusal",
    "resolve_locked",
    "resolve_wait",
    "restart_run",
    "retry_run",
    "send_signal",
    "serve_each",
    "settle_wait",
    "signal_run",
    "slots",
    "start_found",
    "start_run",
    "stop_starts",
    "store_complaint",
    "sweep",
    "undo_locked",
    "unpause_run",
    "verify_journal",
    "warner",
    "why_held",
    "why_queued",
]
