"""The number of steps, events and child runs that a run has used, and the limits on them."""

from collections.abc import Callable, Sequence
from functools import cached_property

from procedures.engine.declaration.limits import Limits
from procedures.engine.errors import LimitReached
from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.journal.protocol import Journal
from procedures.engine.replay.history import UNDO, Entry, History
from procedures.engine.values.durations import parse_duration

ANEW = "Use ctx.continue_as_new before the limit is reached, or raise the limit."
HIGHER = "Raise the limit if this is intended."


class Budget:
    """The steps, events and child runs that a run has used since it last continued as new.

    The steps and events of compensations aren't counted. The events in the journal are counted only
    when the code first adds a new event, so that a replay without new events loses no time.
    """

    def __init__(self, limits: Limits, journal: Journal, history: History) -> None:
        run = journal.run
        self._limits, self._run, self._history = limits.or_else(run.limits), run, history
        self._now, self._length = journal.now, history.length
        self._new = {"steps": 0, "events": 0, "children": 0}
        self.ends_at = self._limits.ends_at(run.began_at)

    def note(self, draft: NewEvent) -> None:
        """Count an event that isn't stored yet, and the child runs that it starts."""
        if not draft.key.startswith(UNDO):
            self._new["events"] += 1
            if draft.kind == EventKind.CHILD_STARTED:
                self._new["children"] += int(draft.data.get("count", 1))

    def take_in(self, extend: Callable[[], object]) -> None:
        """Call `extend`, which adds stored events to the history, and count these events.

        Events that `note` has counted already aren't counted again.
        """
        self._kept_steps, self._kept_children, self._kept_events  # noqa: B018 (counted now)
        extend()
        self._new["events"] = self._history.length - self._length

    def check(self) -> None:
        """Raise `LimitReached` if the run has used all its events or its maximum duration."""
        self.check_time()
        most, used = self._limits.events, self._kept_events + self._new["events"]
        if most is not None and used >= most:
            raise LimitReached(f"This run has reached its limit of {most:,} events. {ANEW}")

    def check_time(self) -> None:
        if self.ends_at and self._now() >= self.ends_at:
            lasts = self._limits.max_duration
            length = lasts if isinstance(lasts, str) else parse_duration(lasts or 1)
            raise LimitReached(
                f"This run has reached its maximum duration of {length}. {HIGHER}",
                closes="system: the run's time limit",
            )

    def take_step(self) -> None:
        """Count a new step; raise `LimitReached` if the run has reached a limit.

        These are the limits on its steps, on its events and on its duration.
        """
        self.check()
        most, used = self._limits.steps, self._kept_steps + self._new["steps"]
        if most is not None and used >= most:
            raise LimitReached(f"This run has reached its limit of {most:,} steps. {ANEW}")
        self._new["steps"] += 1

    def take_children(self, count: int) -> None:
        """Raise `LimitReached` if the run may not start `count` more child runs."""
        deepest, most = self._limits.depth, self._limits.children
        if deepest is not None and self._run.depth >= deepest:
            words = "This run can't start child runs: it has"
            raise LimitReached(
                f"{words} {deepest:,} levels of ancestors, which is the limit. {HIGHER}"
            )
        used = self._kept_children + self._new["children"]
        if most is not None and used + count > most:
            words = f"This run has started {used:,} child runs and asks for {count:,} more, but"
            raise LimitReached(f"{words} the limit is {most:,}. {ANEW}")

    @cached_property
    def _counted(self) -> Sequence[Entry]:
        return [one for one in self._history.entries.values() if not one.key.startswith(UNDO)]

    @cached_property
    def _kept_steps(self) -> int:
        return sum(entry.family == "step" for entry in self._counted)

    @cached_property
    def _kept_children(self) -> int:
        started = [one.events[0].content for one in self._counted if one.family == "child"]
        return sum(int(content.get("count", 1)) for content in started)

    @cached_property
    def _kept_events(self) -> int:
        entries = self._history.entries.values()
        undone = [len(one.events) for one in entries if one.key.startswith(UNDO)]
        return self._history.length - sum(undone)
