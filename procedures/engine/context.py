"""What a procedure sees: every call answers from the journal before it does any work."""

import random
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NoReturn, TypeVar, Unpack, overload

from pydantic import ValidationError

from procedures.engine import canonical, questions
from procedures.engine.chance import Chance
from procedures.engine.durations import Duration, parse_duration
from procedures.engine.errors import (
    Cancelled,
    EngineError,
    Interruption,
    QuestionError,
    Refused,
    RequestExpiredError,
    StepFailedError,
    Suspend,
    told,
)
from procedures.engine.files import File, files_made
from procedures.engine.history import Entry, History
from procedures.engine.journal import (
    Batch,
    Draft,
    Event,
    EventKind,
    Journal,
    Release,
    RunStatus,
    Working,
)
from procedures.engine.progress import Progress
from procedures.engine.questions import Asking, Outcome, Question, Response
from procedures.engine.state import State
from procedures.engine.steps import ONCE, Retry, Step, StepFunction, name_of, step_function

T = TypeVar("T")
Level = Literal["debug", "info", "warning", "error"]
SHOWN = ("kind", "body", "labels", "draft", "evidence", "schema", "assign")
IN_PLACE = timedelta(seconds=1)
LONGEST_NAME = 80


class Context:
    """The first parameter of every procedure."""

    def __init__(self, journal: Journal, events: Sequence[Event]) -> None:
        self._journal = journal
        self._history = History(events)
        self._now = events[0].at
        self._buffer: list[Draft] = []
        self._is_in_step = self._is_over = False
        self._thread = threading.get_ident()
        self._drawn = 0
        self.interruption: Interruption | None = None
        """What ended the code here, kept so that catching it changes nothing."""
        self.run_id = journal.run.run_id
        self.started_by: str = events[0].content["by"]
        """The user name of who started the run, or "system": `assign=f"@{ctx.started_by}"`."""
        self._state = State(self._note_state)
        self._chance = Chance(journal.run.seed)
        self._chance.check = self._check_usable

    # Work

    def step(
        self, fn: Callable[..., T], *args: Any, name: str = "", retry: Retry | None = None
    ) -> T:
        """Run `fn(*args)` once and keep its result; on replay the kept result is returned.

        The result is the JSON round trip of what `fn` returned, in the annotated type. An
        exception is tried again as `retry` says, then raised as `StepFailedError`. A parameter
        annotated `Step` gets the attempt and its idempotency key.
        """
        self._check_usable()
        function = step_function(fn)
        key = self._history.key_for(_checked_name(name or name_of(fn)))
        entry = self._take("step", key)
        failures = 0
        if entry:
            self._now = entry.last.at
            if entry.last.kind == EventKind.STEP_SUCCEEDED:
                result: T = self._restored(entry, "result", function.returns)
                return result
            failures = len(entry.events)
            if entry.last.content["final"] and not entry.is_tried_again:
                raise _failure(key, entry.last.content)
            if not entry.is_tried_again:
                self._wait_for_retry(key, entry.last)
        self.flush()
        return self._attempt(function, args, key, retry or ONCE, failures + 1)  # type: ignore[no-any-return]

    def _attempt(
        self, function: StepFunction, args: tuple[Any, ...], key: str, retry: Retry, attempt: int
    ) -> Any:
        while True:
            event = self._try_once(function, args, key, retry, attempt)
            if event.kind == EventKind.STEP_SUCCEEDED:
                return canonical.load(event.content["result"], function.returns)
            if event.content["final"]:
                raise _failure(key, event.content)
            self._wait_for_retry(key, event)
            attempt += 1

    def _try_once(
        self, function: StepFunction, args: tuple[Any, ...], key: str, retry: Retry, attempt: int
    ) -> Event:
        if self._journal.is_cancelled:
            self._interrupt(Cancelled(key))
        progress = Progress(key, attempt, keep=self._commit, now=self._journal.now)
        step = Step(key, f"{self.run_id}:{key}", attempt, progress.say)
        since = self._journal.now()
        facts = {"attempt": attempt, "started_at": since.isoformat(), "arguments": _digest(args)}
        self._journal.working, self._is_in_step = Working(key, attempt, since), True
        made: list[File] = []
        try:
            with files_made() as made:
                result = function(step, args)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (it is journaled, sys.exit too)
            pause = None if isinstance(error, EngineError) else retry.pause_after(attempt)
            retry_at = self._journal.now() + pause if pause is not None else None
            draft = Draft(
                EventKind.STEP_FAILED, key, key, {**facts, **told(error), **_again(retry_at)}
            )
            made = []
        else:
            draft = Draft(EventKind.STEP_SUCCEEDED, key, key, {**facts, "result": result})
        finally:
            self._journal.working, self._is_in_step = None, False
        if self.interruption:  # it could not say how far it is: the run is not ours any more
            raise self.interruption
        return self._commit(*progress.close(), draft, files=tuple(made))

    def _wait_for_retry(self, key: str, failure: Event) -> None:
        retry_at = datetime.fromisoformat(failure.content["retry_at"])
        pause = retry_at - self._journal.now()
        if pause > IN_PLACE:
            self._interrupt(Suspend(key, wake_at=retry_at))
        if pause > timedelta(0):
            self._journal.pause(pause.total_seconds())

    # People

    def approve(
        self, prompt: str, *, yes: str = "", no: str = "", **asking: Unpack[Asking]
    ) -> Response[bool]:
        """Ask for a yes or no, in the author's words for the two buttons."""
        return self._ask("approve", asking, questions.approval(prompt, yes=yes, no=no, **asking))

    @overload
    def ask(self, prompt: str, **asking: Unpack[Asking]) -> Response[str]: ...
    @overload
    def ask(self, prompt: str, hint: type[T], **asking: Unpack[Asking]) -> Response[T]: ...
    @overload
    def ask(self, prompt: str, hint: object, **asking: Unpack[Asking]) -> Response[Any]: ...
    def ask(self, prompt: str, hint: Any = str, **asking: Unpack[Asking]) -> Response[Any]:
        """Ask for a value: a text, int, Decimal, bool or date, also `Annotated` with limits."""
        question = questions.text_input(prompt, hint, **asking)
        return self._ask("ask", asking, question, hint)

    @overload
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: Literal[False] = ...,
        **asking: Unpack[Asking],
    ) -> Response[str]: ...
    @overload
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: Literal[True],
        **asking: Unpack[Asking],
    ) -> Response[list[str]]: ...
    def choose(
        self,
        prompt: str,
        options: Sequence[str] | Mapping[str, str],
        *,
        many: bool = False,
        **asking: Unpack[Asking],
    ) -> Response[Any]:
        """Ask for one of the options, or with `many` for one or more of them."""
        return self._ask("choose", asking, questions.choice(prompt, options, many=many, **asking))

    def review(self, prompt: str, draft: str, **asking: Unpack[Asking]) -> Response[str]:
        """Show a draft; the answer's value is the text, edited or not, and "" when rejected."""
        response: Response[Any] = self._ask(
            "review", asking, questions.review(prompt, draft, **asking)
        )
        value = response.value
        if isinstance(value, dict):
            value = "" if value["decision"] == "rejected" else value.get("text", draft)
        return Response(**{**vars(response), "value": value})

    def notify(self, text: str) -> None:
        """Say something in the chat session, without waiting."""
        self._note(EventKind.NOTICE, text, {"text": canonical.legible(text)})

    def _ask(self, verb: str, asking: Asking, question: Question, hint: Any = Any) -> Response[Any]:
        self._check_usable()
        name = _checked_name(asking.get("name") or verb)
        data = {**question.as_json(), "digest": question.digest, "wait": "request"}
        wait = self._wait(name, data, question.expires)
        closed, content = wait.last, wait.last.content
        if content["outcome"] == Outcome.EXPIRED and question.on_timeout == "fail":
            raise RequestExpiredError(question.prompt)
        return Response(
            value=None if content["value"] is None else self._restored(wait, "value", hint),
            outcome=Outcome(content["outcome"]),
            responder=content["responder"],
            comment=content["comment"],
            at=closed.at,
            timed_out=content["timed_out"],
        )

    # Time and chance

    def sleep(self, length: Duration) -> None:
        """Wait that long; holds no worker."""
        self._check_usable()
        seconds = parse_duration(length).total_seconds()
        self._wait("sleep", {"wait": "timer", "digest": "timer"}, seconds)

    def now(self) -> datetime:
        """The time of the last step or wait that was kept: the same on every replay."""
        self._check_usable()
        return self._now

    @property
    def random(self) -> random.Random:
        """Draws the same numbers on every replay."""
        self._check_usable()
        return self._chance

    def uuid(self) -> uuid.UUID:
        """A random-looking id, the same on every replay."""
        self._check_usable()
        self._drawn += 1
        return uuid.uuid5(uuid.NAMESPACE_OID, f"{self._journal.run.seed}:{self._drawn}")

    # What people see meanwhile

    @property
    def state(self) -> State:
        """Durable values of the run by name, rebuilt by replay: an increment counts once."""
        self._check_usable()
        return self._state

    def log(self, text: str, *, level: Level = "info") -> None:
        """A line for the run's journal, written once over any number of replays."""
        self._note(EventKind.LOG, text, {"text": canonical.legible(text), "level": level})

    def stage(self, name: str) -> None:
        """Name the part of the procedure that begins here."""
        self._note(EventKind.STAGE, name, {"stage": canonical.legible(name)})

    def _note_state(self, name: str, value: Any) -> None:
        self._note(EventKind.STATE, name, {"name": name, "value": value})

    def _note(self, kind: EventKind, name: str, data: dict[str, Any]) -> None:
        self._check_usable()
        canonical.text_of(data)
        key = self._history.key_for(f":{kind}")
        if not self._history.has_soft(kind, key):
            self._buffer.append(Draft(kind, key, canonical.legible(name)[:100], data))

    # The journal

    def flush(self) -> None:
        """Commit what is noted but not yet kept."""
        self._check_usable()
        if self._buffer:
            self._commit()

    def finish(self, release: Release, *drafts: Draft) -> None:
        """Commit what is left, and let go of the run. A quarantined run asks nothing more."""
        left = () if release.status == RunStatus.QUARANTINED else self._buffer
        self._journal.commit(Batch((*left, *drafts), release=release))

    def check_all_read(self, then: str) -> None:
        self._history.check_all_read(then)

    def close(self) -> None:
        """The code has ended: what still lives of it, say a generator, does nothing more."""
        self._is_over = True

    def _commit(self, *drafts: Draft, files: tuple[File, ...] = ()) -> Event:
        try:
            events = self._journal.commit(Batch((*self._buffer, *drafts), files))
        except Interruption as interruption:
            self._interrupt(interruption)
        except Exception as error:  # noqa: BLE001 (the procedure must not catch it)
            words = told(error)
            self._interrupt(Refused(f"{words['type']}: {words['message']}"))
        self._buffer.clear()
        if drafts:
            self._now = events[-1].at
        return events[-1]

    def _wait(self, name: str, data: dict[str, Any], seconds: float | None) -> Entry:
        """The closed wait of that name; opens it, and suspends, if need be."""
        key = self._history.key_for(name)
        prompt = data.get("prompt", "")
        entry = self._take("wait", key, prompt)
        if entry is None:
            due = self._journal.now() + timedelta(seconds=seconds) if seconds else None
            data = {**data, "due_at": due and due.isoformat()}
            self._buffer.append(Draft(EventKind.WAIT_OPENED, key, name, data))
            self._interrupt(Suspend(key))
        opened = entry.events[0].content
        if opened["digest"] != data["digest"]:
            self._interrupt(self._history.mismatch(_changed(key, opened, data)))
        if entry.last.kind != EventKind.WAIT_CLOSED:
            self._interrupt(Suspend(key))
        self._now = entry.last.at
        return entry

    def _restored(self, entry: Entry, what: str, hint: Any) -> Any:
        """A kept result or answer in its type, if the code still has a type that it fits."""
        try:
            return canonical.load(entry.last.content[what], hint)
        except ValidationError as error:
            words = f"The kept {what} of {entry} no longer fits: {canonical.faults(error)}"
            self._interrupt(self._history.mismatch(words))

    def _take(self, family: Literal["step", "wait"], key: str, prompt: str = "") -> Entry | None:
        try:
            return self._history.take(family, key, prompt)
        except Interruption as interruption:
            self._interrupt(interruption)

    def _check_usable(self) -> None:
        if self.interruption:
            raise self.interruption
        if self._is_in_step:
            raise EngineError("The context cannot be used inside a step: return what it needs.")
        if self._is_over:
            raise EngineError("The procedure has ended: its context cannot be used any more.")
        if threading.get_ident() != self._thread:
            raise EngineError("The context belongs to the procedure's own thread.")

    def _interrupt(self, interruption: Interruption) -> NoReturn:
        self.interruption = interruption
        raise interruption


def _checked_name(name: str) -> str:
    is_plain = name.isprintable() and not any(mark in name for mark in "#/:")
    if not name.strip() or not is_plain or len(name) > LONGEST_NAME:
        raise QuestionError(
            f"{name!r} is no name: at most {LONGEST_NAME} plain characters, without # / or :."
        )
    return name


def _digest(args: tuple[Any, ...]) -> str:
    if any(isinstance(arg, Iterator) for arg in args):  # looking would use it up
        return ""
    try:
        return canonical.digest(canonical.dump(args))[:16]
    except Exception:  # noqa: BLE001 (a step may take what JSON cannot hold)
        return ""


def _again(retry_at: datetime | None) -> dict[str, Any]:
    return {"retry_at": retry_at and retry_at.isoformat(), "final": retry_at is None}


def _failure(key: str, content: Mapping[str, Any]) -> StepFailedError:
    return StepFailedError(key, content["type"], content["message"])


def _changed(key: str, opened: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    before, now = opened.get("prompt", opened["wait"]), asked.get("prompt", asked["wait"])
    if before != now:
        return f"The wait {key} has changed: the run asked “{before}”, the code now asks “{now}”."
    parts = [part for part in SHOWN if opened.get(part) != asked.get(part)]
    return f"The wait {key}, “{now}”, has changed in its {' and '.join(parts)}."
