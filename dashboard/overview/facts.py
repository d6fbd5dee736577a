"""The facts from which a run's state is described in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from dashboard.overview.openings import STANDS, WITHOUT_STORAGE
from dashboard.overview.waiting import OpenWait
from procedures.engine.journal.events import RunStatus
from procedures.engine.kinds.questions import Question
from procedures.models import Run


@dataclass
class Facts:
    """The facts about a run that aren't in its row; lists have fewer of them than pages."""

    run: Run
    now: datetime
    """The current time, read once for all runs of a list, because reading it costs a query."""
    openings: Sequence[OpenWait] = ()
    """The open waits, questions first."""
    is_late: bool = False
    """True if something should have happened a while ago, but hasn't."""
    failure: dict[str, Any] = field(default_factory=dict)
    """The last failed attempt, with its step and the time when that step first failed; or {}."""
    answered: dict[str, Any] = field(default_factory=dict)
    """An answer that the run hasn't used yet, with its prompt; {} if there is none."""
    cancelled: dict[str, Any] = field(default_factory=dict)
    """The person who cancelled the run or ended it at once, with the reason; {} if nobody did."""
    paused: dict[str, Any] = field(default_factory=dict)
    """The person who paused the run, with the reason; {} if the run isn't paused."""
    hindrance: str = ""
    """The reason why the run stays queued, apart from busy workers; "" if there is none."""
    stranded: str = ""
    """The reason why no live worker can execute the queued run; "" if there is none."""
    is_removed: bool = False
    """True if no code defines the run's procedure any more."""
    progress: str = ""
    """The progress that the running step has reported; "" if it has reported none."""
    answerers: Sequence[str] = ()
    kept: int | None = None
    """The number of completed steps, not counting compensations."""
    to_undo: int = 0
    """The number of compensations that a cancellation runs; `undone` counts those that have run."""
    undone: int = 0
    answers: int = 0
    others: int = 0
    """The number of waits for time, signals and other runs."""
    last_at: datetime | None = None
    """The time of the newest event."""

    @property
    def status(self) -> RunStatus:
        return RunStatus(self.run.status)

    @property
    def question(self) -> Question | None:
        return next((one.question for one in self.openings if one.question), None)

    @property
    def opened_at(self) -> datetime | None:
        return self.openings[0].at if self.openings else None

    def for_lists(self) -> Self:
        """Return only the facts that lists have, too."""
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
        """True if this site has no code to continue the run, or its storage is unavailable."""
        is_without_code = self.is_removed and self.status in STANDS
        return is_without_code or self.is_without_storage or bool(self.stranded)

    @property
    def is_without_storage(self) -> bool:
        return self.run.is_left_without_storage and self.status in WITHOUT_STORAGE
