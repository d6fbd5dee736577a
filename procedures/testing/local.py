"""Agent programs in memory: an execution context for a program that calls its own code.

Such a driver calls its code, catches `ProcedureWaitingForHuman`, and stores the id of the pending
message. When the message has been answered, the driver calls the code again. The context uses the
engine's own runs in memory.
"""

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from procedures.engine.agent_api import Checkpoints, HumanResponse, wait_for_human
from procedures.engine.errors import EngineError, Interruption, OptionError, Suspend
from procedures.engine.journal.events import Batch, Event, EventKind, Handoff, NewEvent, RunStatus
from procedures.engine.memory import MemoryRun
from procedures.engine.replay.fiber import Fiber
from procedures.engine.replay.history import Scope
from procedures.engine.replay.loops import outside_the_loop
from procedures.engine.replay.recorder import Recorder
from procedures.engine.values import canonical
from procedures.engine.values.durations import Duration, parse_duration
from procedures.engine.values.files import use_file_store
from procedures.engine.values.options import check_json, with_options
from procedures.engine.values.spelling import short_repr
from procedures.engine.values.state import State
from procedures.engine.waits.handles import sleep
from procedures.testing.local_runs import LOCAL_RUNS, LocalRuns
from procedures.testing.people import AskedWait, check_said

T = TypeVar("T")
END = NewEvent(EventKind.RUN_SUCCEEDED)


class ProcedureWaitingForHuman(Exception):  # noqa: N818 (the name that programs know)
    """A question is open: store `pending_message_id`, and call the code again once it is answered.

    Code that catches this exception can't go on: each further use of the context raises it again.
    """

    def __init__(self, procedure_id: str, pending_message_id: str) -> None:
        self.procedure_id, self.pending_message_id = procedure_id, pending_message_id
        super().__init__(f"{procedure_id} is waiting for the answer to {pending_message_id}.")


class LocalExecutionContext:
    """The context of one run of a driver's code.

    A later context with the same `procedure_id` continues the same run. `runs` stores the runs; by
    default, all drivers in this process share `LOCAL_RUNS`. With a `chat_recorder`, each question
    is passed to its method `record_message(role, content, message_type, human_interaction,
    metadata)`, plain or async. What this method returns is used as the question's id.
    """

    @with_options("LocalExecutionContext")
    def __init__(
        self,
        procedure_id: str,
        session_id: str,
        runs: LocalRuns | None = None,
        chat_recorder: Any = None,
    ) -> None:
        check_said("procedure_id of LocalExecutionContext", procedure_id)
        check_said("session_id of LocalExecutionContext", session_id)
        if chat_recorder is not None and not hasattr(chat_recorder, "record_message"):
            words = f"needs a method record_message, which {short_repr(chat_recorder)} lacks"
            raise OptionError(f"chat_recorder of LocalExecutionContext {words}.")
        own: Any = runs
        if not isinstance(own, LocalRuns | None):
            given = f"(runs=) must be a LocalRuns, not {short_repr(runs)}"
            raise OptionError(
                f"The third argument of LocalExecutionContext {given}. "
                "GraphQL clients aren't supported; docs/driver.md shows the alternatives."
            )
        self.procedure_id, self.session_id = procedure_id, session_id
        self.runs = LOCAL_RUNS if runs is None else runs
        self.chat_recorder = chat_recorder
        self._journal = self.runs.take_up(procedure_id, session_id)
        self._recorder = Recorder(self._journal, self._journal.load(), linger=self._linger)
        scope = Scope(self._recorder.history)
        self._fiber = Fiber(self._recorder, scope, now=self._recorder.first.at)
        self._checkpoints = Checkpoints(self._fiber)
        self._known = len(self._row.events)
        self._is_sleeping = self._has_left = False
        self._waiting: ProcedureWaitingForHuman | None = None
        self._kept_at: dict[str, str] = {}
        """The time at which the last result of each name was stored, as ISO 8601."""
        self._message, self._details = "", dict[str, Any]()
        """The text and the details of the current question, as passed to the chat recorder."""

    @property
    def metadata(self) -> dict[str, Any]:
        """A copy of the run's data: `{"checkpoints": …, "state": …}`, readable also after a wait.

        For each name of a checkpoint, there is a "result" and a "completed_at" (ISO 8601).
        """
        kept = self._checkpoints.kept.items()
        checkpoints = {
            name: {"result": result, "completed_at": self._kept_at[name]} for name, result in kept
        }
        return {"checkpoints": checkpoints, "state": canonical.jsonable(dict(self._fiber.state))}

    @property
    def state(self) -> State:
        """The run's durable values, keyed by name, as in `ctx.state`."""
        return self._use(lambda: self._fiber.state)

    @with_options("step_run")
    def step_run(self, name: str, fn: Callable[[], Any]) -> Any:
        """Call `fn`, store its result under the name, and return it; replays only return it.

        Exceptions of `fn` are raised unchanged.
        """
        result = self._use(lambda: self._checkpoints.step_run(name, fn))
        self._kept_at[name] = self._fiber.now.isoformat()
        return result

    @with_options("wait_for_human")
    def wait_for_human(
        self,
        request_type: str,
        message: str,
        timeout_seconds: float | None = None,
        default_value: Any = None,
        options: Sequence[Mapping[str, Any]] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> HumanResponse:
        """Return the answer, or raise `ProcedureWaitingForHuman` while there is none.

        The arguments are those of `ctx.wait_for_human`.
        """
        self._message = message
        self._details = {
            "timeout_seconds": timeout_seconds,
            "default_value": default_value,
            "options": options,
            "request_metadata": metadata,
        }
        shown = options, metadata
        return self._use(
            lambda: wait_for_human(
                self._fiber, request_type, message, timeout_seconds, default_value, shown
            )
        )

    @with_options("sleep")
    def sleep(self, seconds: Duration) -> None:
        """Advance the runs' clock by some seconds or a duration such as "2h", without waiting.

        When the code is called again, a finished sleep advances nothing.
        """
        length = parse_duration(seconds, shortest=timedelta(0), of="seconds= of sleep")
        self._is_sleeping = True
        try:
            self._use(lambda: sleep(self._fiber, "sleep", length))
        finally:
            self._is_sleeping = False

    @with_options("checkpoint_exists")
    def checkpoint_exists(self, name: str) -> bool:
        """Return True if an earlier `step_run` in the code has stored a result under this name."""
        return self._use(lambda: self._checkpoints.exists(name))

    @with_options("checkpoint_get")
    def checkpoint_get(self, name: str) -> Any:
        """Return the latest result that `step_run` has stored under this name, or None."""
        return self._use(lambda: self._checkpoints.get(name))

    @with_options("checkpoint_clear_after")
    def checkpoint_clear_after(self, name: str) -> None:
        """Forget the latest result under this name, and all results of `step_run` stored after it.

        The journal keeps them.
        """
        self._use(lambda: self._checkpoints.clear_after(name))

    @with_options("checkpoint_clear_all")
    def checkpoint_clear_all(self) -> None:
        """Forget all results of `step_run`. The journal keeps them."""
        self._use(self._checkpoints.clear_all)

    @with_options("complete")
    def complete(self, result: Any = None) -> None:
        """End the run with a result, which must be a JSON value; the run can't be continued."""
        text = canonical.text_of(check_json("result= of complete", result))
        self._use(lambda: self._end_with(text))
        self._fiber.close()

    def _end_with(self, result: str) -> None:
        self._fiber.scope.check_all_read("The code now ends")
        self._recorder.finish(Handoff(RunStatus.SUCCEEDED, result=result), END)

    @property
    def _row(self) -> MemoryRun:
        return self._journal.row

    def _use(self, act: Callable[[], T]) -> T:
        if self._waiting:
            raise self._waiting
        try:
            return self._used(act)
        except Suspend as suspension:
            raise self._waiting_for(suspension.keys[0]) from None
        except Interruption as interruption:
            words = f"{type(interruption).__name__}: {interruption}"
            raise EngineError(f"{self.procedure_id} can't continue. {words}") from interruption

    def _used(self, act: Callable[[], T]) -> T:
        try:
            with use_file_store(self.runs.files, self._journal):
                self._fiber.check_usable()
                return act()
        except Suspend as suspension:
            # Code that has caught the exception may get here again; the run has been released
            # already.
            if not self._has_left:
                release, drafts = self._recorder.suspended(suspension)
                self._recorder.finish(release, *drafts)
            self._has_left = True
            raise

    def _waiting_for(self, key: str) -> ProcedureWaitingForHuman:
        message_id = self.runs.message_of(self.procedure_id, key, self._record)
        self._waiting = ProcedureWaitingForHuman(self.procedure_id, message_id)
        return self._waiting

    def _record(self, asked: AskedWait) -> str:
        """Return the id that the chat recorder gives the question; without one, "RUN:WAIT"."""
        if self.chat_recorder is None:
            return f"{self.procedure_id}:{asked.key}"
        kind = asked.key.rpartition("/")[2].partition("#")[0]
        recorded = self.chat_recorder.record_message(
            role="ASSISTANT",
            content=self._message,
            message_type="MESSAGE",
            human_interaction=f"PENDING_{kind.upper()}",
            metadata=self._details,
        )
        if inspect.iscoroutine(recorded):
            # The driver may call this from its own event loop, in which `asyncio.run` refuses to
            # start another one.
            with outside_the_loop():
                recorded = asyncio.run(recorded)
        return str(recorded)

    def _linger(self, batch: Batch) -> Sequence[Event] | None:
        """During a sleep, advance the clock to the sleep's end; return the events that code reads.

        At any other wait, return None; the code is then abandoned.
        """
        if not self._is_sleeping:
            return None
        self._journal.commit(batch)
        for wait in list(self._row.waits.values()):
            self.runs.travel(datetime.fromisoformat(wait["due_at"]) - self.runs.clock)
        self.runs.claim(self.procedure_id)
        self._journal.take_hold()
        before, self._known = self._known, len(self._row.events)
        return self._row.events[before:]
