"""The facts from which a run's state is put into words."""

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
    """The facts about a run besides its row; lists know fewer of them than pages."""

    run: Run
    now: datetime
    """The time, read once for a whole list, because asking PostgreSQL is a query."""
    openings: Sequence[OpenWait] = ()
    """The open waits, questions first."""
    is_late: bool = False
    """True if a time has passed that should have had its effect."""
    failure: dict[str, Any] = field(default_factory=dict)
    """The last failed attempt, with its step."""
    answered: dict[str, Any] = field(default_factory=dict)
    """A pending answer, with its prompt."""
    cancelled: dict[str, Any] = field(default_factory=dict)
    """The person who cancelled it, or ended it at once, and the reason."""
    paused: dict[str, Any] = field(default_factory=dict)
    """The person who paused it last, and the reason."""
    hindrance: str = ""
    """A cause, besides busy workers, that keeps it in the queue."""
    stranded: str = ""
    """The reason why no live worker can continue it while it is queued."""
    is_removed: bool = False
    """True if no code has the name of its procedure."""
    progress: str = ""
    """The running step's own progress."""
    answerers: Sequence[str] = ()
    kept: int | None = None
    """The number of kept steps, without compensations."""
    to_undo: int = 0
    """The number of compensations the code has registered; `undone` counts those that ran."""
    undone: int = 0
    answers: int = 0
    others: int = 0
    """Waits for time, signals and runs."""
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
        """True if no code here can continue it, or its storage was lost."""
        is_without_code = self.is_removed and self.status in STANDS
        return is_without_code or self.is_without_storage or bool(self.stranded)

    @property
    def is_without_storage(self) -> bool:
        return self.run.is_left_without_storage and self.status in WITHOUT_STORAGE
