"""Running a step: attempt after attempt, until a result is stored or the last attempt fails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from procedures.engine.declaration.arguments import digest_of
from procedures.engine.declaration.bound import Bound, named_arguments
from procedures.engine.declaration.signatures import Signature
from procedures.engine.declaration.steps import ONCE, Options, Step
from procedures.engine.errors import (
    EngineError,
    Interruption,
    LeftOpenError,
    StepFailedError,
    StepTimeoutError,
    Suspend,
    WorkerStops,
    YieldToOthers,
)
from procedures.engine.execution.doubts import settle_doubt
from procedures.engine.execution.process import ChangedSettings
from procedures.engine.execution.reports import Reports
from procedures.engine.execution.surroundings import call_step, spent_by, warning_of
from procedures.engine.journal.error_payloads import error_payload
from procedures.engine.journal.events import (
    Batch,
    Event,
    EventKind,
    Handoff,
    NewEvent,
    RunStatus,
    Working,
)
from procedures.engine.journal.large import packed
from procedures.engine.journal.payloads import NOT_KEPT, Attempt, StepFailure, StepResult
from procedures.engine.replay.blame import excuse_for, is_interrupt
from procedures.engine.replay.fiber import LONGEST_TITLE, Fiber
from procedures.engine.replay.history import Entry, is_doubtful
from procedures.engine.replay.keeping import kept_result, not_kept
from procedures.engine.replay.rebuilt import place_of
from procedures.engine.replay.timeouts import TimeIsUp, time_limit
from procedures.engine.values import canonical
from procedures.engine.values.files import File, in_haste, named, open_desk

IN_PLACE = timedelta(seconds=1)


@dataclass(slots=True)
class StepExecution:
    """The execution of one step that has no stored result yet."""

    fiber: Fiber
    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    options: Options
    signature: Signature
    key: str
    bound: Bound[Any] | None = None
    _arguments: str = field(default="", init=False)
    """The digest of the arguments, computed before an attempt could change them."""
    _first_at: datetime | None = field(default=None, init=False)
    """The time when the first attempt began; None until then."""
    _result: Any = field(default=None, init=False)
    _held: tuple[NewEvent, ...] = field(default=(), init=False)
    _events: list[Event] = field(default_factory=list, init=False)
    """The step's events in the journal."""
    _reports: Reports | None = field(default=None, init=False)
    """The reports of the last attempt; None if the function has no parameter annotated `Step`."""
    _told: list[str] = field(default_factory=list, init=False)
    """The process settings that the step has changed and that a logged warning already names."""

    def go_on(self, entry: Entry, content: Mapping[str, Any]) -> Any:
        """Continue a step that was begun in an earlier claim and has no stored result.

        `entry` holds the step's events in the journal, and `content` is the content of the last of
        these events.
        """
        last, again = entry.last, partial(self.do_again, entry)
        is_asked_anew = entry.is_tried_again and is_doubtful(last)
        self._events = list(entry.events)
        if NOT_KEPT in content:
            return self._go_on_without_result()
        if last.kind == EventKind.STEP_STARTED or is_asked_anew:
            return settle_doubt(self.fiber, entry, self.signature.returns, again=again)
        if entry.is_tried_again:
            self.fiber.check_going_on(self.key)
            return self.do(failures=entry.attempts)
        self.wait_for_retry(StepFailure.read(content))
        return self.do_again(entry)

    def do_again(self, entry: Entry) -> Any:
        self.fiber.check_going_on(self.key)
        started = entry.events[0].content.get("started_at")
        self._first_at = datetime.fromisoformat(started) if started else None
        return self.do(failures=entry.attempts)

    def do(self, *, failures: int) -> Any:
        """Run attempts until one succeeds or the step fails for good.

        `failures` is the number of earlier attempts that failed.
        """
        attempt = failures + 1
        while True:
            draft = self._try_once(attempt)
            if NOT_KEPT in draft.data:
                return self._go_on_without_result()
            if draft.kind == EventKind.STEP_SUCCEEDED:
                return self._result
            self.wait_for_retry(StepFailure.read(draft.data))
            attempt += 1

    def _go_on_without_result(self) -> Any:
        """Return the result of a step that is done, but whose result couldn't be stored.

        The operators are asked to enter the result or to let the step fail; the step never runs
        again. For a compensation, nobody is asked, because the run doesn't use its result.
        """
        if self.fiber.recorder.is_undoing:
            return None
        entry = Entry("step", self.key, self._events)
        return settle_doubt(self.fiber, entry, self.signature.returns)

    def wait_for_retry(self, failed: StepFailure) -> None:
        """Wait until the retry is due: on this worker if that is soon, else with the run suspended.

        Raises `StepFailedError` if there is no further attempt, and an `Interruption` if an
        operator or a limit stops the run.
        """
        if failed.retry_at is None:
            raise StepFailedError(self.key, failed.type, failed.message, failed.place)
        self.fiber.check_going_on(self.key)
        retry_at, now = failed.retry_at, self.fiber.journal.now
        # For a shorter pause, it isn't worth releasing the run and claiming it again.
        while (pause := retry_at - now()) > IN_PLACE:
            self.fiber.suspend(Suspend(self.key, wake_at=retry_at, waits=False))
            self.fiber.check_going_on(self.key)
        if pause > timedelta(0):
            self.fiber.journal.pause(pause.total_seconds())
            self.fiber.check_going_on(self.key)

    def _try_once(self, attempt: int) -> NewEvent:
        fiber, options = self.fiber, self.options
        if fiber.journal.is_stopping:
            fiber.interrupt(WorkerStops(self.key))
        if fiber.journal.is_wanted_elsewhere and fiber.recorder.has_moved_on:
            fiber.interrupt(YieldToOthers(self.key))
        since = fiber.journal.now()
        self._first_at = self._first_at or since
        # Compute the digest before the first attempt, which may change the arguments.
        if not self._arguments:
            self._arguments = digest_of(self.fn, self.args, self.kwargs, self.signature)
        approval = self.bound.approval if self.bound else ""
        facts = Attempt(attempt, since, self._arguments, approval)
        # Store the start before the effect: if a worker dies in between, operators are asked, and
        # the effect isn't repeated.
        if options.once:
            self._events += fiber.commit(
                NewEvent(EventKind.STEP_STARTED, self.key, self.key, facts.as_json())
            )
        # An effect may depend on recorded events, so the code must find the same events after a
        # crash.
        elif not options.pure:
            fiber.flush()
        if options.transaction:
            return self._with_text_ended(self._try_in_transaction(facts))
        return self._with_text_ended(self._keep(*self._attempt(facts, options.seconds)))

    def _try_in_transaction(self, facts: Attempt) -> NewEvent:
        """Run an attempt in a transaction, so that its writes and its event are committed together.

        If the attempt fails, its writes are rolled back, and the failure is stored in a commit of
        its own.
        """
        try:
            with self.fiber.journal.transaction() as longest, in_haste():
                seconds = _shorter(self.options.seconds, longest)
                # Store the result inside the transaction: its COMMIT stores both the step's writes
                # and its checkpoint, or neither.
                return self._keep(*_succeeded(self._attempt(facts, seconds)))
        # Store the failure in a commit of its own, after the rollback.
        except _UndoneError as undone:
            return self._keep(*undone.done)
        except Interruption as interruption:  # the commit itself failed
            self.fiber.interrupt(interruption)

    def _attempt(self, facts: Attempt, seconds: float | None) -> "Done":
        fiber, desk = self.fiber, open_desk()
        found: list[ChangedSettings] = []
        # Create no reports if the step can't use them, because most steps can't.
        reports = self._reports = (
            Reports(fiber, self.key, facts.number, self._keep_now)
            if self.signature.step_parameter
            else None
        )
        step = reports.step() if reports else None
        made: list[File] = []
        fiber.journal.working = Working(self.key, facts.number, facts.started_at)
        fiber.busy_with, desk.made = "a step; pass the step the values it needs", made
        try:
            result = call_step(found, self._called, step, facts, seconds)
            draft = self._done(result, facts)
        # Catch `SystemExit` and `TimeIsUp`, too: whatever ends an author's step, the attempt must
        # be stored or excused.
        except BaseException as error:
            if is_interrupt(error):
                raise
            excuse = excuse_for(error, fiber.journal, since=facts.started_at)
            # An interruption from inside the step (such as a fenced `progress`) came first and
            # caused the rest.
            fiber.interruption = fiber.interruption or excuse
            failed = (
                StepTimeoutError(self.key, seconds or 0) if isinstance(error, TimeIsUp) else error
            )
            # The files of a failed attempt aren't part of the run. Their contents stay in the
            # store, which is harmless.
            draft, made = self._failed(failed, facts), []
        finally:
            fiber.journal.working, fiber.busy_with, desk.made = None, "", None
        if fiber.interruption:  # another worker holds the run, or the failure isn't the step's
            raise fiber.interruption
        written = reports.close(draft) if reports else ()
        progress = self._told_of(found) if found else ()
        return draft, (*written, *progress), made

    def _called(self, step: Step | None, facts: Attempt, seconds: float | None) -> Any:
        args, kwargs = self.bound.fresh_arguments() if self.bound else (self.args, self.kwargs)
        states = self.fiber.journal.connection_states()
        try:
            if seconds is None:
                result = self.signature.call(self.fn, args, kwargs, step)
            else:
                with time_limit(seconds, partial(self._give_up, facts, seconds)):
                    result = self.signature.call(self.fn, args, kwargs, step)
        finally:
            # Outside the block of the time limit, so that a late alarm can't interrupt this.
            left_open = states.put_away()
        if left_open:
            raise LeftOpenError(left_open)
        return result

    def _told_of(self, found: Sequence[ChangedSettings]) -> Sequence[NewEvent]:
        """Return a log event with those changed process settings that no earlier event names."""
        every, stuck = ChangedSettings.joined(found)
        if stuck:
            self.fiber.journal.spend_process(spent_by(f"the step {self.key}", stuck))
        if not (changed := [name for name in every if name not in self._told]):
            return ()
        self._told += changed
        text = canonical.legible(warning_of(self.key, changed, stuck))
        data = {"text": text, "level": "warning"}
        return (NewEvent(EventKind.LOG, f"{self.key}:settings", text[:LONGEST_TITLE], data),)

    def _done(self, result: Any, facts: Attempt) -> NewEvent:
        """Return the event that ends the step, with its result or the reason why there is none.

        If the result can't be stored, the step normally counts as done, because its effect can't be
        taken back. A step without a lasting effect fails instead: a `pure` step, or a step whose
        transaction is rolled back. This failure is final, because another attempt would return the
        same kind of result.
        """
        try:
            kept, self._result, text = kept_result(result, self.signature.returns)
        except Exception as error:  # noqa: BLE001 (the serializer of a type may raise anything)
            if self.options.transaction or self.options.pure:
                return self._failed(error, facts, is_final=True)
            content = StepResult(facts, *not_kept(result, error)).as_json()
        else:
            content = facts.as_json() | packed("result", kept, text)
            if self.options.pure:
                content["pure"] = True
        return NewEvent(EventKind.STEP_SUCCEEDED, self.key, self.key, content | self._given())

    def _given(self) -> dict[str, Any]:
        """Return the arguments to show people; {} without the option `shown`."""
        if not self.options.shown:
            return {}
        given = self.signature.completed(self.fn, self.args, self.kwargs)
        return {"given": named_arguments(self.fn, *given)}

    def _failed(self, error: BaseException, facts: Attempt, *, is_final: bool = False) -> NewEvent:
        retry, now = self.options.retry or ONCE, self.fiber.journal.now()
        spent = now - (self._first_at or now)
        is_mistake = isinstance(error, EngineError) and not isinstance(error, StepTimeoutError)
        is_final = is_final or is_mistake
        pause = None if is_final else retry.pause_after(facts.number, error, spent)
        retry_at = now + pause if pause is not None else None
        words = {**error_payload(error), **place_of(error)}
        failed = StepFailure.of_error(facts, words, retry_at=retry_at)
        content = failed.as_json() | self._given()
        return NewEvent(EventKind.STEP_FAILED, self.key, self.key, content)

    def _keep(self, draft: NewEvent, written: Sequence[NewEvent], made: Sequence[File]) -> NewEvent:
        written, self._held = (*self._held, *written), ()
        if draft.kind == EventKind.STEP_SUCCEEDED and (by := draft.data.get("approved_by")):
            # Mark it now, not at the next claim: later steps of this claim must not use the same
            # approval.
            self.fiber.recorder.served[by] = self.key
        if made:
            draft.data["files"] = [named(file) for file in made]
        is_done = draft.kind == EventKind.STEP_SUCCEEDED
        # Commit now, so that messages the step has read are marked and aren't read again, and its
        # text is shown as stored.
        is_seen = "read" in draft.data or (self._reports and self._reports.has_written)
        if self.options.pure and is_done and not made and not is_seen:
            for one in (*written, draft):
                self.fiber.add(one)
        else:
            self._events += self.fiber.commit(*written, draft, files=made)[-1:]
        return draft

    def _with_text_ended(self, end: NewEvent) -> NewEvent:
        """Show people that the attempt's text has ended; return the attempt's last event, `end`."""
        if self._reports:
            self._reports.end(end)
        return end

    def _keep_now(self, draft: NewEvent) -> None:
        """Commit the event now, or hold it until the end of the step's transaction."""
        if self.options.transaction:
            self._held = (*self._held, draft)
        else:
            self.fiber.tell(draft)

    def _give_up(self, facts: Attempt, seconds: float) -> None:
        """Record a timeout, release the run and end the process.

        The watchdog's thread calls this method.
        """
        draft = self._failed(StepTimeoutError(self.key, seconds), facts)
        retry_at = StepFailure.read(draft.data).retry_at
        status = RunStatus.RETRYING if retry_at else RunStatus.QUEUED
        handoff = Handoff(status, wake_at=retry_at)
        journal, stuck = self.fiber.journal, self.fiber.journal.working
        # Compare objects: if the step ends while this thread commits, `working` is another object
        # or None, and the process must go on.
        is_stuck = lambda: stuck is not None and journal.working is stuck  # noqa: E731
        journal.abandon(Batch((draft,), handoff=handoff), is_stuck)


Done = tuple[NewEvent, Sequence[NewEvent], Sequence[File]]
"""The event that ends an attempt, other events of the step, and files that the attempt made."""


class _UndoneError(Exception):
    """An attempt has failed; this error ends its transaction, which is then rolled back."""

    def __init__(self, done: Done) -> None:
        self.done = done
        super().__init__()


def _succeeded(done: Done) -> Done:
    if done[0].kind == EventKind.STEP_FAILED:
        raise _UndoneError(done)
    return done


def _shorter(first: float | None, second: float | None) -> float | None:
    return min((one for one in (first, second) if one is not None), default=None)
