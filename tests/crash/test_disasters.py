"""Everything that ends a worker or takes its storage away, while ten runs are inside their steps.

By default one blow of one kind; `-m soak` deals one of each kind, and many at random moments.
"""

import os
import resource
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from random import Random, randrange
from typing import ClassVar

import pytest
from _pytest.mark import ParameterSet
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, connection, transaction

from chat.models import HumanRequest
from procedures.engine.journal.events import RunStatus
from procedures.files import MARK
from procedures.models import Event, Installation, Run
from tests import machine
from tests.conftest import StartClock, StartWorker
from tests.crash.disasters import ENOUGH
from tests.crash.weather import limit_files, pass_time, restart_postgres, still_database
from tests.desk import Desk, Effect
from tests.processes import Worker, wait_until
from tests.runs import answer, start

RUNS, LEGS, LEGS_OF_SOAK = 10, 2, 1000
"""The runs, and the legs of each. In a soak, the legs outlast the blows, and it ends the runs."""
LEASE = 6
"""Seconds: beside other work a process may stand still for two, and lose its runs by that."""
ROOM = 48 * 1024**2
"""Bytes of the file store's own small file system."""
HARMLESS = {"worker told to stop", "database stands still"}
"""Blows that take no run from its worker."""
PAUSE = "worker stopped and continued"


@dataclass
class Blow:
    """The damage done to some processes, with its times."""

    kind: str
    pids: set[int]
    began: float
    ended: float = field(default_factory=time.time)

    def __str__(self) -> str:
        return f"{self.kind} {self.began:.2f} to {self.ended:.2f}"

    def explains(self, effect: Effect, then: Effect, effects: Sequence[Effect]) -> bool:
        """Say whether this may be why a step had both effects, the second after the first.

        A process that was stopped has the effect of its step when it goes on: before or after
        that of the process which began the step again.
        """
        is_cut = self._hits(effect, effects) and self.began <= then.at
        is_late = self.kind == PAUSE and self._hits(then, effects)
        return is_cut or (is_late and self.began <= effect.at)

    def _hits(self, effect: Effect, effects: Sequence[Effect]) -> bool:
        """Say whether its process was hit, and had no effect since that came before this one."""
        if effect.pid not in self.pids or self.kind in HARMLESS:
            return False
        later = [one.at for one in effects if one.pid == effect.pid and one.at > self.ended]
        return effect.at <= min(later, default=self.ended)


@dataclass
class Site:
    """A pool of workers with ten runs at work, and what harms it."""

    workers: list[Worker]
    clock: Worker
    restart: Callable[[], Worker]
    chance: Random
    files: Path
    dave: User
    dealt: list[Blow] = field(default_factory=list)

    KINDS: ClassVar = (
        "group told to stop",
        "worker told to stop",
        "worker killed",
        "slots killed",
        PAUSE,
        "file store full",
        "file store away",
        "database full",
        "database stands still",
    )
    USUAL: ClassVar = ("group told to stop",)
    """The share of the ordinary suite: it beats no lease, however busy the machine is."""

    def strike(self, kind: str) -> None:
        """One blow, at a random moment."""
        pass_time(self.chance.uniform(0.1, 0.8))
        number = self.chance.randrange(len(self.workers))
        worker = self.workers[number]
        hit = self.workers if "store" in kind or "database" in kind else [worker]
        pids, began = slots_of(hit), time.time()
        self._blow(kind, worker)()
        self.dealt.append(Blow(kind, pids | slots_of(hit), began))
        if not worker.is_alive:
            self.workers[number] = self.restart()
        self.settle_doubts()

    def unexcused(self, effects: Sequence[Effect]) -> list[str]:
        """The steps that were begun again more often than blows have cut them off."""
        attempts: dict[str, list[Effect]] = {}
        for effect in sorted(effects, key=attrgetter("at")):
            attempts.setdefault(effect.key, []).append(effect)
        return [
            f"{key}: {[one.mark for one in them]}, {[str(one) for one in self.dealt]}"
            for key, them in attempts.items()
            if self._is_begun_too_often(them, effects)
        ]

    def _is_begun_too_often(self, attempts: list[Effect], effects: Sequence[Effect]) -> bool:
        """Each attempt but one needs a blow of its own."""
        left = list(self.dealt)
        for effect, then in pairwise(attempts):
            blow = next((one for one in left if one.explains(effect, then, effects)), None)
            if blow is None:
                return True
            left.remove(blow)
        return False

    def _blow(self, kind: str, worker: Worker) -> Callable[[], None]:
        blows: dict[str, Callable[[], None]] = {
            "group told to stop": worker.stop_group,
            "worker told to stop": worker.stop,
            "worker killed": worker.kill,
            "slots killed": worker.kill_slots,
            PAUSE: lambda: self._pause(worker),
            "file store full": self._fill_files,
            "file store away": self._take_files_away,
            "database full": self._fill_database,
            "database stands still": self._hold_database,
        }
        return blows[kind]

    def _pause(self, worker: Worker) -> None:
        worker.pause()
        pass_time(LEASE + 2)
        worker.go_on()

    def _fill_files(self) -> None:
        with self._no_room_for_files():
            pass_time(self.chance.uniform(2, 4))

    def _take_files_away(self) -> None:
        with self._no_files():
            pass_time(self.chance.uniform(2, 4))

    def settle_doubts(self) -> None:
        """Operators say of each step in doubt that it happened, and with which result."""
        with suppress(DatabaseError, InterfaceError):
            for request in HumanRequest.objects.open():
                is_doubt = request.kind == "choice"
                answer(request, value="happened" if is_doubt else '"said"', by=self.dave)

    @contextmanager
    def _no_room_for_files(self) -> Iterator[None]:
        if os.path.ismount(self.files):
            filler = self.files / "filler"
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while file.write(bytes(4096)):
                    pass
            yield
            filler.unlink()
            return
        limit_files(self.workers, 1024)  # no file system can be mounted here
        yield
        limit_files(self.workers, resource.RLIM_INFINITY)

    @contextmanager
    def _no_files(self) -> Iterator[None]:
        """Leave an empty folder, as after a volume was unmounted."""
        folder = self.files / "artifacts"
        folder.mkdir(exist_ok=True)
        away = folder.with_name("away")
        folder.rename(away)
        yield
        subprocess.run(["cp", "-r", "-n", f"{folder}/.", str(away)], check=False)  # noqa: S607
        subprocess.run(["rm", "-rf", str(folder)], check=True)  # noqa: S607
        away.rename(folder)

    def _hold_database(self) -> None:
        with still_database():
            pass_time(LEASE + 2)

    def _fill_database(self) -> None:
        if connection.vendor == "postgresql":
            restart_postgres()
            return
        limit_files([*self.workers, self.clock], 200 * 1024)
        pass_time(3)
        limit_files([*self.workers, self.clock], resource.RLIM_INFINITY)


def slots_of(workers: list[Worker]) -> set[int]:
    return {pid for one in workers if one.is_alive for pid in one.slots}


@pytest.fixture
def file_system(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, where one can be mounted."""
    folder = tmp_path / "local"
    (folder / "files").mkdir(parents=True)
    with ExitStack() as stack:
        options = ["-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder / "files")]
        if subprocess.run(["mount", *options], check=False).returncode == 0:  # noqa: S607
            stack.callback(subprocess.run, ["umount", "-l", str(folder / "files")], check=True)
        yield folder


@pytest.fixture
def site(
    worker: StartWorker, clock: StartClock, file_system: Path, alice: User, dave: User, desk: Desk
) -> Site:
    variables = {
        "LOCAL_DIR": str(file_system),
        "STORAGE_PATIENCE_SECONDS": "2",
        "LARGE_VALUE_BYTES": "1024",
        "RUN_LEASE_SECONDS": str(LEASE),
        "PROCEDURE_MODULES": "tests.crash.disasters",  # each slot imports them, also a new one
    }

    (file_system / "files" / MARK).write_text(Installation.current().store)  # the site's own store

    def start_worker() -> Worker:
        return worker(concurrency=5, **variables)

    return Site(
        [start_worker(), start_worker()],
        clock(**variables),
        start_worker,
        Random(randrange(10**6)),  # noqa: S311 (no secret)
        file_system / "files",
        dave,
    )


def check(site: Site, runs: list[Run], desk: Desk) -> int:
    """Nothing failed, nothing was undone, nothing that was kept ran again; how many legs."""

    def have_ended() -> bool:
        site.settle_doubts()
        return ended(runs)

    wait_until(have_ended, timeout=240, what="all to end", every=0.2)
    legs = 0
    for run in runs:
        kept = Counter(run.events.filter(kind="step.succeeded").values_list("key", flat=True))
        assert set(kept.values()) == {1}, "a committed step ran again"
        legs += sum(key.partition("#")[0] == "row" for key in kept)
        assert not run.events.filter(kind__in=["step.failed", "run.failed"]).exists()
    effects = Counter(effect.key for effect in desk.lines)
    assert not [key for key in effects if "undo" in key]
    once = [count for key, count in effects.items() if ":once" in key]
    assert set(once) <= {1}, "a step was repeated that happens once"
    rows = Counter(LogEntry.objects.values_list("object_repr", flat=True))
    assert len(rows) == legs
    assert set(rows.values()) == {1}, "a transaction step happened more or less than once"
    assert site.unexcused(desk.lines) == [], "begun again more than once for a blow"
    assert len([key for key in effects if ":once" not in key]) == legs * 3
    steps = {(effect.key.partition(":")[0], effect.name) for effect in desk.lines}
    assert len(steps) == len(effects), "a step with two idempotency keys"
    marks: dict[str, set[str]] = {}
    for effect in desk.lines:
        marks.setdefault(effect.key, set()).add(effect.mark)
    for event in Event.objects.filter(kind="step.succeeded", key__startswith="plain"):
        mark = event.content["result"]
        assert mark in marks[f"{event.run_id}:{event.key}"]
    return legs


def ended(runs: list[Run]) -> bool:
    with suppress(DatabaseError, InterfaceError):
        statuses = set(
            Run.objects.filter(pk__in=[run.pk for run in runs]).values_list("status", flat=True)
        )
        bad = {RunStatus.FAILED, RunStatus.QUARANTINED, RunStatus.CANCELLED} & statuses
        assert not bad, [(run.status, run.error) for run in Run.objects.filter(status__in=bad)]
        return statuses == {RunStatus.SUCCEEDED}
    connection.close()
    return False


def start_runs(desk: Desk, alice: User, legs: int) -> list[Run]:
    with transaction.atomic():  # else each start waits for the steps that hold SQLite's one lock
        return [start("journey", folder=desk.folder, legs=legs, by=alice) for _ in range(RUNS)]


def kinds_here() -> list[str]:
    """The blows that may be dealt to this database."""
    is_ours = connection.vendor == "sqlite" or machine.OWNS_POSTGRES
    return [kind for kind in Site.KINDS if is_ours or not kind.startswith("database")]


def rarely(kind: str) -> ParameterSet:
    return pytest.param(kind, marks=() if kind in Site.USUAL else pytest.mark.soak)


@pytest.mark.parametrize("kind", [rarely(kind) for kind in Site.KINDS])
def test_one_blow_among_ten_runs_fails_undoes_and_repeats_nothing(
    kind: str, site: Site, desk: Desk, alice: User
) -> None:
    if kind not in kinds_here():
        pytest.skip("The server is not ours to end.")
    runs = start_runs(desk, alice, LEGS)
    wait_until(lambda: len(desk.lines) >= RUNS, timeout=60, what="all to be at work")
    site.strike(kind)
    assert check(site, runs, desk) == RUNS * LEGS


@pytest.mark.soak
def test_many_blows_at_random_moments_fail_undo_and_repeat_nothing(
    site: Site, desk: Desk, alice: User, tell: Callable[[str], None]
) -> None:
    runs = start_runs(desk, alice, LEGS_OF_SOAK)
    wait_until(lambda: len(desk.lines) >= RUNS, timeout=60, what="all to be at work")
    kinds = [kind for kind in kinds_here() for _ in range(3)]
    site.chance.shuffle(kinds)
    for kind in kinds:
        site.strike(kind)
        assert not ended(runs)
    Path(desk.folder, ENOUGH).touch()
    check(site, runs, desk)
    effects = Counter(effect.key for effect in desk.lines)
    dealt = Counter(blow.kind for blow in site.dealt)
    tell(f"{len(site.dealt)} blows on {connection.vendor}: {dict(dealt)}")
    tell(f"  {len(desk.lines)} effects, {len(effects)} keys, at most {max(effects.values())} each")
