"""The runs of programs that call their own code, with the questions that these programs ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from procedures.engine.context import Context
from procedures.engine.declaration.decorator import procedure
from procedures.engine.errors import AnswerError, OptionError
from procedures.engine.journal.events import RunFacts
from procedures.engine.lifecycle.runs import queue
from procedures.engine.values.durations import Duration, parse_duration
from procedures.engine.values.options import check_json, with_options
from procedures.testing.journal import MemoryJournal
from procedures.testing.people import Answer, AskedWait, Manner, asked_of, check_said
from procedures.testing.turns import Store


@dataclass(frozen=True)
class PendingMessage:
    """A question from a driver's code that nobody has answered yet."""

    id: str
    """The question's id, which is the `pending_message_id` of `ProcedureWaitingForHuman`."""
    procedure_id: str
    session_id: str
    asked: AskedWait
    """The question as people see it."""


class LocalRuns(Store):
    """The runs of all drivers in one process, with a clock that tests advance by `travel`.

    All runs are lost when the process ends.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sessions: dict[str, str] = {}
        self._messages: dict[tuple[str, str], str] = {}
        """The ids of questions, keyed by the run's id and the key of the wait."""

    @with_options("pending")
    def pending(self, session_id: str = "") -> list[PendingMessage]:
        """Return the open questions, the oldest first; with `session_id`, those of one session."""
        check_said("session_id of pending", session_id)
        return [
            PendingMessage(message, run_id, self._sessions[run_id], self._asked(run_id, key))
            for (run_id, key), message in self._messages.items()
            if key in self.runs[run_id].waits and session_id in ("", self._sessions[run_id])
        ]

    @with_options("respond")
    def respond(
        self, pending_message_id: str, value: Any, *, by: str = "somebody", comment: str = ""
    ) -> None:
        """Answer a question; the code that asked it continues from there when it is called again.

        The value is what a form would send, such as True for an approval. It may also be a message
        such as `{"approved": True}`, `{"input": "text"}` or `{"decision": "approve", "feedback":
        "", "edited_artifact": "text"}`. Raises `AnswerError` if the value doesn't fit, the question
        is closed, or the id is unknown.
        """
        check_said("pending_message_id of respond", pending_message_id)
        check_json("value= of respond", value)
        check_said("by= of respond", by)
        check_said("comment= of respond", comment)
        for one in self.pending():
            if one.id == pending_message_id:
                self._close_with(one.asked, _answer_of(one.asked, value, by=by, comment=comment))
                return
        is_known = pending_message_id in self._messages.values()
        if is_known:
            raise AnswerError(f"The message {pending_message_id!r} was answered or has expired.")
        raise AnswerError(f"There is no message {pending_message_id!r}.")

    @with_options("travel")
    def travel(self, length: Duration) -> None:
        """Let time pass; questions still open at their deadline are closed with their default."""
        super().travel(parse_duration(length, shortest=timedelta(0), of="length= of travel"))

    @with_options("status")
    def status(self, procedure_id: str) -> str:
        """Return WAITING_FOR_HUMAN, RUNNING or COMPLETED; raise `KeyError` for an unknown run."""
        run = self.runs[check_said("procedure_id of status", procedure_id)]
        if run.status.is_end:
            return "COMPLETED"
        return "WAITING_FOR_HUMAN" if run.waits else "RUNNING"

    def take_up(self, procedure_id: str, session_id: str) -> MemoryJournal:
        """Claim a run for a driver, and return the run's journal; begin the run if the id is new.

        An earlier claim of the run ends. Raises `OptionError` if the run belongs to another session
        or is complete.
        """
        if procedure_id not in self.runs:
            facts = RunFacts(procedure_id, "{}", seed=procedure_id)
            self.begin(driven, facts, by="system")
        if self._sessions.setdefault(procedure_id, session_id) != session_id:
            of = self._sessions[procedure_id]
            words = f"{procedure_id!r} belongs to the session {of!r}, not {session_id!r}."
            raise OptionError(f"session_id of LocalExecutionContext: {words}")
        run = self.runs[procedure_id]
        if run.status.is_end:
            words = f"{procedure_id!r} is complete. Use another id for a new run."
            raise OptionError(f"procedure_id of LocalExecutionContext: {words}")
        # The run is queued first, which revokes an earlier claim: the driver may have left its code
        # anywhere, and an older context may still be in use.
        queue(self, run)
        journal = self.claim(procedure_id)
        assert journal
        return journal

    def message_of(self, run_id: str, key: str, record: Callable[[AskedWait], str]) -> str:
        """Return the id of a question.

        For a new question, `record` is called, and the id that it returns is stored.
        """
        if (run_id, key) not in self._messages:
            self._messages[run_id, key] = record(self._asked(run_id, key))
        return self._messages[run_id, key]

    def _asked(self, run_id: str, key: str) -> AskedWait:
        return asked_of(run_id, key, self.runs[run_id].waits[key], at=self.clock)

    def _close_with(self, asked: AskedWait, answer: Answer) -> None:
        with self.use_files():
            answered = Manner(lambda _: answer).answer(asked)
        assert answered
        self.resolve(asked.run_id, asked.key, answered.content, files=answered.files)


LOCAL_RUNS = LocalRuns()
"""The runs of all drivers that pass no `runs` of their own."""


@procedure(name="driven")
def driven(_: Context) -> None:
    """Do nothing: the driver calls its code itself, so the engine never runs this function."""


def _answer_of(asked: AskedWait, value: Any, *, by: str, comment: str) -> Answer:
    """Return the answer that a driver's message contains; any other value is the answer itself."""
    if not isinstance(value, Mapping) or asked.question is None:
        return Answer(value, by, comment)
    answer, feedback = asked.question.rules.read_message(asked.question, value)
    return Answer(answer, by, feedback or comment)
