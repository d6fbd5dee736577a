"""A request at which people, time and operators act at once, and the moment at which they do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.contrib.auth.models import User

from chat.models import HumanRequest
from chat.services import Answer, BulkItem, BulkResult, answer_many, respond, undo_response
from procedures.engine.errors import EngineError
from procedures.models import Wait
from procedures.models.clock import clock

Act = Callable[[], object]
UNDO = timedelta(seconds=10)
LIMIT = timedelta(seconds=30)
NEAR = timedelta(milliseconds=3)
"""The most by which a race with time misses its moment, besides delays of the machine."""
LEAD, LONGEST_LEAD = timedelta(milliseconds=5), timedelta(milliseconds=300)
"""The lead of a race with time before its moment at first, and at most."""


class TooSlowError(EngineError):
    """An answer among several that somebody else was faster than."""


@dataclass
class Scene:
    """A request, the people who race for it, and what became of each act."""

    request: HumanRequest
    people: list[User]
    random: Random
    lead: timedelta = LEAD
    """The lead of a race with time before its moment."""
    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def say(self, who: int, *, value: Any = True) -> None:
        respond(self.request.pk, Answer(value, channel="page"), by=self.people[who])

    def ask_back(self, who: int) -> None:
        answer = Answer(comment="Which one?", channel="page", asks_back=True)
        respond(self.request.pk, answer, by=self.people[who])

    def say_in_bulk(self, who: int, *, value: bool = True) -> None:
        """Answer it among several; what is reported to have been too late counts as refused."""
        item = BulkItem(self.request.pk, self.request.version, value)
        [told] = answer_many([item], by=self.people[who], answer=Answer(channel="page"))
        if told.result != BulkResult.APPLIED:
            raise TooSlowError(told.message)

    def undo(self, who: int) -> None:
        undo_response(self.request.pk, by=self.people[who])

    def be_near(self, moment: datetime | None) -> None:
        """Let time pass until just before a moment, at which it happens while people act."""
        assert moment
        missed = self.random.uniform(-1, 1) * NEAR
        clock.ahead += moment - clock.now() - self.lead + missed

    @property
    def limit(self) -> datetime | None:
        """The time at which its deadline passes, or the timer in its set elapses."""
        waits = Wait.objects.filter(run=self.request.wait.run_id, due_at__isnull=False)
        return waits.get().due_at

    @property
    def effective_at(self) -> datetime | None:
        self.request.refresh_from_db()
        return self.request.effective_at
