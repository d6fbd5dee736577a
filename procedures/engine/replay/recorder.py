"""The recorder of one claim, which commits new events before something depends on them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from procedures.engine.declaration.bound import Bound
from procedures.engine.declaration.limits import Limits
from procedures.engine.errors import (
    Cancelled,
    CommitRefused,
    Interruption,
    OutOfMemory,
    Overtaken,
    Paused,
    Suspend,
)
from procedures.engine.journal.error_payloads import error_payload
from procedures.engine.journal.events import (
    OPENING,
    PROGRESS,
    Batch,
    Event,
    EventKind,
    Handoff,
    NewEvent,
    RunStatus,
)
from procedures.engine.journal.protocol import Journal
from procedures.engine.replay.budget import Budget
from procedures.engine.replay.history import History
from procedures.engine.values.files import File

MOST_UNWRITTEN = 100
LONGEST_UNWRITTEN = timedelta(milliseconds=100)
WAITS = {"wait", "child"}
APPROVED = '"approved_by":'
NO_LIMITS = Limits()
"""The limits of a procedure whose author sets none; those of the site apply."""
Linger = Callable[[Batch], Sequence[Event] | None]
"""A function that suspends the run with a batch, and waits until the run continues.

After the run was claimed again, the function returns all events stored since the journal was
loaded. If the code can't stay in this process, the function stores nothing and returns None. It
raises `Fenced` if it has stored the batch, but the code can't stay after all.
"""


class Recorder:
    """The access of one claim to the journal; the run's own fiber and its branches share it."""

    def __init__(
        self,
        journal: Journal,
        events: Sequence[Event],
        limits: Limits = NO_LIMITS,
        linger: Linger | None = None,
    ) -> None:
        self.journal, self._linger = journal, linger
        self.has_outlasted = False
        """True if the code has once stayed at a wait, in this process, until the run continued."""
        self.claimed_at = journal.now()
        self.history = History(events)
        self.budget = Budget(limits, journal, self.history)
        self.first = events[0]
        """The first loaded event: the last `run.continued`, or `run.started` if there is none."""
        self.is_undoing = False
        """True while compensations are executed, which cancels and limits don't interrupt."""
        self.has_moved_on = False
        """True if this claim has recorded an event that is progress, such as a step's result."""
        self.to_undo: list[Bound[Any]] = []
        """The registered compensations, to be executed if the run fails or is cancelled.

        The compensation registered last is executed first.
        """
        self._waits = {key: self._is_on_children(key) for key in open_in(self.history)}
        self.unwritten: list[NewEvent] = []
        """The events that are recorded, but not committed yet."""
        self._since = self.first.at

    @property
    def generation(self) -> int:
        content = self.first.content
        return int(content["generation"]) if self.first.kind == EventKind.RUN_CONTINUED else 0

    def idempotency_key(self, key: str) -> str:
        """Return a key that only this step of this run has, in each of its attempts."""
        generation = f"{self.generation}:" if self.generation else ""
        return f"{self.journal.run.run_id}:{generation}{key}"

    @property
    def has_children(self) -> bool:
        """True if the code has started a child run whose wait is still open."""
        return any(self._waits.values())

    @property
    def open_waits(self) -> list[str]:
        """The keys of the run's open waits, as this claim has loaded or recorded them."""
        return list(self._waits)

    @cached_property
    def served(self) -> dict[str, str]:
        """The key of the step that used each approval, by the key of the approval's wait."""
        steps = (one for one in self.history.entries.values() if one.family == "step")
        kept = (event for one in steps for event in one.events)
        done = (event for event in kept if event.kind == EventKind.STEP_SUCCEEDED)
        found = (event for event in done if APPROVED in event.data)  # avoid parsing most events
        return {str(event.content["approved_by"]): event.key for event in found}

    def check_wanted(self, key: str) -> None:
        """Raise `Cancelled` or `Paused` if somebody has cancelled or paused the run.

        Compensations aren't interrupted.
        """
        if self.is_undoing:
            return
        if self.journal.is_cancelled:
            raise Cancelled(key)
        if self.journal.is_paused:
            raise Paused(key)

    def check_limits(self) -> None:
        """Raise `LimitReached` if the run has reached its limit of events or its maximum duration.

        Compensations have no limits.
        """
        if not self.is_undoing:
            self.budget.check()

    def check_going_on(self, key: str) -> None:
        """Raise an interruption if the run was cancelled or paused, or has reached a limit."""
        self.check_wanted(key)
        self.check_limits()

    def take_step(self, key: str) -> None:
        """Count a new step; raise an interruption if the run is to stop or has reached a limit."""
        if not self.is_undoing:
            self.check_wanted(key)
            self.budget.take_step()

    def take_children(self, key: str, count: int) -> None:
        """Raise an interruption if the run is to stop, or may not start `count` more child runs."""
        self.check_going_on(key)
        self.budget.take_children(count)

    @property
    def ends_at(self) -> datetime | None:
        """The time at which the run's maximum duration is over.

        None if the run has no maximum duration, and while compensations are executed.
        """
        return None if self.is_undoing else self.budget.ends_at

    def add(self, draft: NewEvent) -> None:
        """Record an event, to be stored with the next commit.

        Commits immediately if 100 events are recorded, or if the oldest of them is older than 100
        ms.
        """
        self._track(draft)
        now = self.journal.now()
        if not self.unwritten:
            self._since = now
        self.unwritten.append(draft)
        # Limit the number and the age of unwritten events, so that a crash loses little and people
        # see the progress.
        if len(self.unwritten) >= MOST_UNWRITTEN or now - self._since >= LONGEST_UNWRITTEN:
            self.commit()

    def flush(self) -> None:
        self.commit()

    def commit(self, *drafts: NewEvent, files: Sequence[File] = ()) -> list[Event]:
        """Commit the recorded events, followed by `drafts`; return the events stored for `drafts`.

        Each error is raised as an `Interruption`.
        """
        for draft in drafts:
            self._track(draft)
        if self.unwritten:
            self._start_clocks()
        try:
            events = self.journal.commit(Batch((*self.unwritten, *drafts), tuple(files)))
        except Overtaken:
            self.unwritten.clear()  # the next claim repeats them with newer facts
            raise
        except Interruption:
            raise
        except MemoryError as error:
            raise OutOfMemory("The worker's process ran out of memory.") from error
        except Exception as error:
            words = error_payload(error)
            raise CommitRefused(f"{words['type']}: {words['message']}") from error
        noted = len(self.unwritten)
        self.unwritten.clear()
        return events[noted:]

    def outlast(self, suspension: Suspend) -> bool:
        """Suspend the run but stay in the code until the run continues; return True after that.

        Returns False, and suspends nothing, if the code can't stay in this process.
        """
        if self._linger is None:
            return False
        handoff, drafts = self.suspended(suspension)
        self._start_clocks()
        events = self._linger(Batch((*self.unwritten, *drafts), handoff=handoff))
        if events is None:
            return False
        self.unwritten.clear()
        self.budget.take_in(partial(self.history.extend, events))
        for event in events:
            if event.kind == EventKind.WAIT_CLOSED:
                self._waits.pop(event.key, None)
        self.claimed_at, self.has_moved_on, self.has_outlasted = self.journal.now(), False, True
        return True

    def suspended(self, suspension: Suspend) -> tuple[Handoff, tuple[NewEvent, ...]]:
        """Return the handoff and the event with which the run is suspended."""
        status = RunStatus.RETRYING if suspension.is_retry else RunStatus.WAITING
        draft = NewEvent(EventKind.RUN_SUSPENDED, data={"on": str(suspension)})
        return Handoff(status, wake_at=suspension.wake_at, ends_at=self.ends_at), (draft,)

    def finish(self, handoff: Handoff, *drafts: NewEvent) -> None:
        """Commit the recorded events, followed by `drafts`, and release the run.

        If the run is quarantined, the recorded events aren't stored.
        """
        left = () if handoff.status == RunStatus.QUARANTINED else self.unwritten
        if left:
            self._start_clocks()
        if handoff.status.is_end and self.has_children:
            handoff = replace(handoff, has_children=True)
        self.journal.commit(Batch((*left, *drafts), handoff=handoff))

    def _start_clocks(self) -> None:
        """Set the deadline of each new question to the time of the commit plus its `expires`.

        People can't answer a question before the commit, so its time doesn't begin earlier.
        """
        now = self.journal.now()
        for draft in self.unwritten:
            if draft.kind == EventKind.WAIT_OPENED and (length := draft.data.get("expires")):
                draft.data["due_at"] = (now + timedelta(seconds=length)).isoformat()

    def _is_on_children(self, key: str) -> bool:
        return self.history.entries[key].family == "child"

    def _track(self, draft: NewEvent) -> None:
        self.budget.note(draft)
        self.has_moved_on = self.has_moved_on or draft.kind in PROGRESS
        if draft.kind in OPENING:
            self._waits[draft.key] = draft.kind == EventKind.CHILD_STARTED
        elif draft.kind == EventKind.WAIT_CLOSED:
            self._waits.pop(draft.key, None)


def open_in(history: History) -> Iterator[str]:
    for key, entry in history.entries.items():
        if entry.family in WAITS and not (entry.is_closed or entry.is_asked_again):
            yield key
