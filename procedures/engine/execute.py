"""The work of one claim: replay the run's code to where it stopped, and continue from there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from pydantic import ValidationError

from procedures.engine.context import Context
from procedures.engine.declaration.definition import Procedure
from procedures.engine.declaration.signatures import signature_of
from procedures.engine.errors import (
    Cancelled,
    CommitRefused,
    ContinueAsNew,
    Fenced,
    FileLost,
    Interruption,
    LimitReached,
    Mismatch,
    OutOfMemory,
    Overtaken,
    Paused,
    StepFailedError,
    StorageLost,
    Suspend,
    WorkerStops,
    YieldToOthers,
)
from procedures.engine.execution.process import State
from procedures.engine.execution.steps import do_step
from procedures.engine.execution.surroundings import call_turn
from procedures.engine.journal.error_payloads import error_payload
from procedures.engine.journal.events import (
    BEGUN_ANEW,
    PROGRESS,
    Batch,
    EventKind,
    Handoff,
    NewEvent,
    RunStatus,
    closing,
)
from procedures.engine.journal.large import inputs_of, packed, put_aside
from procedures.engine.journal.protocol import Journal
from procedures.engine.lifecycle.quarantine import Ending, quarantined
from procedures.engine.lifecycle.runs import SUSPENDED
from procedures.engine.replay.blame import excuse_for, is_interrupt
from procedures.engine.replay.fiber import Fiber
from procedures.engine.replay.history import UNDO, Scope
from procedures.engine.replay.keeping import kept_result
from procedures.engine.replay.recorder import Linger, Recorder
from procedures.engine.values import canonical
from procedures.engine.values.files import FileStore, open_desk, use_file_store
from procedures.engine.waits.branches import swallowed

LAST_CLAIM = 3
NO_PROGRESS = "Three consecutive workers failed on this run without completing a step."
MEND_COMMIT = "Fix what prevented the commit, then retry."
MEMORY = "memory"
IN_VAIN = (Overtaken, OutOfMemory)
"""Interruptions after which a claim counts as one without progress."""
LET_GO: dict[type[Interruption], str] = {
    Cancelled: "cancel",  # the next claim ends the run
    Paused: "pause",  # the next claim pauses the run
    YieldToOthers: "others",
    Overtaken: "outside",
    WorkerStops: "worker",  # the process ends or is replaced
    OutOfMemory: "memory",
}
"""Interruptions that queue a run again, with the reason recorded in its `run.suspended` event."""


def advance(
    procedure: Procedure,
    journal: Journal,
    files: FileStore,
    *,
    linger: Linger | None = None,
    settings: State | None = None,
) -> RunStatus:
    """Advance the run until it waits or ends, and release it.

    With `linger`, waiting code may stay on the worker for a while. If the wait is closed in that
    time, the code continues without a replay. When such code ends, it is replayed from the top, and
    only the outcome of the replay counts.

    The process's settings are restored afterwards; `settings` is their state, if the caller has
    just read it. Raises `Fenced` if another worker holds the run, and `StorageLost` if nothing can
    be stored.
    """
    try:
        act = partial(_advance, procedure, journal, files, linger)
        return call_turn(journal, act, before=settings)
    except StorageLost:
        journal.forgive_claim()
        raise


def _advance(
    procedure: Procedure, journal: Journal, files: FileStore, linger: Linger | None
) -> RunStatus:
    # Check before any code runs, because the code may kill this worker too.
    if journal.run.claims > LAST_CLAIM:
        return _give_up(journal)
    with use_file_store(files, journal):
        # Check before reading the journal and before any step: otherwise the run would lose its
        # work once more.
        if journal.run.is_left_without_storage:
            open_desk().check()
            journal.note_storage()
        recorder = Recorder(journal, journal.load(), procedure.limits, linger)
        execution = Execution(procedure, recorder)
        try:
            handoff, drafts = execution.ending()
            # Store a large result before the commit and outside its transaction, because that takes
            # long.
            if handoff.result is not None:
                handoff = replace(handoff, result=put_aside(handoff.result))
        except FileLost as lost:
            handoff, drafts = quarantined(lost)
        try:
            execution.recorder.finish(handoff, *drafts)
        # Nothing of the ending was stored, so the refusal is stored in its place.
        except CommitRefused as refusal:
            handoff, drafts = quarantined(refusal, remedy=MEND_COMMIT)
            journal.commit(Batch(drafts, handoff=handoff))
        except Overtaken as overtaken:
            handoff, drafts = _let_go(overtaken)
            journal.commit(Batch(drafts, handoff=handoff))
    return handoff.status


def _give_up(journal: Journal) -> RunStatus:
    words = NO_PROGRESS
    remedy = "Find out why the workers fail (often they run out of memory), then retry."
    if more := _out_of_memory(journal):
        words = f"{words} {more}"
        remedy = "Make the code use less memory, or give the workers more memory. Then retry."
    handoff, drafts = quarantined(CommitRefused(words), remedy=remedy)
    journal.commit(Batch(drafts, handoff=handoff))
    return handoff.status


def _out_of_memory(journal: Journal) -> str:
    """Return the text of the last log event about a lack of memory.

    The result is "" if there is no such event, or if the run has made progress since the event.
    """
    for event in reversed(journal.load()):
        if event.kind in PROGRESS:
            return ""
        if event.kind == EventKind.LOG and event.content.get("cause") == MEMORY:
            return str(event.content["text"])
    return ""


@dataclass
class Execution:
    """The execution of a run's code in one claim, from the top of the code to its end."""

    procedure: Procedure
    recorder: Recorder

    @property
    def journal(self) -> Journal:
        return self.recorder.journal

    def ending(self) -> Ending:
        """Return the handoff and last events of this claim, after any compensations have run."""
        fiber = self._fiber()
        ending = self._run(fiber)
        # Code that stayed at its waits may hold values that a replay wouldn't give it; only the
        # outcome of a replay is stored.
        if self.recorder.has_outlasted and ending[0].status not in SUSPENDED:
            fiber, ending = self._replayed(fiber, ending)
        is_cancelled = isinstance(fiber.interruption, Cancelled) and self.journal.cancellation
        if ending[0].status == RunStatus.FAILED or is_cancelled:
            return self._undone(ending)
        if self.journal.cancellation and ending[0].status == RunStatus.QUARANTINED:
            return self._cancelled(
                [str(fiber.interruption or "The code no longer fits the journal.")]
            )
        return ending

    def _replayed(self, fiber: Fiber, ending: Ending) -> tuple[Fiber, Ending]:
        """Replay code that had stayed on the worker at its waits, and return the replay's outcome.

        The events that this code hasn't committed yet are committed first. The outcome is a fiber
        and its ending.
        """
        try:
            if self.recorder.unwritten and ending[0].status != RunStatus.QUARANTINED:
                self.recorder.flush()
        except Interruption as interruption:
            return fiber, self._interrupted(interruption, fiber)
        self.recorder = Recorder(self.journal, self.journal.load(), self.procedure.limits)
        fiber = self._fiber()
        return fiber, self._run(fiber)

    def _fiber(self, path: str = "") -> Fiber:
        scope = Scope(self.recorder.history, path)
        return Fiber(self.recorder, scope, now=self.recorder.first.at)

    def _run(self, fiber: Fiber) -> Ending:
        """Run the code and return its ending; a transaction that the code leaves open is closed."""
        states = self.journal.connection_states()
        try:
            ending = self._end_of(fiber)
        finally:
            # Do this even after an exception: an open transaction would swallow the commit of the
            # run's end.
            left_open = states.put_away()
        if left_open and ending[0].status != RunStatus.QUARANTINED:
            remedy = "Make the code finish the transactions that it begins, then retry."
            return quarantined(
                CommitRefused(f"The code left its database connection unusable. {left_open}"),
                remedy=remedy,
            )
        return ending

    def _end_of(self, fiber: Fiber) -> Ending:
        try:
            ending = self._run_code(fiber)
        except Interruption as interruption:
            left_by: BaseException | None = interruption
            ending = self._interrupted(interruption, fiber)
        except BaseException as error:
            if is_interrupt(error):
                raise
            left_by = error
            excuse = excuse_for(error, self.journal, since=self.recorder.claimed_at)
            ending = self._interrupted(excuse, fiber) if excuse else _failed(error, fiber)
        else:
            left_by = None
        finally:
            fiber.close()
        # The code has caught the interruption and continued, or raised another exception in its
        # place.
        if fiber.interruption and left_by is not fiber.interruption:
            return self._swallowed(fiber.interruption, fiber)
        if (lost := open_desk().lost) and left_by is None:  # the code continued without its file
            return self._interrupted(lost, fiber)
        return ending

    def _run_code(self, fiber: Fiber) -> Ending:
        try:
            inputs = self.procedure.load(inputs_of(self.recorder.first, self.journal.run.inputs))
        except ValidationError as error:
            words = f"The stored inputs no longer fit the code: {canonical.faults(error)}"
            raise Mismatch(words) from None
        returns = signature_of(self.procedure.fn).returns
        result = self.procedure.fn(Context(fiber, self.procedure), **inputs)
        # After a swallowed interruption, unread entries are expected; `_end_of` reports the
        # swallowing instead.
        if not fiber.interruption:
            fiber.scope.check_all_read("The code now ends")
            # A cancel or a pause that was accepted before the end takes effect: the run doesn't
            # succeed in spite of it.
            fiber.check_wanted("the end")
        *_, text = kept_result(result, returns)
        return Handoff(RunStatus.SUCCEEDED, result=text), (NewEvent(EventKind.RUN_SUCCEEDED),)

    def _interrupted(self, interruption: Interruption, fiber: Fiber) -> Ending:
        if isinstance(interruption, Suspend):
            return self.recorder.suspended(interruption)
        if isinstance(interruption, LimitReached):
            return _failed(interruption, fiber)
        if isinstance(interruption, ContinueAsNew):
            return self._continued(interruption)
        if type(interruption) in LET_GO:
            return _let_go(interruption, fiber.scope.last)
        if isinstance(interruption, Fenced | StorageLost):
            raise interruption
        return quarantined(interruption)

    def _continued(self, continued: ContinueAsNew) -> Ending:
        """Return the handoff and events that continue the run as new, with open waits withdrawn."""
        withdrawn = closing("withdrawn", responder=BEGUN_ANEW)
        waits = self.recorder.open_waits
        data = {
            "by": self.recorder.first.content["by"],
            "generation": self.recorder.generation + 1,
            **packed("inputs", continued.inputs),
        }
        drafts = [NewEvent(EventKind.WAIT_CLOSED, wait, wait, withdrawn) for wait in waits]
        drafts.append(NewEvent(EventKind.RUN_CONTINUED, data=data))
        return Handoff(RunStatus.QUEUED), tuple(drafts)

    def _swallowed(self, interruption: Interruption, fiber: Fiber) -> Ending:
        if not isinstance(interruption, Suspend):
            return self._interrupted(interruption, fiber)
        return quarantined(Mismatch(swallowed(interruption)))

    def _undone(self, ending: Ending) -> Ending:
        """Run the compensations, from the last to the first; the ending names those that failed."""
        self.recorder.is_undoing = True
        fiber = self._fiber("undo/")
        problems = list(self._left_behind())
        try:
            for bound in reversed(self.recorder.to_undo):
                try:
                    do_step(fiber, bound.fn, bound.args, bound.kwargs, bound.options)
                except StepFailedError as error:
                    # A failed compensation doesn't prevent the others from running.
                    problems.append(str(error))
        except Interruption as interruption:
            return self._interrupted(interruption, fiber)
        if self.journal.cancellation:
            return self._cancelled(problems)
        return _with_problems(ending, problems)

    def _left_behind(self) -> Iterator[str]:
        """Yield a warning for each step that is done but has no stored result."""
        for entry in self.recorder.history.entries.values():
            if entry.family == "step" and entry.lacks_result and not entry.key.startswith(UNDO):
                yield (
                    f"The step {entry.key} is done, but its result wasn't stored. Check whether it "
                    "must be undone by hand."
                )

    def _cancelled(self, problems: list[str]) -> Ending:
        content = dict(self.journal.cancellation or {})
        handoff = Handoff(RunStatus.CANCELLED)
        return _with_problems(
            (handoff, (NewEvent(EventKind.RUN_CANCELLED, data=content),)), problems
        )


def _let_go(interruption: Interruption, key: str = "") -> Ending:
    on = LET_GO[type(interruption)]
    handoff = Handoff(RunStatus.QUEUED, is_in_vain=isinstance(interruption, IN_VAIN))
    left = NewEvent(EventKind.RUN_SUSPENDED, data={"on": on})
    if not isinstance(interruption, OutOfMemory):
        return handoff, (left,)
    text = (
        f"The worker ran out of memory at {key}. The work after the last commit is lost."
        if key
        else "The worker ran out of memory. The work after the last commit is lost."
    )
    data = {"text": text, "level": "warning", "cause": MEMORY}
    return handoff, (NewEvent(EventKind.LOG, f"{key}:{MEMORY}", text[:100], data), left)


def _failed(error: BaseException, fiber: Fiber) -> Ending:
    """Return the ending of a run whose code has raised an error.

    The run normally fails. If the journal contains steps or waits that the code didn't reach, the
    code no longer fits the journal, and the run is quarantined with a `Mismatch` instead.
    """
    content = error_payload(error)
    then = f"The code now fails with {content['type']}: {content['message']}"
    try:
        fiber.scope.check_all_read(then)
    except Mismatch as mismatch:
        return quarantined(mismatch)
    handoff = Handoff(RunStatus.FAILED, error=content)
    if isinstance(error, LimitReached) and error.closes:
        handoff = replace(handoff, closes=error.closes)
    return handoff, (NewEvent(EventKind.RUN_FAILED, data=content),)


def _with_problems(ending: Ending, problems: list[str]) -> Ending:
    if not problems:
        return ending
    handoff, (draft,) = ending
    content = {**draft.data, "not_undone": problems}
    error = {"type": "NotUndone", "message": "; ".join(problems), **(handoff.error or {})}
    handoff = replace(handoff, error={**error, "not_undone": problems})
    return handoff, (NewEvent(draft.kind, draft.key, draft.name, content),)
