"""The damage to a storm's processes, one at a time, with its times."""

import os
import re
import resource
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import ClassVar

from django.db import connection, transaction

from procedures.conf import conf
from tests import machine
from tests.desk import Effect
from tests.postgres import PostgreSQL
from tests.processes import Process, Redis, Worker, wait_until

LEAST_FILE = 200 * 1024
"""Bytes: what is small is written also while the database finds no room."""
NO_ROOM = re.compile("disk I/O error|database or disk is full")
"""SQLite's words for a failed write."""


@dataclass
class Weather:
    """Does harm to two workers and what they need."""

    workers: list[Worker]
    clock: Worker
    redis: Redis
    chance: Random
    began: float = field(default_factory=time.monotonic)
    times: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """The damage done, and its seconds."""
    pauses: list[tuple[set[int], float]] = field(default_factory=list)
    """Processes that stood still, and since when."""

    KINDS: ClassVar = ("worker killed", "its processes killed", "worker paused", "Redis killed")

    def strike(self) -> None:
        """Something of everything before anything comes again."""
        kinds = [*self.KINDS, "clock killed", *self._of_the_database()]
        least = min(len(self.times[kind]) for kind in kinds)
        kind = self.chance.choice([one for one in kinds if len(self.times[one]) == least])
        self.times[kind].append(round(time.monotonic() - self.began))
        self._harm(kind)()

    def _harm(self, kind: str) -> Callable[[], None]:
        worker = self.chance.choice(self.workers)
        return {
            "worker killed": lambda: replace(worker),
            "its processes killed": worker.kill_slots,
            "worker paused": lambda: self._pause(worker),
            "Redis killed": lambda: replace(self.redis),
            "clock killed": lambda: replace(self.clock),
            "PostgreSQL killed": restart_postgres,
            "disk full": self._fill_disk,
        }[kind]

    def _of_the_database(self) -> list[str]:
        if connection.vendor == "sqlite":
            return ["disk full"]
        return ["PostgreSQL killed"] if machine.OWNS_POSTGRES else []

    def _pause(self, worker: Worker) -> None:
        """Beyond its lease, and as long as it takes the sweep to give its runs to the other."""
        self.pauses.append((set(worker.slots), time.time()))
        worker.pause()
        pass_time(conf.RUN_LEASE_SECONDS + 2)
        worker.go_on()

    def _fill_disk(self) -> None:
        with no_room_for([*self.workers, self.clock]):
            pass_time(3)

    def refused_writes(self) -> int:
        """The number of times that a worker or the clock reported a full disk."""
        logs = [process.log.read_text(errors="replace") for process in (*self.workers, self.clock)]
        return sum(len(NO_ROOM.findall(log)) for log in logs)

    def excuses(self, late: Effect, kept: Effect) -> bool:
        """Return True if the late worker stood still before another one took over and kept it."""
        return any(late.pid in pids and since < kept.at for pids, since in self.pauses)


def replace(process: Process) -> None:
    process.kill()
    process.start()


def restart_postgres() -> None:
    [server] = [one for one in Process.running if isinstance(one, PostgreSQL)]
    server.restart()
    connection.close()


@contextmanager
def still_database() -> Iterator[None]:
    """Nothing is kept inside the block; all who want it to be, wait."""
    if connection.vendor == "sqlite":
        with transaction.atomic():  # the one write lock there is
            yield
        return
    [server] = [one for one in Process.running if isinstance(one, PostgreSQL)]
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    pids = [server.pid, *map(int, children)]
    _signal_all(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal_all(pids, signal.SIGCONT)


def _signal_all(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def pass_time(seconds: float) -> None:
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > until)


@contextmanager
def no_room_for(workers: list[Worker]) -> Iterator[None]:
    """Files of theirs cannot grow: a full disk as any account can have it."""
    limit_files(workers, LEAST_FILE)
    try:
        yield
    finally:
        limit_files(workers, resource.RLIM_INFINITY)


def limit_files(workers: list[Worker], size: int) -> None:
    """The worker first: the processes it starts from then on have its limit."""
    for worker in workers:
        limit_files_of(worker.pid, size)
        for pid in worker.slots:
            with suppress(ProcessLookupError):
                limit_files_of(pid, size)


def limit_files_of(pid: int, size: int) -> None:
    _soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
