"""The facts from which a run's state is described in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from dashboard.overview.openings import STANDS, WITHOUT_STORAGE
from dashboard.overview.waiting import OpenWait
from procedures.engine.journal.events import RunStatus
from procedures.models import Run


@dataclass
class Facts:
    """Facts from which the state of a run is described in words.

    For a run in a list, only some of them are used; see `for_lists`.
    """

    run: Run
    now: datetime
    """The current time, read once for all runs of a list, because each reading costs a query."""
    openings: Sequence[OpenWait] = ()
    """The run's open waits; waits for people come first."""
    is_late: bool = False
    """True if a wait or a retry of the run is overdue by more than `openings.LATE`."""
    failure: dict[str, Any] = field(default_factory=dict)
    """The content of the last failed attempt, with "step", and "since" when that step first failed.

    {} if the run isn't retrying a step.
    """
    answered: dict[str, Any] = field(default_factory=dict)
    """An answer that the run hasn't used yet, with its prompt; {} if there is none."""
    cancelled: dict[str, Any] = field(default_factory=dict)
    """The person who cancelled the run or ended it at once, with the reason; {} if nobody did."""
    paused: dict[str, Any] = field(default_factory=dict)
    """The person who paused the run, with the reason; {} if the run isn't paused."""
    hindrance: str = ""
    """The reason why the run has been in the queue for a long time, such as a missing worker.

    It is "" if the run has been queued only for a short time, or if all workers are busy.
    """
    stranded: str = ""
    """The reason why no live worker has the code of the queued run; "" if one has."""
    is_removed: bool = False
    """True if this site has no code for the run any more."""
    progress: str = ""
    """The progress that the running step has reported; "" if it has reported none."""
    answerers: Sequence[str] = ()
    kept: int | None = None
    """The number of completed steps, not counting compensations."""
    to_undo: int = 0
    """The number of compensations that the code has declared, which a cancellation runs."""
    undone: int = 0
    answers: int = 0
    others: int = 0
    """The number of waits for timers, signals and child runs, including those that have ended."""
    last_at: datetime | None = None
    """The time of the newest event."""

    @property
    def status(self) -> RunStatus:
        return RunStatus(self.run.status)

    @property
    def is_asking(self) -> bool:
        return any([one.is_question for one in self.openings])  # noqa: C419 (takes fewer calls)

    @property
    def opened_at(self) -> datetime | None:
        return self.openings[0].at if self.openings else None

    def for_lists(self) -> Self:
        """Return these facts without those that lists don't read."""
        return replace(
            self,
            answered={},
            hindrance="",
            progress="",
            kept=None,
            to_undo=0,
            undone=0,
            answers=0,
            others=0,
        )

    @property
    def is_stuck(self) -> bool:
        """True if the run can't continue: no worker has its code, or its storage is unavailable."""
        is_without_code = self.is_removed and self.status in STANDS
        return is_without_code or self.is_without_storage or bool(self.stranded)

    @property
    def is_without_storage(self) -> bool:
        return self.run.is_left_without_storage and self.status in WITHOUT_STORAGE
