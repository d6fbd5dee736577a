"""absurd, a durable workflow system on PostgreSQL, with the same work as `bench.starts`.

It has a database of its own on the same server. Its processes are `bench.absurd_tasks`, run by the
interpreter of an environment that has absurd-sdk and absurdctl.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.site import create_database


class Round(NamedTuple):
    """The seconds until the last run has ended, and until it was started.

    Also the seconds of processor time of the process that starts the runs.
    """

    ended: float
    started: float
    processor: float


class Absurd:
    """Two workers of absurd, and a process that spawns tasks for them."""

    def __init__(self, python: Path, url: str) -> None:
        from dashboard.environment.variables import CHECKOUT
        from tests.processes import Process

        command = (python, "-m", "bench.absurd_tasks")
        self.workers = Process("absurd", *command, "work", url)
        self.spawner = subprocess.Popen(  # noqa: S603 (whoever measures names the interpreter)
            [*command, "spawn", url],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def carry(self, tasks: int) -> Round:
        """Spawn tasks, and return when they have ended.

        The workers run only meanwhile: while there is nothing to do, they look for it all the time.
        """
        assert self.spawner.stdin
        assert self.spawner.stdout
        self.workers.go_on()
        print(tasks, file=self.spawner.stdin, flush=True)
        line = self.spawner.stdout.readline()
        self.workers.pause()
        assert line, f"absurd has ended: {self.workers.output}"
        return Round(*json.loads(line))


@contextmanager
def running(python: Path) -> Iterator[Absurd]:
    """Create absurd's database and start its processes; the context ends them."""
    from tests import machine

    url = f"{machine.DATABASE_URL}_absurd"
    create_database(url)
    for command in ("init", "create-queue bench"):
        run_absurdctl(python, command, url)
    with ExitStack() as stack:
        absurd = Absurd(python, url)
        stack.enter_context(absurd.spawner)
        stack.callback(absurd.spawner.terminate)
        stack.callback(absurd.workers.kill)
        absurd.workers.start()
        yield absurd


def run_absurdctl(python: Path, command: str, url: str) -> None:
    from tests.postgres import PostgreSQL

    # absurdctl needs psql, which is beside the server.
    path = f"{PostgreSQL().binaries}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(  # noqa: S603 (as above)
        [python.with_name("absurdctl"), *command.split(), "-d", url],
        env={**os.environ, "PATH": path},
        stdout=subprocess.DEVNULL,
        check=True,
    )
