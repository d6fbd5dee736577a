"""The facts from which a run's state is described in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dashboard.overview.openings import STANDS, WITHOUT_STORAGE
from dashboard.overview.waiting import OpenWait
from procedures.engine.journal.events import RunStatus
from procedures.engine.kinds.questions import Question
from procedures.models import Run


@dataclass
class Facts:
    """The facts about a run beyond its row; a list has fewer of them than a page."""

    run: Run
    now: datetime
    """The current time, read only once per list, because reading it from PostgreSQL is a query."""
    openings: Sequence[OpenWait] = ()
    """The open waits, questions first."""
    is_late: bool = False
    """True if something has been due for a while and hasn't happened."""
    failure: dict[str, Any] = field(default_factory=dict)
    """The last failed attempt, with its step, and the time `since` which that step has failed."""
    answered: dict[str, Any] = field(default_factory=dict)
    """A pending answer, with its prompt."""
    cancelled: dict[str, Any] = field(default_factory=dict)
    """The person who cancelled or terminated the run, and the reason."""
    paused: dict[str, Any] = field(default_factory=dict)
    """The person who last paused the run, and the reason."""
    hindrance: str = ""
    """A reason why the run stays queued, other than that all workers are busy."""
    stranded: str = ""
    """The reason why no live worker can execute the queued run."""
    is_removed: bool = False
    """True if no code defines the run's procedure any more."""
    progress: str = ""
    """The progress that the running step has reported."""
    answerers: Sequence[str] = ()
    kept: int | None = None
    """The number of completed steps, not counting compensations."""
    to_undo: int = 0
    """The number of registered compensations; `undone` counts those that have run."""
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

    @property
    def is_stuck(self) -> bool:
        """True if this site has no code to continue the run, or its storage is unavailable."""
        is_without_code = self.is_removed and self.status in STANDS
        return is_without_code or self.is_without_storage or bool(self.stranded)

    @property
    def is_without_storage(self) -> bool:
        return self.run.is_left_without_storage and self.status in WITHOUT_STORAGE
