"""A fiber: one line of execution in a run, either the procedure's own or a branch's."""

import random
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn, TypeVarTuple

from pydantic import ValidationError

from procedures.engine.errors import EngineError, Interruption, QuestionError, Suspend
from procedures.engine.journal.events import Event, EventKind, NewEvent
from procedures.engine.journal.large import is_large, packed
from procedures.engine.journal.protocol import Journal
from procedures.engine.replay.chance import Chance
from procedures.engine.replay.history import Entry, Family, Scope
from procedures.engine.replay.loops import outside_the_loop
from procedures.engine.replay.recorder import Recorder
from procedures.engine.replay.timeouts import undisturbed
from procedures.engine.values import canonical
from procedures.engine.values.files import File
from procedures.engine.values.sizes import Sizes
from procedures.engine.values.spelling import short_repr
from procedures.engine.values.state import State

P = TypeVarTuple("P")
LONGEST_NAME = 80
LONGEST_TITLE = 100
"""The largest number of characters in an event's title."""
NOT_IN_NAMES = frozenset("#/:")
BRANCH_FAILED = "system: a branch failed"
SAID = {
    EventKind.NOTICE: "notice",
    EventKind.LOG: "log line",
    EventKind.PROGRESS: "progress",
    EventKind.STAGE: "stage",
}
"""The kinds of events whose text the author writes, with the words that errors use for them."""


class Fiber:
    """The state of one line of execution: the names it has used, its time, and its interruption.

    Once it is interrupted, every use raises the interruption again, so that catching it has no
    effect.
    """

    def __init__(self, recorder: Recorder, scope: Scope, *, now: datetime) -> None:
        self.recorder, self.scope, self.now = recorder, scope, now
        self.journal: Journal = recorder.journal
        self.interruption: Interruption | None = None
        self.state = State(self._note_state)
        self.busy_with = ""
        """The call that is executing, such as a gather; the fiber can't be used until it ends."""
        self.moves = 0
        """The number of entries and notes that the code has asked for so far."""
        self._is_over = False
        self._thread = threading.get_ident()
        self.is_abandoned = False
        """True if its gather has failed; the branch is then replayed only for its compensations."""
        self._stages: list[str] = []
        """The names of the stages that will follow, as far as the code has listed them."""
        self._drawn = 0
        self._chance = Chance(self._seed)
        self._chance.check = self.check_usable

    @property
    def random(self) -> random.Random:
        return self._chance

    def uuid(self) -> uuid.UUID:
        self._drawn += 1
        return uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seed}:{self._drawn}")

    def branch(self, key: str) -> "Fiber":
        """Return the fiber of a branch inside this fiber, with a copy of the state."""
        inner = Fiber(self.recorder, self.scope.inner(key), now=self.now)
        self.state.copy_into(inner.state)
        inner.is_abandoned = self.is_abandoned
        return inner

    # Use and interruptions

    def check_usable(self) -> None:
        if self.interruption:
            raise self.interruption
        if self.busy_with:
            raise EngineError(f"The context can't be used inside {self.busy_with}.")
        if self._is_over:
            raise EngineError("The procedure has ended, so its context can't be used any more.")
        if threading.get_ident() != self._thread:
            raise EngineError("The context can only be used in the procedure's own thread.")

    def close(self) -> None:
        """Close the fiber, so that code that outlives the run, such as a generator, can't use it.

        Every later use raises `EngineError`.
        """
        self._is_over = True

    def interrupt(self, interruption: Interruption) -> NoReturn:
        self.interruption = interruption
        raise interruption

    def suspend(self, suspension: Suspend) -> None:
        """Suspend the code until its wait is closed.

        Returns only if the code may stay at the wait; the history then contains the new events.
        """
        try:
            # Only the run's own fiber can stay. If a branch stayed, its gather couldn't run the
            # other branches.
            if not self.scope.path and self.recorder.outlast(suspension):
                return
        except Interruption as interruption:
            self.interrupt(interruption)
        self.interrupt(suspension)

    # Entries and events

    def take(self, family: Family, key: str, prompt: str = "") -> Entry | None:
        self.moves += 1
        try:
            entry = self.scope.take(family, key, prompt)
        except Interruption as interruption:
            self.interrupt(interruption)
        if self.is_abandoned and entry and entry.is_closed:
            # The gather's failure has closed this wait. It must look open to this branch, so that
            # the branch stops here as it did before.
            is_withdrawn = entry.last.content["responder"] == BRANCH_FAILED
            return Entry(family, key, entry.events[:-1]) if is_withdrawn else entry
        return entry

    def is_new(self, family: Family, key: str) -> bool:
        """Return True if the journal has no entry with that key; only then are sizes checked."""
        return self.scope.peek(family, key) is None

    @property
    def sizes(self) -> Sizes:
        """The largest allowed sizes of the questions that the run asks and the text it posts."""
        return self.journal.run.sizes

    def restored(self, entry: Entry, plain: Any, hint: Any) -> Any:
        """Return a stored result or answer in its type; a value that no longer fits is a mismatch.

        If the value is an answer or a signal, operators who override the mismatch let the run wait
        for a new one.
        """
        if hint is Any or (plain is None and hint in canonical.NOTHING):  # true of most steps
            return plain
        try:
            return canonical.load(plain, hint)
        except ValidationError as error:
            what = "result" if entry.family == "step" else "value"
            words = f"The stored {what} of {entry} no longer fits: {canonical.faults(error)}"
            changed = entry.key if entry.family == "wait" else ""
            self.interrupt(self.scope.mismatch(words, changed=changed))

    def note(self, kind: EventKind, name: str, data: dict[str, Any], *, about: str = "") -> str:
        """Record a soft event, unless it is in the journal already; replay needn't match it.

        Returns the event's key.
        """
        self.check_usable()
        self.moves += 1
        length = len(canonical.text_of(data))
        key = self.scope.key_for(f"{about.rpartition('/')[2]}:{kind}")
        if not self.recorder.history.has_soft(kind, key):
            if kind in SAID:
                told = data["stage" if kind == EventKind.STAGE else "text"]
                for text in (told, *data.get("then", ())):
                    self.sizes.check_note(SAID[kind], text)
                self.sizes.check_posted(data)
            elif kind == EventKind.STATE and is_large(length):
                data = {**data, **packed("value", data["value"])}
            # Compensations are registered even beyond a limit, because their work is done already.
            if kind != EventKind.COMPENSATION:
                self._guarded(self.recorder.check_limits)
            self.add(NewEvent(kind, key, canonical.legible(name)[:LONGEST_TITLE], data))
        return key

    def coming_after(self, stage: str, then: list[str] | None) -> list[str]:
        """Return the stages after `stage`: `then` if given, else the rest of an earlier list."""
        if then is not None:
            self._stages = then
        elif stage in self._stages:
            self._stages = self._stages[self._stages.index(stage) + 1 :]
        return self._stages

    def pass_by(self, event: Event) -> None:
        """Advance the fiber's time to that of an event in the journal."""
        # Not `max`, whose call takes longer, because a replay gets here for each step.
        if event.at > self.now:  # noqa: PLR1730
            self.now = event.at

    def add(self, draft: NewEvent) -> None:
        self._guarded(self.recorder.add, draft)

    def flush(self) -> None:
        """Commit the recorded events, because an effect may depend on them."""
        if self.recorder.unwritten:
            self._guarded(self.recorder.flush)

    def check_wanted(self, key: str) -> None:
        self._ask(self.recorder.check_wanted, key)

    def check_going_on(self, key: str) -> None:
        """Raise an interruption if an operator or a limit forbids new work."""
        self._ask(self.recorder.check_going_on, key)

    def check_time(self) -> None:
        self._guarded(self.recorder.budget.check_time)

    def take_step(self, key: str) -> None:
        """Count a new step; raise an interruption if the run must stop or a limit is reached."""
        self._ask(self.recorder.take_step, key)

    def take_children(self, key: str, count: int) -> None:
        self._ask(self.recorder.take_children, key, count)

    def tell(self, draft: NewEvent) -> None:
        """Commit a running step's message immediately; replay ignores it, so time doesn't advance.

        A timeout of the step is held back until the commit is done. If it interrupted the commit,
        the event could be stored without this worker knowing, and the worker would then lose the
        run.
        """
        with undisturbed, outside_the_loop():  # an async step calls this from inside its event loop
            self._guarded(self.recorder.commit, draft)

    def commit(self, *drafts: NewEvent, files: Sequence[File] = ()) -> list[Event]:
        try:
            events = self.recorder.commit(*drafts, files=files)
        except Interruption as interruption:
            self.interrupt(interruption)
        if events:
            self.pass_by(events[-1])
        return events

    def _ask(self, check: Callable[..., None], key: str, *more: int) -> None:
        """Have the recorder check that something new may happen; an abandoned branch stops here."""
        if self.is_abandoned:
            self.interrupt(Suspend(key))
        self._guarded(check, key, *more)

    def _guarded(self, act: Callable[[*P], object], *given: *P) -> None:
        try:
            act(*given)
        except Interruption as interruption:
            self.interrupt(interruption)

    def _note_state(self, name: str, value: Any, *, about: str = "", **how: Any) -> None:
        """Record a change of the state; `about` is the key of the gather that merged the change."""
        title = name if len(name) <= LONGEST_TITLE else f"{name[:60]}… {canonical.digest(name)}"
        data = {"name": name, "value": value, **how}
        self.note(EventKind.STATE, title[:LONGEST_TITLE], data, about=about)

    @property
    def _seed(self) -> str:
        generation = self.recorder.generation or ""
        return f"{self.journal.run.seed}{generation}{self.scope.path}"


def checked_name(name: str, of: str = "", *, kind: str = "name") -> str:
    """Return the name; raise `QuestionError` if it isn't valid."""
    # Quick, because each step calls this.
    if name.__class__ is not str and not isinstance(name, str):
        raise QuestionError(
            f"{of and f'{of}: '}The {kind} must be a string, not {short_repr(name)}."
        )
    if not _is_name(name):
        raise QuestionError(
            f"{of and f'{of}: '}Invalid {kind} {short_repr(name)}: use at most {LONGEST_NAME} "
            "printable characters, without #, / or :."
        )
    return name


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    is_plain = name.isprintable() and NOT_IN_NAMES.isdisjoint(name)
    return bool(name.strip()) and is_plain and len(name) <= LONGEST_NAME
