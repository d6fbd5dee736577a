"""Hundreds of runs while everything they need is killed, paused and restarted at random."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random, randrange

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, connection

from chat.models import HumanRequest
from procedures.engine.journal.events import RunStatus
from procedures.models import Event, Run
from procedures.services import Sent, retry_run, send_signal, start_run
from tests.conftest import StartClock, StartWorker
from tests.crash.weather import Weather
from tests.desk import Desk, Effect
from tests.processes import Redis, wait_until
from tests.runs import answer, journal_of

VOYAGES, AT_SEA = 200, 30
STRIKES = 25
STRICT = ("step.succeeded", "step.started", "wait.", "child.", "patch")
UNDISTURBED = [
    "step.succeeded pack",
    "child.started errand",
    "wait.closed errand",
    "step.succeeded note",
    "wait.opened approve",
    "wait.closed approve",
    "step.succeeded sail",
    "wait.opened paid",
    "wait.closed paid",
    "step.succeeded arrive",
]
"""The parts that count in the journal of an undisturbed voyage."""


class Harbour:
    """People who start voyages, answer, send signals, and retry what was given up."""

    def __init__(self, desk: Desk, alice: User, bob: User, admin: User) -> None:
        self._desk, self._alice, self._bob, self._admin = desk, alice, bob, admin
        self.runs: list[Run] = []
        self.retried = 0
        self._over = threading.Event()

    @contextmanager
    def open(self) -> Iterator[None]:
        people = threading.Thread(target=self._work)
        people.start()
        try:
            yield
        finally:
            self._over.set()
            people.join()

    def _work(self) -> None:
        while not self._over.wait(0.1):
            try:
                self._look_around()
            except (DatabaseError, InterfaceError):
                connection.close()
        connection.close()

    def _look_around(self) -> None:
        voyages = Run.objects.filter(procedure__name="voyage")
        if len(self.runs) < VOYAGES and voyages.unended().count() < AT_SEA:
            self._start(len(self.runs))
        for request in HumanRequest.objects.open():
            answer(request, by=self._bob)
        for run in Run.objects.filter(status=RunStatus.QUARANTINED):
            retry_run(run.pk, by=self._admin, reason="The weather was bad.")
            self.retried += 1

    def _start(self, number: int) -> None:
        """Whoever hears nothing starts it again: with the same key it is the same run."""
        inputs = {"folder": self._desk.folder, "number": number}
        run, _ = start_run("voyage", inputs, by=self._alice, idempotency_key=str(number))
        for _ in range(2):
            send_signal(run.pk, Sent("paid", "payment", number), by=self._alice)
        self.runs.append(run)


@pytest.fixture
def harbour(desk: Desk, alice: User, bob: User, admin_user: User) -> Harbour:
    return Harbour(desk, alice, bob, admin_user)


@pytest.mark.soak
def test_in_a_storm_nothing_is_lost_and_nothing_done_twice(
    harbour: Harbour,
    worker: StartWorker,
    clock: StartClock,
    redis_server: Redis,
    desk: Desk,
    tell: Callable[[str], None],
) -> None:
    seed = randrange(10**6)  # noqa: S311 (no secret)
    tell(f"A storm on {connection.vendor}, seed {seed}:")
    chance = Random(seed)  # noqa: S311 (no secret)
    weather = Weather([worker(), worker()], clock(), redis_server, chance)
    with harbour.open():
        for _ in range(STRIKES):
            weather.strike()
            wait_for_ends(1)
        wait_for_ends(VOYAGES)

    lost = [run for run in harbour.runs if not is_whole(run)]
    repeated, late, twice = effects_of(desk, weather)
    became = {
        "runs, each with a child": len(harbour.runs),
        "lost": len(lost),
        "quarantined and retried": harbour.retried,
        "effects": len(desk.lines),
        "repeated before their commit": repeated,
        "repeated by a zombie": late,
        "done twice": len(twice),
    }
    for line in table(weather, became):
        tell(line)
    assert not lost, [(run.pk, journal_of(run)) for run in lost]
    assert not twice
    assert len(desk.lines) == 4 * VOYAGES + repeated + late
    assert Counter(LogEntry.objects.values_list("object_repr", flat=True)) == {
        f"{run.pk}:note": 1 for run in harbour.runs
    }
    assert HumanRequest.objects.count() == VOYAGES
    assert weather.refused_writes() or "disk full" not in weather.times


def table(weather: Weather, became: dict[str, int]) -> Iterator[str]:
    """The damage done to the processes, with its times, and the ends of the runs."""
    for what, when in weather.times.items():
        yield f"  {what:30} {len(when):4} times, at {', '.join(map(str, when))} s"
    if "disk full" in weather.times:
        yield f"  {'writes it refused':30} {weather.refused_writes():4}"
    for what, count in became.items():
        yield f"  {what:30} {count:4}"


def wait_for_ends(count: int) -> None:
    """Wait until that many more voyages have ended, or all of them."""
    before = ended()
    enough = min(VOYAGES, before + count)
    wait_until(lambda: ended() >= enough, timeout=180, what=f"{enough} voyages to end")


def ended() -> int:
    with suppress(DatabaseError, InterfaceError):
        return Run.objects.filter(procedure__name="voyage", status=RunStatus.SUCCEEDED).count()
    connection.close()
    return 0


def is_whole(run: Run) -> bool:
    run.refresh_from_db()
    [child] = Run.objects.filter(parent_wait__run=run)
    return (
        (run.status, run.result) == (RunStatus.SUCCEEDED, run.idempotency_key)
        and strict(run) == UNDISTURBED
        and strict(child) == ["step.succeeded errand"]
    )


def strict(run: Run) -> list[str]:
    return [line for line in journal_of(run) if line.startswith(STRICT)]


def effects_of(desk: Desk, weather: Weather) -> tuple[int, int, list[Effect]]:
    """The numbers of effects repeated before their commit and by a zombie, and all others."""
    kept = {
        f"{event.run_id}:{event.key}": event.content["result"]
        for event in Event.objects.filter(kind="step.succeeded")
    }
    repeated, late, twice = 0, 0, []
    seen: dict[str, Effect] = {}
    for effect in desk.lines:
        if effect.key not in seen:
            if effect.mark == kept[effect.key]:
                seen[effect.key] = effect
            else:
                repeated += 1
        elif weather.excuses(effect, seen[effect.key]):
            late += 1
        else:
            twice.append(effect)
    return repeated, late, twice
