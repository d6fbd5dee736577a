"""What a run waits for: opened now, closed by people, time, a message or another run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from procedures.engine import canonical
from procedures.engine.deciding import decision, not_needed, told_of
from procedures.engine.errors import QuestionError, RequestExpiredError, SizeError, Suspend
from procedures.engine.history import Entry
from procedures.engine.journal import Draft, EventKind
from procedures.engine.large import unpacked
from procedures.engine.line import Line
from procedures.engine.questions import Outcome, Question, RequestKind, Response
from procedures.engine.sizes import cut
from procedures.engine.volatile import REMEDY, differences

T = TypeVar("T")
SHOWN = ("kind", "body", "labels", "draft", "evidence", "volatile", "schema", "assign", "signal")
SHOWN_PROMPT = 80
SHORTEST = timedelta(milliseconds=1)
KEEPS_ON = ("child", "map")
"""Waits whose other side goes on when a set is decided without them."""


class Handle(Generic[T]):
    """Something that was opened and will be closed. `wait()` gives what became of it."""

    def __init__(
        self,
        line: Line,
        key: str,
        entry: Entry | None,
        read: Callable[[Entry], T],
        *,
        opened: Mapping[str, Any],
    ) -> None:
        self.key = key
        self.kind: str = opened["wait"]
        self.opened, self.entry = opened, entry
        self._line, self._read = line, read

    def __repr__(self) -> str:
        return f"<{self.kind} {self.key}>"

    @property
    def closed_seq(self) -> int | None:
        """The number of the event that closed it; None while it is open."""
        return self.entry.last.seq if self.entry and self.entry.is_closed else None

    def is_of(self, line: Line) -> bool:
        return self._line is line

    def wait(self) -> T:
        """What became of it; the run leaves its worker until it is closed."""
        self._line.check_usable()
        if self.entry is None or self.closed_seq is None:
            self._line.check_going_on(self.key)
            self._line.interrupt(Suspend(self.key))
        self._line.pass_by(self.entry.last)
        return self._read(self.entry)


def open_wait(
    line: Line,
    key: str,
    data: dict[str, Any],
    read: Callable[[Entry], T],
    *,
    expires: float | None = None,
) -> Handle[T]:
    """The kept wait of that key, or a new one, to be committed before anything depends on it."""
    entry = line.take("wait", key, data.get("prompt", ""))
    if entry and entry.is_carried and entry.events[0].content["digest"] != data["digest"]:
        entry = None  # what people said to another run was said to another question
    if entry is None:
        line.check_going_on(key)
        due = line.journal.now() + timedelta(seconds=expires) if expires else None
        data = {**data, "due_at": due and due.isoformat()}
        line.add(Draft(EventKind.WAIT_OPENED, key, key.rpartition("/")[2].split("#")[0], data))
    else:
        check_same(line, key, entry.events[0].content, data)
    return Handle(line, key, entry, read, opened=data)


def check_same(line: Line, key: str, opened: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """An answer serves the very question it was given to, and no other."""
    if opened["digest"] != asked["digest"]:
        line.interrupt(line.scope.mismatch(_changed(key, opened, asked), changed=key))


def ask(line: Line, key: str, question: Question, hint: Any = Any) -> Handle[Response[Any]]:
    if line.is_new("wait", key):
        _check_sizes(line, question)
    data = {**question.as_json(), "digest": question.digest, "wait": "request"}

    def read(entry: Entry) -> Response[Any]:
        content = entry.last.content
        if content["outcome"] == Outcome.EXPIRED and question.on_timeout == "fail":
            raise RequestExpiredError(question.prompt)
        value = unpacked(content, "value")
        if value is not None:
            value = line.restored(entry, value, hint)
        answered = shown_at(question, entry)
        return Response(
            value=_edited(value, answered) if question.kind == RequestKind.REVIEW else value,
            outcome=Outcome(content["outcome"]),
            responder=content["responder"],
            comment=content["comment"],
            at=entry.last.at,
            timed_out=content["timed_out"],
            question=answered,
            key=key,
        )

    handle = open_wait(line, key, data, read, expires=question.expires)
    if question.volatile and handle.entry:
        _warn_of_changes(line, key, handle.entry, question)
    return handle


def shown_at(question: Question, entry: Entry) -> Question:
    """The question as people were shown it: of what may have changed since, the kept values."""
    if not question.volatile:
        return question
    return replace(question, evidence=Question.from_json(entry.events[0].content).evidence)


def _warn_of_changes(line: Line, key: str, entry: Entry, question: Question) -> None:
    """Note, once, that volatile evidence is not what people were shown."""
    if found := differences(entry.events[0].content["evidence"], question.evidence):
        words = (
            f"The evidence of {key} has changed since it was shown: {found}. What was shown counts."
        )
        line.note(EventKind.LOG, words, {"text": words, "level": "warning"}, about=key)


def _check_sizes(line: Line, question: Question) -> None:
    try:
        line.sizes.check_question(question)
    except SizeError as error:
        shown = cut(question.prompt, SHOWN_PROMPT)
        raise QuestionError(f"{shown!r} cannot be asked. {error}") from None


def _edited(value: Any, question: Question) -> Any:
    """The text that a review ended with."""
    if not isinstance(value, dict):
        return value
    return "" if value["decision"] == "rejected" else value.get("text", question.draft)


def open_timer(line: Line, key: str, length: timedelta) -> Handle[datetime]:
    data = {"wait": "timer", "digest": "timer"}
    return open_wait(line, key, data, lambda entry: entry.last.at, expires=length.total_seconds())


def sleep(line: Line, name: str, length: timedelta) -> None:
    """Wait for a timer; without one where no time is left, on every replay alike."""
    key = line.scope.key_for(name)
    if length > timedelta(0) or line.scope.peek("wait", key):
        open_timer(line, key, max(length, SHORTEST)).wait()


def first_of(line: Line, name: str, need: int, handles: Sequence[Handle[T]]) -> list[Handle[T]]:
    """The first `need` of them to be closed, in that order; the other open ones are withdrawn.

    Decided in the transaction of who closes the last one needed: the run replays once.
    """
    line.check_usable()
    _check_set(line, need, handles)
    key = line.scope.key_for(name)
    over = [handle.key for handle in handles]
    data = {"wait": "set", "need": need, "over": over}
    data["digest"] = canonical.digest(canonical.text_of((need, over)))[:16]
    entry = line.take("wait", key)
    if entry is None:
        won = _decided(line, key, {**data, "due_at": None}, handles)
    else:
        check_same(line, key, entry.events[0].content, data)
        if not entry.is_closed:
            line.check_going_on(key)
            line.interrupt(Suspend(key))
        line.pass_by(entry.last)
        won = entry.last.content["value"]
        left = [handle for handle in handles if handle.key not in won and handle.entry is None]
        if left:  # decided after an operator had them asked again, and before they were
            line.check_wanted(key)
            _withdraw(line, left, "")
    return [handle for chosen in won for handle in handles if handle.key == chosen]


def _decided(
    line: Line, key: str, data: dict[str, Any], handles: Sequence[Handle[Any]]
) -> list[str]:
    """Those that are closed already, if they are enough; else the run waits for the set."""
    line.check_going_on(key)
    line.add(Draft(EventKind.WAIT_OPENED, key, key.rpartition("/")[2].split("#")[0], data))
    closed = {handle.closed_seq: handle for handle in handles if handle.closed_seq}
    if len(closed) < data["need"]:
        line.interrupt(Suspend(key))
    winners = [closed[seq] for seq in sorted(closed)][: data["need"]]
    won, why = [one.key for one in winners], _told_of(winners[-1])
    _withdraw(line, handles, why, Draft(EventKind.WAIT_CLOSED, key, key, decision(won)))
    return won


def _withdraw(line: Line, handles: Sequence[Handle[Any]], why: str, *drafts: Draft) -> None:
    """Close what of these nobody waits for any more, and keep the drafts in the same commit."""
    left = [one for one in handles if one.closed_seq is None and one.kind not in KEEPS_ON]
    withdrawn = [Draft(EventKind.WAIT_CLOSED, one.key, one.key, not_needed(why)) for one in left]
    events = line.commit(*withdrawn, *drafts)
    for handle, event in zip(left, events, strict=False):
        handle.entry = Entry("wait", handle.key, [event])


def _told_of(handle: Handle[Any]) -> str:
    return told_of(handle.opened, handle.entry.last.content) if handle.entry else ""


def _check_set(line: Line, need: int, handles: Sequence[Handle[Any]]) -> None:
    keys = {handle.key for handle in handles}
    if not all(handle.is_of(line) for handle in handles):
        raise QuestionError("A handle is waited for where it was opened, not in a branch.")
    if len(keys) != len(handles):
        raise QuestionError("Each handle can be waited for once in a set.")
    if not 1 <= need <= len(keys):
        raise QuestionError(f"{need} of {len(keys)} handles can never be closed.")


def _changed(key: str, opened: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    before, now = opened.get("prompt", opened["wait"]), asked.get("prompt", asked["wait"])
    if before != now:
        return f"The wait {key} has changed: the run asked “{before}”, the code now asks “{now}”."
    parts = [part for part in SHOWN if opened.get(part) != asked.get(part)]
    words = f"The wait {key}, “{now}”, has changed in its {' and '.join(parts) or 'terms'}"
    found = differences(*({part: one.get(part) for part in parts} for one in (opened, asked)))
    remedy = f" {REMEDY}" if "evidence" in parts else ""
    return f"{words}: {found}.{remedy}" if found else f"{words}."
