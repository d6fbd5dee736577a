"""Runs that ask at once what somebody has decided in advance: no use more than was given."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from random import Random
from threading import Barrier
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection

from chat.models import HumanRequest, StandingDecision
from chat.services import Answer, StandingLimits, respond, revoke_standing
from procedures.engine.execute import advance
from procedures.files import ContentStore
from procedures.journal import claim
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import start_run
from procedures.services.ledger import examine
from tests.calls import grant
from tests.procedures.decided import alike

ASKERS = 3
RUNS = 2
"""The runs of each thread, one after the other."""
MOST = 4
PATIENCE = 60


class StandingRaces:
    """Rounds in which runs use one decision at once, and somebody may revoke it meanwhile."""

    def __init__(self) -> None:
        finance, _ = Group.objects.get_or_create(name="finance")
        grant("alike", finance, "answer")
        self.giver, _ = User.objects.get_or_create(username="gina")
        self.giver.groups.add(finance)
        self.faults: dict[int, list[str]] = {}
        self.used = self.revoked = 0

    def told(self) -> dict[str, Any]:
        return {"broken": len(self.faults), "used": self.used, "revoked": self.revoked}

    def run(self, seeds: Iterable[int]) -> None:
        with ThreadPoolExecutor(ASKERS + 1) as threads:
            for seed in seeds:
                if words := [*self._round(seed, threads)]:
                    self.faults[seed] = words

    def _round(self, seed: int, threads: Executor) -> Iterator[str]:
        random = Random(seed)  # noqa: S311 (no secret)
        uses, is_revoked = random.randint(1, MOST), random.random() < 0.3
        decision = self._given(f"customer {seed}", uses)
        runs = [[self._started(seed) for _ in range(RUNS)] for _ in range(ASKERS)]
        acts: list[Callable[[], Any]] = [partial(_carry_on, some) for some in runs]
        if is_revoked:
            acts.append(partial(revoke_standing, decision.pk, by=self.giver))
        barrier = Barrier(len(acts))
        going = [threads.submit(_act, act, barrier) for act in acts]
        yield from (f"{error!r}" for one in going if (error := one.exception(PATIENCE)))
        decision.refresh_from_db()
        count = decision.responses.count()
        self.used, self.revoked = self.used + count, self.revoked + is_revoked
        if count != uses - decision.uses_left or decision.uses_left < 0:
            yield f"{count} uses of {uses}, and {decision.uses_left} are left"
        if not is_revoked and count != min(uses, ASKERS * RUNS):
            yield f"{count} uses of {uses}, though nobody revoked it"
        for run in [one for some in runs for one in some]:
            yield from self._finished(run)

    def _given(self, customer: str, uses: int) -> StandingDecision:
        run, _ = start_run("alike", {"customer": customer}, by=None)
        advance_run(run.pk)
        also = StandingLimits(uses, clock.now() + timedelta(days=1))
        asked = HumanRequest.objects.get(wait__run=run)
        respond(asked.pk, Answer(value=True, channel="page", also=also), by=self.giver)
        return StandingDecision.objects.latest("pk")

    def _started(self, seed: int) -> Run:
        return start_run("alike", {"customer": f"customer {seed}"}, by=None)[0]

    def _finished(self, run: Run) -> Iterator[str]:
        """Answer a run that was asked, and yield what does not hold of it then."""
        for request in HumanRequest.objects.open().filter(wait__run=run):
            respond(request.pk, Answer(value=True), by=self.giver)
        advance_run(run.pk)
        run.refresh_from_db()
        if run.status != "succeeded":
            yield f"a run is {run.status}: {run.error}"
        yield from examine(run).faults


def _carry_on(runs: Iterable[Run]) -> None:
    for run in runs:
        if journal := claim(run.pk):
            advance(alike, journal, ContentStore())


def _act(act: Any, barrier: Barrier) -> None:
    try:
        barrier.wait(PATIENCE)
        act()
    finally:
        connection.close()
