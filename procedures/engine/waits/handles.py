"""Waits of a run: people, time, a signal or another run will close each of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar, get_origin

from procedures.engine.errors import QuestionError, RequestExpiredError, SizeError, Suspend
from procedures.engine.journal.events import EventKind, NewEvent, closing
from procedures.engine.journal.payloads import Closing, Opening
from procedures.engine.kinds.kind import Outcome
from procedures.engine.kinds.question_options import check_told_apart
from procedures.engine.kinds.questions import Question
from procedures.engine.kinds.responses import Response
from procedures.engine.kinds.votes import votes_in
from procedures.engine.lifecycle.inbox import MESSAGE
from procedures.engine.replay.fiber import LONGEST_TITLE, Fiber
from procedures.engine.replay.history import Entry
from procedures.engine.replay.observing import seen
from procedures.engine.values import canonical
from procedures.engine.values.options import check_text, with_options
from procedures.engine.values.sizes import cut
from procedures.engine.values.volatile import REMEDY, differences
from procedures.engine.waits.sending import cancel_run, checked_reason

T = TypeVar("T")
SHOWN = (
    "kind",
    "text",
    "body",
    "labels",
    "draft",
    "evidence",
    "volatile",
    "schema",
    "assign",
    "signal",
)
SHOWN_PROMPT = 80
SHORTEST = timedelta(milliseconds=1)
BY_CODE = "system: the procedure"
"""The actor that the journal names for waits that the run's own code withdrew."""


class Handle(Generic[T]):
    """A wait of the run; `wait()` returns its result once it is closed."""

    def __init__(
        self,
        fiber: Fiber,
        key: str,
        entry: Entry | None,
        read: Callable[[Entry], T],
        *,
        opened: Opening,
    ) -> None:
        self.key, self.kind = key, opened.wait
        self.opened, self._entry = opened, entry
        self.misfit: Callable[[Entry], str] = fits
        """A function that returns the reason why the code can't use the value that closed the wait.

        The function returns "" if the code can use the value.
        """
        self._fiber, self._read = fiber, read

    def __repr__(self) -> str:
        return f"<{self.kind} {self.key}>"

    @property
    def entry(self) -> Entry | None:
        """The wait's events in the journal, as far as the worker knows; None for a new wait."""
        return self._fiber.recorder.history.since.get(self.key, self._entry)

    @entry.setter
    def entry(self, entry: Entry) -> None:
        self._fiber.recorder.history.since.pop(self.key, None)
        self._entry = entry

    @property
    def closed_seq(self) -> int | None:
        """The number of the event that closed the wait, or None while it is open."""
        return self.entry.last.seq if self.entry and self.entry.is_closed else None

    @property
    def run_id(self) -> str | None:
        """The id of the child run, or None for other waits."""
        return self.opened.run if self.kind == "child" else None

    @property
    def status(self) -> str:
        """The status of the child run; for other waits "open" or, once closed, the outcome.

        The status that the code reads is stored in the journal, so that a replay reads the same
        status at the same place.
        """
        return str(seen(self._fiber, "status", self.key, self._status_now))

    @with_options("Handle.cancel")
    def cancel(self, reason: str) -> None:
        """Cancel the child run, or withdraw the question, the timer or the wait for a signal.

        People can read the reason, a string of at most `LONGEST_REASON` characters. A wait that is
        already closed doesn't change. The handle of a child closes once the child has ended.
        """
        if self.run_id:
            cancel_run(self._fiber, self.run_id, of=self.key, reason=reason)
            return
        comment = checked_reason(self._fiber, reason, of=self.key)
        if self.closed_seq is None:
            self._fiber.check_going_on(self.key)
            content = closing("withdrawn", responder=BY_CODE, comment=comment)
            [event] = self._fiber.commit(
                NewEvent(EventKind.WAIT_CLOSED, self.key, self.key, content)
            )
            self.entry = Entry("wait", self.key, [event])

    def _status_now(self) -> str:
        if self.entry and self.closed_seq is not None:
            return Closing.read(self.entry.last.content).outcome
        return self._fiber.journal.status_of(self.run_id) if self.run_id else "open"

    def is_of(self, fiber: Fiber) -> bool:
        return self._fiber is fiber

    @with_options("Handle.wait")
    def wait(self) -> T:
        """Return the result; until the wait is closed, the run is suspended and needs no worker."""
        self._fiber.check_usable()
        entry = self._closed()
        while skip_misfits(self._fiber, [self]):
            entry = self._closed()
        self._fiber.pass_by(entry.last)
        return self._read(entry)

    def _closed(self) -> Entry:
        while (entry := self.entry) is None or not entry.is_closed:
            self._fiber.check_going_on(self.key)
            self._fiber.suspend(Suspend(self.key))
        return entry


def fits(_: Entry) -> str:
    return ""


def misfits_among(fiber: Fiber, handles: Iterable[Handle[T]]) -> dict[Handle[T], str]:
    """Return the handles closed by a signal that the code can't use, each with the reason.

    The code can't use a signal whose value doesn't fit the type that the code expects. The result
    is empty if the journal contains later steps or waits of the code. These show that earlier code
    could use the value, so the code has changed, and the replay reports a mismatch.
    """
    if fiber.scope.has_unread():
        return {}
    closed = [(one, one.misfit(one.entry)) for one in handles if one.entry and one.closed_seq]
    return {one: why for one, why in closed if why}


def skip_misfits(fiber: Fiber, handles: Iterable[Handle[Any]]) -> bool:
    """Skip signals whose values the code can't use; return True if any signal was skipped.

    The waits for the skipped signals are opened again.
    """
    wrong = misfits_among(fiber, handles)
    if not wrong:
        return False
    fiber.check_going_on(next(iter(wrong)).key)
    drafts = [draft for one, why in wrong.items() for draft in opened_again(one, why)]
    events = fiber.commit(*drafts)
    opened = (event for event in events if event.kind == EventKind.WAIT_OPENED)
    for one, event in zip(wrong, opened, strict=True):
        one.entry = Entry("wait", one.key, [event])
    return True


def opened_again(handle: Handle[Any], why: str) -> list[NewEvent]:
    """Return two events: one logs why a signal was skipped, the other opens its wait again.

    The deadline of the wait doesn't change.
    """
    assert handle.entry
    warning = NewEvent(EventKind.LOG, handle.key, why[:100], {"text": why, "level": "warning"})
    return [warning, reopening(handle.key, handle.entry, skipped=why)]


def reopening(key: str, entry: Entry, **how: Any) -> NewEvent:
    opened = {**entry.events[0].content, **how}
    return NewEvent(EventKind.WAIT_OPENED, key, entry.events[0].name, opened)


def open_wait(
    fiber: Fiber,
    key: str,
    asked: Opening,
    read: Callable[[Entry], T],
    *,
    expires: float | None = None,
    rest: Callable[[], Mapping[str, Any]] | None = None,
) -> Handle[T]:
    """Return the handle of the wait with that key; open the wait if the journal doesn't contain it.

    The event that opens the wait is committed before anything can depend on it. `rest` returns
    further fields for that event; it isn't called if the journal contains the same wait.

    For a conversation, each opening of the wait also posts the text of the conversation. So people
    get the text again if the wait is opened again.
    """
    entry = fiber.take("wait", key, asked.prompt)
    opened = Opening.read(entry.events[0].content) if entry else None
    is_same = opened is not None and opened.digest == asked.digest
    if rest and not is_same:
        asked = Opening.read({**asked.as_json(), **rest()})
    if entry and entry.is_carried and not is_same:
        # An answer that was given to the original run answered another question.
        entry = opened = None
    if opened is None:
        fiber.check_going_on(key)
        due = fiber.journal.now() + timedelta(seconds=expires) if expires else None
        opened = replace(asked, due_at=due)
        opening = opening_event(key, opened)
        if opened.signal == MESSAGE:
            words = opened.rest["text"]
            post = NewEvent(EventKind.NOTICE, key, words[:LONGEST_TITLE], {"text": words})
            fiber.commit(post, opening)
        else:
            fiber.add(opening)
    else:
        check_same(fiber, key, opened, asked)
    return Handle(fiber, key, entry, read, opened=opened)


def opening_event(key: str, opened: Opening) -> NewEvent:
    """Return the event that opens a wait.

    The name of the event is the last part of the key, without its number: "pay" for the key
    "refund/pay#2".
    """
    name = key.rpartition("/")[2].split("#")[0]
    return NewEvent(EventKind.WAIT_OPENED, key, name, opened.as_json())


def check_same(fiber: Fiber, key: str, opened: Opening, asked: Opening) -> None:
    """Interrupt the run with a mismatch if the code no longer asks what the journal says."""
    if opened.digest != asked.digest:
        words = _changed(key, opened.as_json(), asked.as_json())
        fiber.interrupt(fiber.scope.mismatch(words, changed=key))


def ask(fiber: Fiber, key: str, question: Question, hint: Any = Any) -> Handle[Response[Any]]:
    if fiber.is_new("wait", key):  # a replay refuses nothing that was accepted before
        _check_sizes(fiber, question)
        check_told_apart(question.prompt, question.labels.values())
        question.rules.check_asked(question)
    asked = Opening(wait="request", digest=question.digest, rest={"prompt": question.prompt})

    def read(entry: Entry) -> Response[Any]:
        closed = Closing.read(entry.last.content)
        if closed.outcome == Outcome.EXPIRED and question.on_timeout == "fail":
            raise RequestExpiredError(question.prompt)
        value = closed.whole_value()
        if value is not None:
            is_default = closed.outcome == Outcome.DEFAULTED
            value = fiber.restored(entry, value, _bare(hint) if is_default else hint)
        answered = shown_at(question, entry)
        value, decision = question.rules.result_of(answered, value)
        return Response(
            value=value,
            outcome=Outcome(closed.outcome),
            responder=closed.responder,
            comment=closed.comment,
            at=entry.last.at,
            timed_out=closed.timed_out,
            question=answered,
            key=key,
            decision=decision,
            votes=votes_in(closed.rest),
        )

    handle = open_wait(fiber, key, asked, read, expires=question.expires, rest=question.as_json)
    if question.volatile and handle.entry:
        _warn_of_changes(fiber, key, handle.entry, question)
    return handle


def shown_at(question: Question, entry: Entry) -> Question:
    """Return the question as people saw it.

    Evidence that the author has declared volatile may have another value on a replay, so the
    evidence in the journal is returned.
    """
    if not question.volatile:
        return question
    return replace(question, evidence=Question.from_json(entry.events[0].content).evidence)


def _warn_of_changes(fiber: Fiber, key: str, entry: Entry, question: Question) -> None:
    """Log one warning if volatile evidence differs from what people saw."""
    if found := differences(entry.events[0].content["evidence"], question.evidence):
        words = (
            f"The evidence of {key} has changed since people saw it: {found}. The evidence they "
            "saw counts."
        )
        fiber.note(EventKind.LOG, words, {"text": words, "level": "warning"}, about=key)


def _check_sizes(fiber: Fiber, question: Question) -> None:
    try:
        fiber.sizes.check_question(question)
    except SizeError as error:
        shown = cut(question.prompt, SHOWN_PROMPT)
        raise QuestionError(f"{shown!r} can't be asked. {error}") from None


def _bare(hint: Any) -> Any:
    """Return the type without its `Annotated` limits, because a default may be outside of them."""
    return hint.__origin__ if get_origin(hint) is Annotated else hint


def open_timer(fiber: Fiber, key: str, length: timedelta, *, reason: str = "") -> Handle[datetime]:
    shown = reason_of(fiber, key, "a timer", reason)
    asked = Opening(wait="timer", digest="timer", rest=shown)
    return open_wait(fiber, key, asked, lambda entry: entry.last.at, expires=length.total_seconds())


def sleep(fiber: Fiber, name: str, length: timedelta, *, reason: str = "") -> None:
    """Wait for a timer of that length; return at once if the length isn't above zero.

    On a replay, `length` may have become zero because time has passed. If the journal contains the
    timer, the code waits for it all the same.
    """
    key = fiber.scope.key_for(name)
    shown = reason_of(fiber, key, f"ctx.{name}", reason).get("reason", "")
    if length > timedelta(0) or fiber.scope.peek("wait", key):
        open_timer(fiber, key, max(length, SHORTEST), reason=shown).wait()


def reason_of(fiber: Fiber, key: str, of: str, reason: str) -> dict[str, str]:
    """Return the reason that people read while the run waits, on one line.

    The digest of the wait doesn't include the reason. If the code gives another reason on a replay,
    the stored reason stays.
    """
    text = canonical.legible(" ".join(check_text(f"reason= of {of}", reason).split()))
    if text and fiber.is_new("wait", key):
        fiber.sizes.check_reason(of, text)
    return {"reason": text} if text else {}


def _changed(key: str, opened: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    before, now = opened.get("prompt", opened["wait"]), asked.get("prompt", asked["wait"])
    if before != now:
        return (
            f"The wait {key} has changed: the run asked “{before}”, but the code now asks “{now}”."
        )
    parts = [part for part in SHOWN if opened.get(part) != asked.get(part)]
    words = f"The {' and '.join(parts) or 'terms'} of the wait {key} (“{now}”) changed"
    found = differences(*({part: one.get(part) for part in parts} for one in (opened, asked)))
    remedy = f" {REMEDY}" if "evidence" in parts else ""
    return f"{words}: {found}.{remedy}" if found else f"{words}."
