"""The writes of one claim: events are gathered until something may depend on them."""

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
"""No limits but the site's."""
Linger = Callable[[Batch], Sequence[Event] | None]
"""Commits a batch that suspends the run.

Returns the events kept since the journal was loaded, once the run is claimed again. Returns None,
and keeps nothing, if the code must be abandoned as workers do; raises `Fenced` if the code must be
abandoned although the batch was kept.
"""


class Recorder:
    """The journal as the code uses it, shared by the run's own fiber and its branches."""

    def __init__(
        self,
        journal: Journal,
        events: Sequence[Event],
        limits: Limits = NO_LIMITS,
        linger: Linger | None = None,
    ) -> None:
        self.journal, self._linger = journal, linger
        self.has_outlasted = False
        """True if the code has stayed at a wait until it was over."""
        self.claimed_at = journal.now()
        self.history = History(events)
        self.budget = Budget(limits, journal, self.history)
        self.first = events[0]
        """`run.started`, or the `run.continued` with which this generation began."""
        self.is_undoing = False
        """True if compensations are running; a cancel ends the run, but not them."""
        self.has_moved_on = False
        """True if this claim has got further than the ones before."""
        self.to_undo: list[Bound[Any]] = []
        """The compensations for a failure or a cancel; the last one runs first."""
        self._waits = {key: self._is_on_children(key) for key in open_in(self.history)}
        self.unwritten: list[NewEvent] = []
        """Events that are recorded but not committed yet."""
        self._since = self.first.at

    @property
    def generation(self) -> int:
        content = self.first.content
        return int(content["generation"]) if self.first.kind == EventKind.RUN_CONTINUED else 0

    def idempotency_key(self, key: str) -> str:
        """Return the idempotency key of a step, the same in all attempts and unique to it."""
        generation = f"{self.generation}:" if self.generation else ""
        return f"{self.journal.run.run_id}:{generation}{key}"

    @property
    def open_waits(self) -> list[str]:
        """The keys of the waits that are open, as far as this claim knows."""
        return list(self._waits)

    @cached_property
    def served(self) -> dict[str, str]:
        """The step served by each approval, by the key of the approval's wait."""
        steps = (one for one in self.history.entries.values() if one.family == "step")
        kept = (event for one in steps for event in one.events)
        done = (event for event in kept if event.kind == EventKind.STEP_SUCCEEDED)
        found = (event for event in done if APPROVED in event.data)  # most are not read for it
        return {str(event.content["approved_by"]): event.key for event in found}

    def check_wanted(self, key: str) -> None:
        """Raise `Cancelled` or `Paused` if somebody wants the run to stop here."""
        if self.is_undoing:
            return
        if self.journal.is_cancelled:
            raise Cancelled(key)
        if self.journal.is_paused:
            raise Paused(key)

    def check_limits(self) -> None:
        """Raise `LimitReached` before anything new if the events or the time are used up."""
        if not self.is_undoing:
            self.budget.check()

    def check_going_on(self, key: str) -> None:
        """Raise before anything new if the run is to stop or a limit is reached."""
        self.check_wanted(key)
        self.check_limits()

    def take_step(self, key: str) -> None:
        """Count a new step; raises if the run is to stop or a limit is reached."""
        if not self.is_undoing:
            self.check_wanted(key)
            self.budget.take_step()

    def take_children(self, key: str, count: int) -> None:
        """Count so many new child runs; raises `LimitReached` beyond the limit."""
        self.check_going_on(key)
        self.budget.take_children(count)

    @property
    def ends_at(self) -> datetime | None:
        """The time at which the run's time is up, or None; compensations have no time limit."""
        return None if self.is_undoing else self.budget.ends_at

    def add(self, draft: NewEvent) -> None:
        """Record an event for the next commit; commit now if enough events or time have passed."""
        self._track(draft)
        now = self.journal.now()
        if not self.unwritten:
            self._since = now
        self.unwritten.append(draft)
        # Bounded in number and time, so that a crash loses little and people see what goes on.
        if len(self.unwritten) >= MOST_UNWRITTEN or now - self._since >= LONGEST_UNWRITTEN:
            self.commit()

    def flush(self) -> None:
        self.commit()

    def commit(self, *drafts: NewEvent, files: Sequence[File] = ()) -> list[Event]:
        """Commit the recorded events and then these together; return the events of these.

        Any failure is raised as an `Interruption`.
        """
        for draft in drafts:
            self._track(draft)
        try:
            events = self.journal.commit(Batch((*self.unwritten, *drafts), tuple(files)))
        except Overtaken:
            self.unwritten.clear()  # the next claim does it again, knowing more
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
        """Commit the remaining events and release the run; a quarantined run drops them."""
        left = () if handoff.status == RunStatus.QUARANTINED else self.unwritten
        if handoff.status.is_end and any(self._waits.values()):
            handoff = replace(handoff, has_children=True)
        self.journal.commit(Batch((*left, *drafts), handoff=handoff))

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
