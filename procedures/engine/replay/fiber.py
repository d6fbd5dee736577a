"""One line of code through a run: the procedure's own, or a branch's."""

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
from procedures.engine.values.state import State

P = TypeVarTuple("P")
LONGEST_NAME = 80
LONGEST_TITLE = 100
"""Of an event."""
NOT_IN_NAMES = frozenset("#/:")
BRANCH_FAILED = "system: a branch failed"
SAID = {
    EventKind.NOTICE: "notice",
    EventKind.LOG: "log line",
    EventKind.PROGRESS: "progress",
    EventKind.STAGE: "stage",
}
"""What a run says by itself, in words."""


class Fiber:
    """Where one line of code stands: its names, its time, and what ended it.

    After an interruption every use raises it again, so that catching it changes nothing.
    """

    def __init__(self, recorder: Recorder, scope: Scope, *, now: datetime) -> None:
        self.recorder, self.scope, self.now = recorder, scope, now
        self.journal: Journal = recorder.journal
        self.interruption: Interruption | None = None
        self.state = State(self._note_state)
        self.busy_with = ""
        """What the code is inside of, where it can do nothing else with the line."""
        self._is_over = False
        self._thread = threading.get_ident()
        self.is_abandoned = False
        """Whether its gather has failed: it goes as far as it has been, for what it has to undo."""
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
        """A fiber of its own inside this one, with a copy of its state."""
        inner = Fiber(self.recorder, self.scope.inner(key), now=self.now)
        self.state.copy_into(inner.state)
        inner.is_abandoned = self.is_abandoned
        return inner

    # Who may use it

    def check_usable(self) -> None:
        if self.interruption:
            raise self.interruption
        if self.busy_with:
            raise EngineError(f"The context cannot be used inside {self.busy_with}.")
        if self._is_over:
            raise EngineError("The procedure has ended: its context cannot be used any more.")
        if threading.get_ident() != self._thread:
            raise EngineError("The context belongs to the procedure's own thread.")

    def close(self) -> None:
        """The code has ended: what still lives of it, say a generator, does nothing more."""
        self._is_over = True

    def interrupt(self, interruption: Interruption) -> NoReturn:
        self.interruption = interruption
        raise interruption

    def suspend(self, suspension: Suspend) -> None:
        """Leave the code until what it waits for has come.

        Returns where the code may stand meanwhile: what came is in the history then.
        """
        try:
            if not self.scope.path and self.recorder.outlast(suspension):
                return
        except Interruption as interruption:
            self.interrupt(interruption)
        self.interrupt(suspension)

    # What is kept

    def take(self, family: Family, key: str, prompt: str = "") -> Entry | None:
        try:
            entry = self.scope.take(family, key, prompt)
        except Interruption as interruption:
            self.interrupt(interruption)
        if self.is_abandoned and entry and entry.is_closed:
            is_withdrawn = entry.last.content["responder"] == BRANCH_FAILED
            return Entry(family, key, entry.events[:-1]) if is_withdrawn else entry
        return entry

    def is_new(self, family: Family, key: str) -> bool:
        """Whether nothing is kept under that key: only then a size is checked, never on replay."""
        return self.scope.peek(family, key) is None

    @property
    def sizes(self) -> Sizes:
        """How large may be what the run asks and says."""
        return self.journal.run.sizes

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
        length = len(canonical.text_of(data))
        key = self.scope.key_for(f"{about.rpartition('/')[2]}:{kind}")
        if not self.recorder.history.has_soft(kind, key):
            if kind in SAID:
                told = data["stage" if kind == EventKind.STAGE else "text"]
                self.sizes.check_note(SAID[kind], told)
            elif kind == EventKind.STATE and is_large(length):
                data = {**data, **packed("value", data["value"])}
            if kind != EventKind.COMPENSATION:  # what is done already is undone at any limit
                self._guarded(self.recorder.check_limits)
            self.add(NewEvent(kind, key, canonical.legible(name)[:LONGEST_TITLE], data))
        return key

    def pass_by(self, event: Event) -> None:
        """Go on from a kept event: its time is now."""
        self.now = max(self.now, event.at)

    def add(self, draft: NewEvent) -> None:
        self._guarded(self.recorder.add, draft)

    def flush(self) -> None:
        """Keep what is noted, before an effect may depend on it."""
        if self.recorder.unwritten:
            self._guarded(self.recorder.flush)

    def check_wanted(self, key: str) -> None:
        self._ask(self.recorder.check_wanted, key)

    def check_going_on(self, key: str) -> None:
        """Before anything new: an operator or a limit lets the code go no further."""
        self._ask(self.recorder.check_going_on, key)

    def check_time(self) -> None:
        self._guarded(self.recorder.budget.check_time)

    def take_step(self, key: str) -> None:
        """Before a step of which nothing is kept: the code may go on, and do one step more."""
        self._ask(self.recorder.take_step, key)

    def take_children(self, key: str, count: int) -> None:
        self._ask(self.recorder.take_children, key, count)

    def tell(self, draft: NewEvent) -> None:
        """Keep what a step says meanwhile; replay does not read it, so it moves no time.

        A step whose time is up meanwhile learns of it after: what is kept and not counted would
        fence its own worker off.
        """
        with undisturbed, outside_the_loop():  # a coroutine tells from inside its loop
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
        """Of the recorder, before anything new; a line that is left goes no further at all."""
        if self.is_abandoned:
            self.interrupt(Suspend(key))
        self._guarded(check, key, *more)

    def _guarded(self, act: Callable[[*P], object], *given: *P) -> None:
        try:
            act(*given)
        except Interruption as interruption:
            self.interrupt(interruption)

    def _note_state(self, name: str, value: Any, *, about: str = "", **how: Any) -> None:
        """`about`: the gather whose branches changed it."""
        title = name if len(name) <= LONGEST_TITLE else f"{name[:60]}… {canonical.digest(name)}"
        data = {"name": name, "value": value, **how}
        self.note(EventKind.STATE, title[:LONGEST_TITLE], data, about=about)

    @property
    def _seed(self) -> str:
        generation = self.recorder.generation or ""
        return f"{self.journal.run.seed}{generation}{self.scope.path}"


def checked_name(name: str) -> str:
    """The name itself; `QuestionError` for what can be none."""
    if name.__class__ is not str and not isinstance(name, str):  # each step comes by here
        raise QuestionError(f"A name is a text, not {name!r:.100}.")
    return _checked_name(name)


@lru_cache(maxsize=1024)
def _checked_name(name: str) -> str:
    is_plain = name.isprintable() and NOT_IN_NAMES.isdisjoint(name)
    if not name.strip() or not is_plain or len(name) > LONGEST_NAME:
        raise QuestionError(
            f"{name!r} is no name: at most {LONGEST_NAME} plain characters, without # / or :."
        )
    return name
