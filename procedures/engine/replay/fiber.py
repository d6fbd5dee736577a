"""A fiber: one sequence of calls in a run, either the procedure's own or that of one branch."""

import random
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from threading import get_ident
from typing import Any, NoReturn, TypeVarTuple

from pydantic import ValidationError

from procedures.engine.declaration.signatures import LONGEST_NAME
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
LONGEST_TITLE = 100
"""The maximum number of characters in an event's title, which people read."""
NOT_IN_NAMES = frozenset("#/:")
BRANCH_FAILED = "system: a branch failed"
SAID = {
    EventKind.NOTICE: "notice",
    EventKind.LOG: "log line",
    EventKind.PROGRESS: "progress",
    EventKind.STAGE: "stage",
}
"""The kinds of events with a text by the author, each with its name in error messages."""


class Fiber:
    """The state of a procedure's or a branch's code in one claim, such as its time.

    Once a fiber is interrupted, each use of it raises the same interruption again. So code can't
    continue by catching the interruption.
    """

    def __init__(self, recorder: Recorder, scope: Scope, *, now: datetime) -> None:
        self.recorder, self.scope, self.now = recorder, scope, now
        self.journal: Journal = recorder.journal
        self.interruption: Interruption | None = None
        self.state = State(self._note_state)
        self.busy_with = ""
        """The call of the context that is executing, such as a gather; no other call may begin."""
        self.moves = 0
        """The number of entries and soft events that the code has asked for so far."""
        self._is_over = False
        self._thread = get_ident()
        self.is_abandoned = False
        """True if this fiber is a branch whose gather has failed.

        The branch is then replayed only so that it registers its compensations.
        """
        self._stages: list[str] = []
        """The names of the stages that the author has listed and that are still to come."""
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
        """Return a new fiber for the branch `key`, with a copy of this fiber's `ctx.state`."""
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
        if get_ident() != self._thread:
            raise EngineError("The context can only be used in the procedure's own thread.")

    def close(self) -> None:
        """Close the fiber: every later use raises `EngineError`.

        For example, a generator may outlive the call of the procedure, and must not use the context
        then.
        """
        self._is_over = True

    def interrupt(self, interruption: Interruption) -> NoReturn:
        self.interruption = interruption
        raise interruption

    def suspend(self, suspension: Suspend) -> None:
        """Leave the code by raising `suspension`, or stay in the code until the run continues.

        The second way is possible only in the run's own fiber, if the worker can keep the code.
        Then this function returns, and the history contains the events that were stored in the
        meantime.
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
        """Return True if the journal has no entry with this key and of this family.

        The sizes of the author's values are checked only then, so that no old run fails because a
        limit was lowered.
        """
        return self.scope.peek(family, key) is None

    @property
    def sizes(self) -> Sizes:
        """The limits on the sizes of the questions and texts that the run sends to people."""
        return self.journal.run.sizes

    def restored(self, entry: Entry, plain: Any, hint: Any) -> Any:
        """Return a stored result or answer, converted to the type `hint`.

        A value that can't be converted any more raises `Mismatch`. If the value is an answer or a
        signal, operators may override the mismatch: the run then waits for another answer or
        signal.
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
        """Record a soft event, such as a log line, unless the journal has it; return its key.

        If changed code no longer asks for such an event, or asks for a new one, that is no
        mismatch.
        """
        self.check_usable()
        self.moves += 1
        length = len(canonical.text_of(data))
        key = self.scope.key_for(f"{about.rpartition('/')[2]}:{kind}")
        if not self.recorder.history.has_soft(kind, key):
            if kind in SAID:
                shown = data["stage" if kind == EventKind.STAGE else "text"]
                for text in (shown, *data.get("then", ())):
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
        """Return the stages that follow `stage`.

        They are `then`, or the stages that follow `stage` in the list that the author gave last.
        """
        if then is not None:
            self._stages = then
        elif stage in self._stages:
            self._stages = self._stages[self._stages.index(stage) + 1 :]
        return self._stages

    def pass_by(self, event: Event) -> None:
        """Set the fiber's time to the time of an event, if that is later."""
        # Not `max`, whose call takes longer, because a replay gets here for each step.
        if event.at > self.now:  # noqa: PLR1730
            self.now = event.at

    def add(self, draft: NewEvent) -> None:
        self._guarded(self.recorder.add, draft)

    def flush(self) -> None:
        """Commit the recorded events, before something happens that depends on them."""
        if self.recorder.unwritten:
            self._guarded(self.recorder.flush)

    def check_wanted(self, key: str) -> None:
        self._ask(self.recorder.check_wanted, key)

    def check_going_on(self, key: str) -> None:
        """Raise an interruption if the run is to stop or has reached a limit."""
        self._ask(self.recorder.check_going_on, key)

    def check_time(self) -> None:
        self._guarded(self.recorder.budget.check_time)

    def take_step(self, key: str) -> None:
        """Count a new step; raise an interruption if the run is to stop or has reached a limit."""
        self._ask(self.recorder.take_step, key)

    def take_children(self, key: str, count: int) -> None:
        self._ask(self.recorder.take_children, key, count)

    def tell(self, draft: NewEvent) -> None:
        """Commit a message that a running step posts; don't advance the fiber's time.

        A replay doesn't read such messages, so a time that depends on them would differ on a
        replay.

        If the step times out during the commit, the exception is raised after the commit. Otherwise
        the event could be stored without the knowledge of this worker, which would then lose the
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
        """Call a check of the recorder, which raises an interruption if new work may not begin.

        An abandoned branch is suspended here: it may do nothing that isn't in the journal.
        """
        if self.is_abandoned:
            self.interrupt(Suspend(key))
        self._guarded(check, key, *more)

    def _guarded(self, act: Callable[[*P], object], *given: *P) -> None:
        try:
            act(*given)
        except Interruption as interruption:
            self.interrupt(interruption)

    def _note_state(self, name: str, value: Any, *, about: str = "", **how: Any) -> None:
        """Record a changed value of `ctx.state`; `about` is the gather that merged it, or ""."""
        title = name if len(name) <= LONGEST_TITLE else f"{name[:60]}… {canonical.digest(name)}"
        data = {"name": name, "value": value, **how}
        self.note(EventKind.STATE, title[:LONGEST_TITLE], data, about=about)

    @property
    def _seed(self) -> str:
        generation = self.recorder.generation or ""
        return f"{self.journal.run.seed}{generation}{self.scope.path}"


def checked_name(name: str, of: str = "", *, kind: str = "name") -> str:
    """Return an author's name for a step or a wait; raise `QuestionError` if it is invalid.

    The error's message begins with `of`, and calls the name a `kind`, such as "stage".
    """
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
