"""A program's own run on the site, in which the program keeps values and asks people.

Commands are signals to the run, each with an id. Once the run's state contains the id of a command,
the command has taken effect, and the effect can't be lost. The run belongs to the process that
opened it most recently. The run ignores commands from all other processes, so that of two processes
with the same run only one continues.
"""

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Self
from uuid import uuid4

from countersign_client.client import Client
from countersign_client.errors import (
    EndedRunError,
    InvalidError,
    LostRunError,
    NoAnswerError,
    WaitTimeoutError,
)
from countersign_client.outside_state import OWN, OutsideState
from countersign_client.pausing import Deadline
from countersign_client.reading import value_as
from countersign_client.results.requests import Answer
from countersign_client.results.runs import Event, Run

PROCEDURE, SIGNAL = "outside", "tell"
FIRST_LOOK, LAST_LOOK = 0.01, 1.0
PATIENCE = 60.0
MOST_AT_ONCE = 200_000
"""The maximum number of characters of JSON in one command with several values.

A single larger value is sent in a command of its own.
"""
EVENTS = 200
ASIDE = "value_elsewhere"
"""The field that an event in a list has in place of a value that is too large for lists."""


class OutsideRun:
    """A run that this process owns. Open it with `OutsideRun.open`.

    `values` are the stored values by name. A method that sends a command returns once the run has
    carried the command out, or raises `WaitTimeoutError` after `patience` seconds, for example
    because the site has no worker. The method raises `LostRunError` if another process has taken
    the run over, and `EndedRunError` if the run has ended. Several threads can use the same object.
    """

    def __init__(self, client: Client, run: Run, *, patience: float = PATIENCE) -> None:
        self._client, self._patience = client, patience
        self._state = OutsideState(run.last_seq, ended=run.status if run.is_over else "")
        self.id = run.id

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"

    @classmethod
    def open(  # noqa: PLR0913 (the inputs of the procedure `outside`)
        cls,
        client: Client,
        key: str,
        subject: str,
        *,
        to: Iterable[str] = (),
        silence: str = "",
        webhook: str = "",
        patience: float = PATIENCE,
    ) -> Self:
        """Start the run, or find the run that was started with the same `key`, and take it over.

        `to` names everybody whom the run may ask; by default, all groups that may answer are asked.
        After `silence`, such as "2 days", without a command and without an open question, the run
        fails. If the `key` was used before, all other inputs must be the same as the first time.
        """
        given = {"to": list(to), "silence": silence, "webhook": webhook}
        inputs = {"subject": subject, **{name: one for name, one in given.items() if one}}
        run = client.start_run(PROCEDURE, inputs, key=key)
        return cls.taken_over(client, run.id, patience=patience)

    @classmethod
    def taken_over(cls, client: Client, run_id: str, *, patience: float = PATIENCE) -> Self:
        """Make this process the owner of the run with this id, and return the run.

        If the run has ended, the returned object can still read its values and answers, but can't
        change the run.
        """
        found = cls(client, client.get_run(run_id), patience=patience)
        # The run may be ending. Then it accepts no more commands.
        with suppress(EndedRunError):
            found._tell(take=True)
        found._read_state()
        return found

    @property
    def is_over(self) -> bool:
        """True if the run has ended, as far as this process knows."""
        return bool(self._state.ended)

    @property
    def values(self) -> dict[str, Any]:
        """A copy of the stored values, by name."""
        return self._state.values

    def get(self, name: str, default: Any = None) -> Any:
        """Return a copy of the value with this name, or `default` if no such value is stored."""
        return self._state.get(name, default)

    def has(self, name: str) -> bool:
        """Return True if a value with this name is stored."""
        return self._state.has(name)

    def keep(
        self, values: Mapping[str, Any] | None = None, *, gone: Iterable[str] = (), stage: str = ""
    ) -> None:
        """Store values by name, remove the values named in `gone`, and set the run's stage.

        People see the stage. Values that are too large for one command are sent in several
        commands, in the order of `values`.
        """
        parts = list(_parts(values or {})) or [{}]
        for part in parts[:-1]:
            self._tell(values=part)
        self._tell(values=parts[-1], gone=list(gone), stage=stage)

    def ask(  # noqa: PLR0913 (the inputs of the procedure `ask`)
        self,
        key: str,
        subject: str,
        *,
        body: str = "",
        kind: str = "",
        options: Mapping[str, str] | list[str] | None = None,
        schema: Mapping[str, Any] | None = None,
        to: Iterable[str] = (),
        due: str = "",
        expires: str = "",
        default: Any = None,
        values: Mapping[str, Any] | None = None,
    ) -> "OutsideQuestion":
        """Ask people a question, once for each `key`, and store `values` in the same command.

        The other arguments are those of `Client.ask`. If the `key` was used before, even by another
        process, the earlier question is returned; `InvalidError` is raised if the earlier question
        had another text.
        """
        usual = "choice" if options else "form" if schema else "approval"
        given = {
            "body": body,
            "kind": kind or usual,
            "options": options,
            "schema": schema,
            "to": list(to),
            "due": due,
            "expires": expires,
            "default": default,
        }
        sent = {name: value for name, value in given.items() if value not in ("", None, [])}
        self._tell(ask={"key": key, "subject": subject, **sent}, values=dict(values or {}))
        return OutsideQuestion(self, key)

    def question(self, key: str) -> "OutsideQuestion | None":
        """Return the question that was asked with the key, or None if there is none."""
        return None if self._state.question(key) is None else OutsideQuestion(self, key)

    def post(self, text: str, *, body: str = "", data: Any = None) -> str:
        """Send a message for the run's chat session, and return the id of the command.

        This method doesn't wait until the run has posted the message.
        """
        return self._send(post={"text": text, "body": body, "data": data})

    def log(self, text: str, *, level: str = "info") -> None:
        """Send a line for the run's journal, without waiting until the run has written the line.

        `level` is debug, info, warning or error.
        """
        self._send(log={"text": text, "level": level})

    def finish(self, result: Any = None) -> None:
        """End the run with a result. If the run has already succeeded, nothing happens."""
        self._end("succeeded", {"result": result})

    def fail(self, message: str) -> None:
        """End the run with an error. If the run has already failed, nothing happens."""
        self._end("failed", {"error": message or "The program has failed."})

    def refresh(self) -> None:
        """Read the run's new events; raise `LostRunError` if another process owns the run."""
        self._read_events()
        self._check()

    def _end(self, status: str, end: Mapping[str, Any]) -> None:
        if self._state.ended != status:
            self._tell(end=end)
            self._state.ended = self._client.wait_for_end(self.id, timeout=self._patience).status

    def _tell(self, **command: Any) -> None:
        """Send a command, and return once the run has carried the command out."""
        sent = self._send(**command)
        deadline, pause = Deadline(self._patience), FIRST_LOOK
        while True:
            self._read_events()
            self._check()
            refused = self._state.take_reply(sent)
            if refused is not None:
                break
            if self.is_over:
                raise EndedRunError(self.id, self._state.ended)
            if deadline.left == 0:
                words = (
                    "The run hasn't read this command yet. It will when a worker picks the run up, "
                    "so don't send the command again."
                )
                raise WaitTimeoutError(words)
            time.sleep(deadline.cut(pause))
            pause = min(pause * 1.5, LAST_LOOK)
        if refused:
            raise InvalidError(refused, {}, status=422)

    def _send(self, **command: Any) -> str:
        """Send a command, and return the id of the command.

        When this method returns, the site has stored the command.
        """
        self._check()
        if self.is_over:
            raise EndedRunError(self.id, self._state.ended)
        number = str(uuid4())
        content = {"id": number, "owner": self._state.owner, **command}
        if command.get("take") or not {"post", "log"} & command.keys():
            self._state.expect_reply(number)
        try:
            self._client.send_signal(self.id, SIGNAL, content, signal_id=number)
        except InvalidError:
            self._note_end()
            if self.is_over:
                raise EndedRunError(self.id, self._state.ended) from None
            raise
        return number

    def _check(self) -> None:
        if self._state.is_lost:
            raise LostRunError(self.id)

    def _note_end(self) -> None:
        run = self._client.get_run(self.id)
        self._state.ended = run.status if run.is_over else ""

    def _read_state(self) -> None:
        """Read all values, once they are complete.

        At the start of a new journal, the run sets its values again, and `OWN` last of all. So this
        method waits until `OWN` is set.
        """
        deadline, pause = Deadline(self._patience), FIRST_LOOK
        while OWN not in (found := self._client.get_state(self.id)) and not self.is_over:
            deadline.check()
            time.sleep(deadline.cut(pause))
            pause = min(pause * 1.5, LAST_LOOK)
        self._state.replace(found)
        self.refresh()

    def _read_events(self) -> None:
        after: int | None = self._state.seq
        while after is not None:
            page = self._client.list_events(self.id, after=after, limit=EVENTS)
            for event in page.items:
                self._apply(event)
                after = event.seq
            if page.next is None:
                return

    def _apply(self, event: Event) -> None:
        """Apply an event of the journal to the state that this process has read so far."""
        if event.kind == "state" and ASIDE in event.data:
            event = self._client.get_event(self.id, event.seq)
        self._state.apply(event)

    def answer_to(self, key: str) -> Answer | None:
        """Return the answer to the question with this key, or None if there is none yet.

        Only the events that this process has already read are considered; `refresh` reads more.
        Raises `NoAnswerError` if the question was withdrawn, or if the run ended without an answer.
        """
        kept = self._state.question(key)
        if kept is not None and kept["status"] == "closed":
            answer = value_as(Answer, kept["answer"])
            # If the deadline of a question without a default has passed, the answer is null.
            if answer.outcome == "withdrawn" and not answer.timed_out:
                raise NoAnswerError(self.id, "withdrawn", answer.comment)
            return answer
        if self.is_over:
            raise NoAnswerError(self.id, self._state.ended)
        return None

    def wait_for_answer(self, key: str, *, timeout: float | None = None) -> Answer:
        """Wait for the answer to the question with this key, and return the answer.

        Raises `WaitTimeoutError` after `timeout` seconds, and the errors of `answer_to`.
        """
        self.refresh()
        after = self._state.seq
        if (answer := self.answer_to(key)) is not None:
            return answer
        for event in self._client.follow_run(self.id, after=after, timeout=timeout):
            self._apply(event)
            self._check()
            if (answer := self.answer_to(key)) is not None:
                return answer
        self._note_end()
        raise NoAnswerError(self.id, self._state.ended)

    def withdraw(self, key: str, reason: str) -> bool:
        """Withdraw the question with this key; return False if no such question is open."""
        self.refresh()
        kept = self._state.question(key)
        if kept is None or kept["status"] == "closed":
            return False
        self._tell(withdraw={"key": key, "reason": reason})
        answer = self._state.question(key)["answer"]
        return bool(answer["outcome"] == "withdrawn")


class OutsideQuestion:
    """A question of a run that this process owns.

    Any process can find the question by its `key`.
    """

    def __init__(self, run: OutsideRun, key: str) -> None:
        self._run, self.key = run, key

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key!r})"

    def poll(self) -> Answer | None:
        """Return the answer, or None if there is none yet.

        Raises `NoAnswerError` if the question has ended without an answer.
        """
        self._run.refresh()
        return self._run.answer_to(self.key)

    def wait(self, *, timeout: float | None = None) -> Answer:
        """Return the answer as soon as there is one, however often the connection breaks.

        Raises `NoAnswerError` if the question ends without an answer. Raises `WaitTimeoutError`
        after `timeout` seconds. After that, the question stays open.
        """
        return self._run.wait_for_answer(self.key, timeout=timeout)

    def withdraw(self, reason: str) -> bool:
        """Withdraw the question; return False if the question was already closed.

        Calling this method twice is harmless.
        """
        return self._run.withdraw(self.key, reason)


def _parts(values: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Split values into parts that each fit into one command.

    A value that doesn't fit is a part by itself.
    """
    part: dict[str, Any] = {}
    size = 0
    for name, value in values.items():
        length = len(name) + len(json.dumps(value))
        if part and size + length > MOST_AT_ONCE:
            yield part
            part, size = {}, 0
        part[name] = value
        size += length
    if part:
        yield part
