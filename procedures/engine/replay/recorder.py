"""The events that one claim writes: they are collected until something may depend on them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from procedures.engine.declaration.bound import Bound
from procedures.engine.declaration.limits import Limits
from procedures.engine.errors import (
    Cancelled,
    Interruption,
    OutOfMemory,
    Overtaken,
    Paused,
    Refused,
    Suspend,
    error_payload,
)
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
"""The default: no limits except the site's."""
Linger = Callable[[Batch], Sequence[Event] | None]
"""A function that commits a batch that suspends the run, and waits until the run continues.

It returns the events stored since the journal was loaded, once the run is claimed again. It returns
None, and stores nothing, if the code must be abandoned as usual; it raises `Fenced` if the code
must be abandoned although the batch was stored.
"""


class Recorder:
    """One claim's access to the journal, shared by the run's own fiber and its branches."""

    def __init__(
        self,
        journal: Journal,
        events: Sequence[Event],
        limits: Limits = NO_LIMITS,
        linger: Linger | None = None,
    ) -> None:
        self.journal, self._linger = journal, linger
        self.has_outlasted = False
        """True if the code has stayed at a wait until the wait was closed."""
        self.claimed_at = journal.now()
        self.history = History(events)
        self.budget = Budget(limits, journal, self.history)
        self.first = events[0]
        """The event with which this generation began: `run.started` or `run.continued`."""
        self.is_undoing = False
        """True while compensations run; a cancel then no longer interrupts the code."""
        self.has_moved_on = False
        """True if this claim has made progress beyond the claims before it."""
        self.to_undo: list[Bound[Any]] = []
        """The compensations to run after a failure or a cancel, from the last one to the first."""
        self._waits = {key: self._is_on_children(key) for key in open_in(self.history)}
        self.unwritten: list[NewEvent] = []
        """The events that are recorded but not committed yet."""
        self._since = self.first.at

    @property
    def generation(self) -> int:
        content = self.first.content
        return int(content["generation"]) if self.first.kind == EventKind.RUN_CONTINUED else 0

    def idempotency_key(self, key: str) -> str:
        """Return the step's idempotency key: unique, and the same in all attempts of the step."""
        generation = f"{self.generation}:" if self.generation else ""
        return f"{self.journal.run.run_id}:{generation}{key}"

    @property
    def has_children(self) -> bool:
        """True if child runs that the code has started are still open."""
        return any(self._waits.values())

    @property
    def open_waits(self) -> list[str]:
        """The keys of the waits that are open, as far as this claim knows."""
        return list(self._waits)

    @cached_property
    def served(self) -> dict[str, str]:
        """The step that each approval was used for, by the key of the approval's wait."""
        steps = (one for one in self.history.entries.values() if one.family == "step")
        kept = (event for one in steps for event in one.events)
        done = (event for event in kept if event.kind == EventKind.STEP_SUCCEEDED)
        found = (event for event in done if APPROVED in event.data)  # avoid parsing most events
        return {str(event.content["approved_by"]): event.key for event in found}

    def check_wanted(self, key: str) -> None:
        """Raise `Cancelled` or `Paused` if somebody has cancelled or paused the run."""
        if self.is_undoing:
            return
        if self.journal.is_cancelled:
            raise Cancelled(key)
        if self.journal.is_paused:
            raise Paused(key)

    def check_limits(self) -> None:
        """Raise `LimitReached` if the run has reached its limit of events or of time."""
        if not self.is_undoing:
            self.budget.check()

    def check_going_on(self, key: str) -> None:
        """Raise an interruption if the run must stop or has reached a limit."""
        self.check_wanted(key)
        self.check_limits()

    def take_step(self, key: str) -> None:
        """Count a new step; raise an interruption if the run must stop or a limit is reached."""
        if not self.is_undoing:
            self.check_wanted(key)
            self.budget.take_step()

    def take_children(self, key: str, count: int) -> None:
        """Check that the run may start `count` more child runs; raise an interruption if not."""
        self.check_going_on(key)
        self.budget.take_children(count)

    @property
    def ends_at(self) -> datetime | None:
        """The time at which the run reaches its time limit; None for none, and while undoing."""
        return None if self.is_undoing else self.budget.ends_at

    def add(self, draft: NewEvent) -> None:
        """Record an event for the next commit, and commit if there are many or the first is old."""
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
        """Commit the recorded events and then the given ones; return the given ones as stored.

        Any failure is raised as an `Interruption`.
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
            raise Refused(f"{words['type']}: {words['message']}") from error
        noted = len(self.unwritten)
        self.unwritten.clear()
        return events[noted:]

    def outlast(self, suspension: Suspend) -> bool:
        """Stay at the wait until the run continues; return False if the code must be abandoned."""
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
        """Return the handoff and the event that suspend the run."""
        status = RunStatus.RETRYING if suspension.is_retry else RunStatus.WAITING
        draft = NewEvent(EventKind.RUN_SUSPENDED, data={"on": str(suspension)})
        return Handoff(status, wake_at=suspension.wake_at, ends_at=self.ends_at), (draft,)

    def finish(self, handoff: Handoff, *drafts: NewEvent) -> None:
        """Commit the recorded events and release the run; if it is quarantined, drop the events."""
        left = () if handoff.status == RunStatus.QUARANTINED else self.unwritten
        if left:
            self._start_clocks()
        if handoff.status.is_end and self.has_children:
            handoff = replace(handoff, has_children=True)
        self.journal.commit(Batch((*left, *drafts), handoff=handoff))

    def _start_clocks(self) -> None:
        """Set the deadlines of new waits, counted from the commit with which people can answer."""
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
