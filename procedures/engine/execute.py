"""One claim's work on a run: replay the code to where it stands, and go on from there."""

from typing import Any

from pydantic import ValidationError

from procedures.engine import canonical
from procedures.engine.context import Context
from procedures.engine.definition import Procedure
from procedures.engine.errors import (
    Cancelled,
    Fenced,
    Interruption,
    Mismatch,
    Refused,
    StorageLost,
    Suspend,
    told,
)
from procedures.engine.files import FileStore, file_desk
from procedures.engine.journal import Batch, Draft, EventKind, Journal, Release, RunStatus
from procedures.engine.steps import step_function

Ending = tuple[Release, Draft]
LAST_CLAIM = 3


def advance(procedure: Procedure, journal: Journal, files: FileStore) -> RunStatus:
    """Carry the run on until it waits or ends, and let go of it.

    Raises `Fenced` when another worker has it, and `StorageLost` when nothing can be kept.
    """
    if journal.run.claims > LAST_CLAIM:
        return _give_up(journal)
    context = Context(journal, journal.load())
    with file_desk(files):
        release, draft = _ending(procedure, context, journal)
        try:
            context.finish(release, draft)
        except Refused as refusal:
            release, draft = _quarantined(refusal, remedy="Mend what refused it, then retry.")
            journal.commit(Batch((draft,), release=release))
    return release.status


def _give_up(journal: Journal) -> RunStatus:
    poison = Refused(f"{LAST_CLAIM} workers in a row died on this run without keeping a step.")
    release, draft = _quarantined(poison, remedy="Find what kills the worker, then retry.")
    journal.commit(Batch((draft,), release=release))
    return release.status


def _ending(procedure: Procedure, context: Context, journal: Journal) -> Ending:
    try:
        ending = _run_code(procedure, context, journal)
    except Interruption as interruption:
        left_by: BaseException | None = interruption
        ending = _interrupted(interruption)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (it ends the run, sys.exit too)
        left_by = error
        ending = _failed(error, context)
    else:
        left_by = None
    finally:
        context.close()
    if context.interruption and left_by is not context.interruption:
        return _swallowed(context.interruption)
    return ending


def _run_code(procedure: Procedure, context: Context, journal: Journal) -> Ending:
    try:
        inputs = procedure.load(journal.run.inputs)
    except ValidationError as error:
        words = f"The kept inputs no longer fit: {canonical.faults(error)}"
        raise Mismatch(words, kept=(), asked=()) from None
    returns = step_function(procedure.fn).returns
    result = procedure.fn(context, **inputs)
    if not context.interruption:
        context.check_all_read("The code now ends")
    text = canonical.dump(result, returns)
    return Release(RunStatus.SUCCEEDED, result=text), Draft(EventKind.RUN_SUCCEEDED)


def _interrupted(interruption: Interruption) -> Ending:
    if isinstance(interruption, Suspend):
        status = RunStatus.RETRYING if interruption.wake_at else RunStatus.WAITING
        draft = Draft(EventKind.RUN_SUSPENDED, data={"on": interruption.key})
        return Release(status, wake_at=interruption.wake_at), draft
    if isinstance(interruption, Cancelled):  # whoever claims it next ends it
        return Release(RunStatus.QUEUED), Draft(EventKind.RUN_SUSPENDED, data={"on": "cancel"})
    if isinstance(interruption, Fenced | StorageLost):
        raise interruption
    return _quarantined(interruption)


def _failed(error: BaseException, context: Context) -> Ending:
    """A failure at a place the run had already passed is a mismatch, not an end."""
    content = told(error)
    try:
        context.check_all_read(f"The code now fails with {content['type']}: {content['message']}")
    except Mismatch as mismatch:
        return _quarantined(mismatch)
    return Release(RunStatus.FAILED, error=content), Draft(EventKind.RUN_FAILED, data=content)


def _swallowed(interruption: Interruption) -> Ending:
    if not isinstance(interruption, Suspend):
        return _interrupted(interruption)
    mismatch = Mismatch(
        f"The code swallowed the suspension at {interruption.key}: let BaseException pass.",
        kept=(),
        asked=(),
    )
    return _quarantined(mismatch)


def _quarantined(interruption: Interruption, *, remedy: str = "") -> Ending:
    content: dict[str, Any] = {
        "type": type(interruption).__name__,
        "message": canonical.legible(str(interruption)),
        "remedy": remedy or "Bring back code that fits and retry, or cancel the run.",
    }
    if isinstance(interruption, Mismatch):
        content |= {"kept": list(interruption.kept), "asked": list(interruption.asked)}
    draft = Draft(EventKind.RUN_QUARANTINED, data=content)
    return Release(RunStatus.QUARANTINED, error=content), draft
