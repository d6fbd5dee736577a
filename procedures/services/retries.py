"""Operations that let a failed or quarantined run continue."""

from uuid import UUID

from procedures.engine.journal.events import RunStatus
from procedures.engine.lifecycle.retry import ChildTreatment, RetryResult, override, retry
from procedures.journal import DatabaseStore
from procedures.models import Run
from procedures.services.operations import log_operation, operation_payload, record_operation
from procedures.services.waits import lock_run
from procedures.transactions import service_atomic
from procedures.users import User


@service_atomic
def retry_run(run_id: UUID, *, by: User, reason: str, job: UUID | None = None) -> str:
    """Let a failed or quarantined run continue from where it stopped; stored results are reused.

    The failed step is tried again, even in a branch of a gather. A failed child run is retried too,
    or replaced by a new run if it can't continue. If operators let an interrupted `once=True` step
    fail, or said that it took effect without giving its result, they are asked about it again.
    Locks the run's ancestors, then the run, then its failed children. Returns sentences about this.
    """
    payload = operation_payload("retry", by=by, reason=reason, job=job)
    retried = retry(DatabaseStore(), run_id, payload)
    assert isinstance(retried.run, Run)
    log_operation(retried.run, payload, by=by)
    return _retry_sentence(retried) + _parent_sentence(retried)


def _retry_sentence(retried: RetryResult) -> str:
    again = retried.again
    if again.lacks_result:
        return (
            f"The run continues. The step {again.step} is done, but its result wasn't stored, so"
            " people are asked for it again."
        )
    if again.is_doubtful:
        return f"The run continues and asks again whether {again.step} took effect."
    if again.step:
        return f"The run continues and tries {again.step} again."
    if again.child:
        return f"The run continues. {_children_sentences(retried)}"
    return "The run continues from where it stopped."


def _children_sentences(retried: RetryResult) -> str:
    sentences = {
        ChildTreatment.RETRIED: "It retries {runs}.",
        ChildTreatment.ANEW: "It starts new child runs in place of {runs}.",
        ChildTreatment.AWAITED: "It waits for {runs}.",
    }
    groups = [
        (sentence, [str(run) for run, one in retried.treatments if one == fate])
        for fate, sentence in sentences.items()
    ]
    parts = [sentence.format(runs=", ".join(runs)) for sentence, runs in groups if runs]
    return " ".join(parts) or f"It gets the new result of {retried.again.child}."


def _parent_sentence(retried: RetryResult) -> str:
    """Return a sentence for operators if the parent of the retried run has recorded its failure.

    Otherwise, the sentence is "".
    """
    wait = retried.run.parent_wait
    if wait is None or wait.is_open or not retried.had_failed:
        return ""
    parent = wait.run
    if parent.status == RunStatus.FAILED:
        return (
            f" Its parent {parent} has failed. Retry {parent} too, so that it gets the new result."
        )
    return f" Its parent {parent} has recorded the failure and won't get the new result."


@service_atomic
def override_run(run_id: UUID, *, by: User, reason: str) -> str:
    """Let a quarantined run continue with code that differs from its journal; return a sentence.

    Events that the code no longer produces are skipped. A step's stored result is used even if its
    arguments have changed. A question that has changed is asked again. Locks the run.
    """
    run = lock_run(run_id)
    override(DatabaseStore(), run, record_operation(run, "override", by=by, reason=reason))
    return "The run continues with the code as it is now."
