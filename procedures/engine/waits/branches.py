"""Branches of a run, executed one after another in one process: when one waits, the next runs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from procedures.engine.declaration.signatures import spoken_name
from procedures.engine.errors import (
    BranchFailedError,
    Cancelled,
    EngineError,
    Interruption,
    LimitReached,
    OptionError,
    StateConflictError,
    Suspend,
)
from procedures.engine.journal.error_payloads import error_payload
from procedures.engine.journal.events import EventKind, NewEvent, closing
from procedures.engine.journal.payloads import Attempt, StepFailure
from procedures.engine.replay.blame import excuse_for, is_interrupt
from procedures.engine.replay.fiber import BRANCH_FAILED, Fiber
from procedures.engine.replay.history import Entry
from procedures.engine.values.spelling import short_repr
from procedures.engine.values.state import join
from procedures.engine.waits.children import OnFailure

Branch = Callable[[Fiber], Any]


def name_of(fn: Callable[..., Any]) -> str:
    """Return the name of a branch: its function's name, which is the same on every replay."""
    if not callable(fn):
        raise OptionError(f"A branch of ctx.gather must be a function, not {short_repr(fn)}.")
    if not (name := spoken_name(fn)).isidentifier():
        words = f"A branch is named after its function. Define it with def, not as {name:.100}."
        raise OptionError(words)
    return name


def gather(
    fiber: Fiber, branches: Sequence[tuple[str, Branch]], *, on_failure: OnFailure
) -> list[Any]:
    """Return the results of the branches in order; while one branch waits, the others continue.

    With "fail_fast" the first failure ends the gather and is raised as a `BranchFailedError`; with
    "collect" each `BranchFailedError` takes the place of the branch's result. Raises
    `StateConflictError` if two branches changed the state in conflicting ways.
    """
    fiber.check_usable()
    key = fiber.scope.key_for("gather")
    scope = fiber.scope.inner(key)
    # Peek first: a gather that hasn't failed has no entry, and `take` would report a mismatch while
    # entries of its branches are unread.
    failed = fiber.take("step", key) if fiber.scope.peek("step", key) else None
    if failed:
        fiber.scope.forget(key)
    inner = [fiber.branch(scope.key_for(name)) for name, _ in branches]
    fiber.busy_with = "ctx.gather; use the context of the branch"
    try:
        ends = _run_all(inner, [branch for _, branch in branches], on_failure, failed)
    finally:
        fiber.busy_with = ""
    if failed:
        fiber.pass_by(failed.last)
        raise _error(failed)
    _join(fiber, key, ends, on_failure)
    _merge(fiber, key, inner)
    fiber.now = max([fiber.now, *(one.now for one in inner)])
    return ends


def _run_all(
    fibers: Sequence[Fiber], branches: Sequence[Branch], on_failure: OnFailure, failed: Entry | None
) -> list[Any]:
    """Run the branches one after another, and return their results or errors.

    After a failure, a cancel or a limit, the other branches are only replayed, to register their
    compensations.
    """
    ends: list[Any] = []
    is_over = failed is not None
    for fiber, branch in zip(fibers, branches, strict=True):
        fiber.is_abandoned = fiber.is_abandoned or is_over
        ends.append(_run(fiber, branch))
        if _is_interruption(ends[-1]) and not isinstance(ends[-1], Cancelled | LimitReached):
            break
        is_lost = _is_failure(ends[-1]) and on_failure == "fail_fast"
        is_over = is_over or is_lost or isinstance(ends[-1], LimitReached)
    return ends


def _join(fiber: Fiber, key: str, ends: Sequence[Any], on_failure: OnFailure) -> None:
    """Raise the interruption or the failure that ends the gather; do nothing if there is none."""
    if others := [end for end in ends if _is_interruption(end)]:
        fiber.interrupt(others[0])
    errors = [end for end in ends if _is_failure(end)]
    if errors and on_failure == "fail_fast":
        error = errors[0]
        words = {"type": error.type, "message": error.message, "of": error.of}
        _fail(fiber, key, error, _failure(fiber, words, branch=error.branch))
    if waiting := [end for end in ends if isinstance(end, Suspend)]:
        fiber.interrupt(Suspend.together(waiting))


def _merge(fiber: Fiber, key: str, branches: Sequence[Fiber]) -> None:
    """Merge the branches' changes of the state; if they conflict, record that the gather fails."""
    states = [(one.scope.path.rstrip("/"), one.state) for one in branches]
    try:
        changes = join(key, states)
    except StateConflictError as conflict:
        facts = {"conflict": conflict.name, "branches": conflict.branches, "branch": "", "of": ""}
        _fail(fiber, key, conflict, _failure(fiber, error_payload(conflict), **facts))
    for name, change in changes.items():
        fiber.state.merge(name, change, about=key)


def _is_interruption(end: Any) -> bool:
    return isinstance(end, Interruption) and not isinstance(end, Suspend)


def _run(fiber: Fiber, branch: Branch) -> Any:
    """Return the result of a branch, or the interruption or failure that ended it."""
    try:
        result = branch(fiber)
    except Interruption as interruption:
        return fiber.interruption or interruption
    except BaseException as error:
        if is_interrupt(error):
            raise
        if excuse := excuse_for(error, fiber.journal, since=fiber.recorder.claimed_at):
            return fiber.interruption or excuse
        words = error_payload(error)
        path, of = fiber.scope.path.rstrip("/"), words.get("of", "")
        result = BranchFailedError(path, words["type"], words["message"], of)
    finally:
        fiber.close()
    if fiber.interruption:
        return _swallowed(fiber, fiber.interruption)
    try:
        then = (
            f"The branch now fails with {result}" if _is_failure(result) else "The branch now ends"
        )
        fiber.scope.check_all_read(then)
    except Interruption as mismatch:
        return mismatch
    return result


def _swallowed(fiber: Fiber, interruption: Interruption) -> Interruption:
    if not isinstance(interruption, Suspend):
        return interruption
    return fiber.scope.mismatch(swallowed(interruption))


def swallowed(suspension: Suspend) -> str:
    return (
        f"The code caught the exception that suspends the run at {suspension}. Don't catch"
        " BaseException; if you must, re-raise it."
    )


def _fail(fiber: Fiber, key: str, error: EngineError, failure: StepFailure) -> NoReturn:
    """Record that the gather has failed, and withdraw the open waits of its other branches."""
    fiber.check_wanted(key)  # if the run was cancelled, its waits are withdrawn already
    withdrawn = closing("withdrawn", responder=BRANCH_FAILED)
    path = f"{key}/"
    waits = [wait for wait in fiber.recorder.open_waits if wait.startswith(path)]
    drafts = [NewEvent(EventKind.WAIT_CLOSED, wait, wait, withdrawn) for wait in waits]
    fiber.commit(*drafts, NewEvent(EventKind.STEP_FAILED, key, "gather", failure.as_json()))
    raise error


def _failure(fiber: Fiber, words: Mapping[str, str], **facts: Any) -> StepFailure:
    return StepFailure.of_error(Attempt(1, fiber.now, ""), words, **facts)


def _error(entry: Entry) -> EngineError:
    failed = StepFailure.read(entry.last.content)
    if failed.branches:
        return StateConflictError(entry.key, failed.conflict, failed.branches)
    return BranchFailedError(failed.branch or "", failed.type, failed.message)


def _is_failure(end: Any) -> bool:
    return isinstance(end, BranchFailedError)
