"""One line of code through a run: the procedure's own, or a branch's."""

import random
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError

from procedures.engine import canonical
from procedures.engine.chance import Chance
from procedures.engine.errors import EngineError, Interruption, QuestionError, Suspend
from procedures.engine.files import File
from procedures.engine.history import Entry, Family, Scope
from procedures.engine.journal import Draft, Event, EventKind, Journal
from procedures.engine.recorder import Recorder
from procedures.engine.state import State

T = TypeVar("T")
LONGEST_NAME = 80
NOT_IN_NAMES = frozenset("#/:")
BRANCH_FAILED = "system: a branch failed"


class Line:
    """Where one line of code stands: its names, its time, and what ended it.

    After an interruption every use raises it again, so that catching it changes nothing.
    """

    def __init__(self, recorder: Recorder, scope: Scope, *, now: datetime) -> None:
        self.recorder, self.scope, self.now = recorder, scope, now
        self.interruption: Interruption | None = None
        self.state = State(self._note_state)
        self._busy = ""
        self._is_over = False
        self._thread = threading.get_ident()
        self.is_left = False
        """Whether its gather has failed: it goes as far as it has been, for what it has to undo."""
        self._drawn = 0
        self._chance = Chance(self._seed)
        self._chance.check = self.check_usable

    @property
    def journal(self) -> Journal:
        return self.recorder.journal

    @property
    def random(self) -> random.Random:
        return self._chance

    def uuid(self) -> uuid.UUID:
        self._drawn += 1
        return uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seed}:{self._drawn}")

    def branch(self, key: str) -> "Line":
        """A line of its own inside this one, with a copy of its state."""
        inner = Line(self.recorder, self.scope.inner(key), now=self.now)
        self.state.copy_into(inner.state)
        inner.is_left = self.is_left
        return inner

    # Who may use it

    def check_usable(self) -> None:
        if self.interruption:
            raise self.interruption
        if self._busy:
            raise EngineError(f"The context cannot be used inside {self._busy}.")
        if self._is_over:
            raise EngineError("The procedure has ended: its context cannot be used any more.")
        if threading.get_ident() != self._thread:
            raise EngineError("The context belongs to the procedure's own thread.")

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Inside this block the line can do nothing else."""
        self._busy = what
        try:
            yield
        finally:
            self._busy = ""

    def close(self) -> None:
        """The code has ended: what still lives of it, say a generator, does nothing more."""
        self._is_over = True

    def interrupt(self, interruption: Interruption) -> NoReturn:
        self.interruption = interruption
        raise interruption

    # What is kept

    def take(self, family: Family, key: str, prompt: str = "") -> Entry | None:
        try:
            entry = self.scope.take(family, key, prompt)
        except Interruption as interruption:
            self.interrupt(interruption)
        if self.is_left and entry and entry.is_closed:
            is_withdrawn = entry.last.content["responder"] == BRANCH_FAILED
            return Entry(family, key, entry.events[:-1]) if is_withdrawn else entry
        return entry

    def restored(self, entry: Entry, plain: Any, hint: Any) -> Any:
        """A kept result or answer in its type, if the code still has a type that it fits.

        An operator may have what fits no more, an answer or a signal, waited for again.
        """
        try:
            return canonical.load(plain, hint)
        except ValidationError as error:
            what = "result" if entry.family == "step" else "value"
            words = f"The kept {what} of {entry} no longer fits: {canonical.faults(error)}"
            changed = entry.key if entry.family == "wait" else ""
            self.interrupt(self.scope.mismatch(words, changed=changed))

    def note(self, kind: EventKind, name: str, data: dict[str, Any], *, about: str = "") -> str:
        """Something that happens once over any number of replays, and never counts. Its key."""
        self.check_usable()
        canonical.text_of(data)
        key = self.scope.key_for(f"{about.rpartition('/')[2]}:{kind}")
        if not self.recorder.history.has_soft(kind, key):
            if kind != EventKind.COMPENSATION:  # what is done already is undone at any limit
                self._guarded(self.recorder.check_limits)
            self.add(Draft(kind, key, canonical.legible(name)[:100], data))
        return key

    def pass_by(self, event: Event) -> None:
        """Go on from a kept event: its time is now."""
        self.now = max(self.now, event.at)

    def add(self, draft: Draft) -> None:
        self._guarded(lambda: self.recorder.add(draft))

    def flush(self) -> None:
        self._guarded(self.recorder.flush)

    def check_wanted(self, key: str) -> None:
        if self.is_left:
            self.interrupt(Suspend(key))
        self._guarded(lambda: self.recorder.check_wanted(key))

    def check_going_on(self, key: str) -> None:
        """Before anything new: an operator or a limit lets the code go no further."""
        self.check_wanted(key)
        self._guarded(self.recorder.check_limits)

    def check_time(self) -> None:
        self._guarded(lambda: self.recorder.budget.check_time(self.journal.now()))

    def take_step(self, key: str) -> None:
        self.check_going_on(key)
        if not self.recorder.is_undoing:
            self._guarded(self.recorder.budget.take_step)

    def take_children(self, key: str, count: int) -> None:
        self.check_going_on(key)
        self._guarded(lambda: self.recorder.budget.take_children(count))

    def tell(self, draft: Draft) -> None:
        """Keep what a step says meanwhile; replay does not read it, so it moves no time."""
        self._guarded(lambda: self.recorder.commit(draft))

    def commit(self, *drafts: Draft, files: Sequence[File] = ()) -> list[Event]:
        events = self._guarded(lambda: self.recorder.commit(*drafts, files=files))
        if events:
            self.now = max(self.now, events[-1].at)
        return events

    def _guarded(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except Interruption as interruption:
            self.interrupt(interruption)

    def _note_state(self, name: str, value: Any) -> None:
        self.note(EventKind.STATE, name, {"name": name, "value": value})

    @property
    def _seed(self) -> str:
        generation = self.recorder.generation or ""
        return f"{self.journal.run.seed}{generation}{self.scope.path}"


@lru_cache(maxsize=1024)
def checked_name(name: str) -> str:
    is_plain = name.isprintable() and NOT_IN_NAMES.isdisjoint(name)
    if not name.strip() or not is_plain or len(name) > LONGEST_NAME:
        raise QuestionError(
            f"{name!r} is no name: at most {LONGEST_NAME} plain characters, without # / or :."
        )
    return name
