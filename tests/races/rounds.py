"""One round: a run, a worker that carries it on, and operators who act at chosen moments."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from threading import Event as Moment
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from chat.models import HumanRequest
from chat.services import Answer, respond
from procedures.engine.errors import EngineError, Fenced
from procedures.engine.execute import advance
from procedures.engine.journal.events import Batch, Event, RunStatus
from procedures.files import ContentStore
from procedures.journal import DatabaseJournal, claim
from procedures.models import Run
from procedures.services import (
    ForkPoint,
    cancel_run,
    force_end_run,
    fork_run,
    pause_run,
    restart_run,
    retry_run,
    start_run,
    unpause_run,
)
from tests.conformance.seeds.watched import WatchedJournal
from tests.races.procedures import raced

LATEST = 8
"""The commit of a worker at which an operator acts at the latest, if he is not alone then."""
VERBS: dict[str, Callable[..., Any]] = {
    "cancel": cancel_run,
    "force_end": force_end_run,
    "pause": pause_run,
    "unpause": unpause_run,
    "retry": retry_run,
    "restart": restart_run,
    "fork": lambda run_id, **said: fork_run(run_id, ForkPoint("second"), **said),
}


@dataclass
class Deed:
    """An operator's act at a moment, and its result."""

    verb: str
    at: int
    """The number of the worker's commit with which it races."""
    reason: str
    moment: Moment = field(default_factory=Moment)
    told: Any = None
    refused: str = ""

    def act(self, run: Run, by: User) -> None:
        self.moment.wait()
        try:
            self.told = VERBS[self.verb](run.pk, by=by, reason=self.reason)
        except EngineError as refusal:
            self.refused = str(refusal)


class Round:
    """A run and all that was done to it."""

    def __init__(self, seed: int, *, by: User) -> None:
        self.random, self.by = Random(seed), by  # noqa: S311 (no secret)
        inputs = {"undoes": self.random.random() < 0.4, "fails": self.random.random() < 0.4}
        self.deeds = self._plan(seed, fails=inputs["fails"])
        self.run = start_run(raced.name, inputs, by=by)[0]
        self.rested_as = RunStatus.QUEUED
        self.commits = 0
        self.fenced = 0
        self.written: list[Event] = []
        """The events that were confirmed to its workers."""

    def _plan(self, seed: int, *, fails: bool) -> list[Deed]:
        """One to three deeds, more often those that may be accepted."""
        verbs: list[str] = []
        for _ in range(self.random.choice((1, 2, 2, 3))):
            likely = ["cancel", "force_end", "pause", "retry" if fails else "pause"]
            likely += ["unpause"] * 3 if "pause" in verbs else []
            verbs.append(self.random.choice([*VERBS, *likely, *likely]))
        moments = sorted(self.random.randrange(LATEST) for _ in verbs)
        late = [LATEST if verb == "retry" and fails else 0 for verb in verbs]  # it fails first
        planned = zip(verbs, moments, late, range(len(verbs)), strict=True)
        return [Deed(verb, at + later, f"{seed}.{n}") for verb, at, later, n in planned]

    def live(self, operators: Executor) -> None:
        """Work until the run rests, and then until it has ended."""
        acts = [operators.submit(self._act_beside, deed) for deed in self.deeds]
        try:
            self._work(acts)
        finally:
            for deed in self.deeds:
                deed.moment.set()
        for act in acts:
            act.result()
        self.rested_as = self._status()
        if self.rested_as == RunStatus.PAUSED:
            last = Deed("unpause", 0, f"{self.deeds[0].reason}.last")
            last.moment.set()
            last.act(self.run, self.by)
            self.deeds.append(last)
            self._work([])

    def _act_beside(self, deed: Deed) -> None:
        try:
            deed.act(self.run, self.by)
        finally:
            connection.close()

    def let_act(self, commit: int) -> None:
        """Tell those who have waited for this commit of the worker's."""
        for deed in self.deeds:
            if deed.at <= commit:
                deed.moment.set()

    def _work(self, acts: list[Future[None]]) -> None:
        while True:
            left = [deed for deed, act in zip(self.deeds, acts, strict=False) if not act.done()]
            if held := claim(self.run.pk):
                self._carry_on(held)
            elif not self._answer():
                if not left:
                    return
                self.let_act(min(deed.at for deed in left))  # nobody works: it is their turn

    def _carry_on(self, held: DatabaseJournal) -> None:
        try:
            advance(raced, Raced(self, held), ContentStore())
        except Fenced:
            self.fenced += 1

    def _answer(self) -> bool:
        """Answer yes if somebody is asked, and return True then."""
        asked = HumanRequest.objects.open().filter(wait__run=self.run).first()
        if asked is None or self._status() == RunStatus.PAUSED:
            return False
        with suppress(EngineError):  # withdrawn meanwhile
            respond(asked.pk, Answer(value=True), by=self.by)
        return True

    def _status(self) -> RunStatus:
        self.run.refresh_from_db()
        return RunStatus(self.run.status)


class Raced(WatchedJournal):
    """A worker's journal whose commits are the moments at which operators act."""

    def __init__(self, now: Round, journal: DatabaseJournal) -> None:
        super().__init__(journal)
        self._now, self._look = now, partial(journal.look_around)

    def commit(self, batch: Batch) -> list[Event]:
        """Let those act first that race with it; afterwards the worker may learn of them."""
        now = self._now
        now.let_act(now.commits)
        events = super().commit(batch)
        now.commits += 1
        now.written += events
        if now.random.random() < 0.5:
            self._look()
        return events
