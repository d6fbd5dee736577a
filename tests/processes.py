"""Real processes for tests: servers, workers, the clock, the web."""

import atexit
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar

import pytest
import redis
from kombu.exceptions import OperationalError

from dashboard import celery_app
from dashboard.embedded.guard import Guard
from dashboard.embedded.servers import find_redis
from dashboard.environment.variables import CHECKOUT, read_environment
from tests import machine

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T],
    timeout: float = 30,
    *,
    what: str = "a condition",
    every: float = 0.02,
) -> T:
    """Return the condition's first true value. The only place of the tests that sleeps."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {timeout} s for {what}; the last value was {value!r}.")
        time.sleep(every)
    return value


def promised(seconds: float) -> float:
    """Return the bound of what the product promises in so many seconds.

    Beside other tests, on a machine that is busy with them, it is five times as long.
    """
    return seconds * (5 if "PYTEST_XDIST_WORKER" in os.environ else 1)


class Process:
    """A process group of its own. Its output goes to a file, appended to over restarts."""

    patience: ClassVar[float] = 120
    """Seconds until it must be ready: beside other work a start may take half a minute."""
    running: ClassVar[list["Process"]] = []
    _numbers = count(1)

    def __init__(self, name: str, *command: str | Path, **environment: str) -> None:
        self.name = f"{name}-{next(self._numbers)}"
        self.command = command
        self.environment = environment
        self.log = machine.FOLDER / f"{self.name}.log"
        self.options: dict[str, Any] = {"cwd": CHECKOUT}
        self._main: subprocess.Popen[bytes] | None = None
        self._life = -1
        self._begin = 0

    @property
    def pid(self) -> int:
        assert self._main, f"{self.name} was never started."
        return self._main.pid

    def start(self) -> Self:
        """Return when the process can be used."""
        # Every descendant holds the pipe's other end: it reads as closed when the last has died.
        self._life, held = os.pipe()
        with self.log.open("ab") as log:
            self._begin = log.tell()
            self._main = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE": "", **self.environment},
                pass_fds=[held],
                process_group=0,
                **self.options,
            )
        os.close(held)
        Process.running.append(self)
        guard().watch(self.pid)
        try:
            wait_until(self._is_up, timeout=self.patience, what=f"{self.name} to be ready")
        except TimeoutError:
            self.end()
            raise
        return self

    def stop(self, timeout: float = 15) -> None:
        """Ask it to end, and return when it and its children have."""
        assert self._main
        self._main.terminate()
        self._wait_for_the_end(timeout)

    def stop_group(self, timeout: float = 15) -> None:
        """Stop it like `stop`, with a signal that also reaches its children, like systemd's."""
        self._signal(signal.SIGTERM)
        self._wait_for_the_end(timeout)

    def kill(self) -> None:
        """End it and its children at once."""
        self._signal(signal.SIGKILL)
        self._wait_for_the_end(15)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        """Leave nothing of it, whatever became of it. Calling it twice is harmless."""
        if self not in Process.running:
            return
        self.go_on()
        try:
            self.stop(timeout=5)
        except TimeoutError:
            self.kill()

    def revive(self) -> None:
        """Have it running, whatever became of it."""
        if self.is_alive:
            self.go_on()
        else:
            self.end()
            self.start()

    @property
    def is_alive(self) -> bool:
        """Return True if it or a child of it lives."""
        return self in Process.running and not self._has_died(timeout=0)

    @property
    def output(self) -> str:
        """The output since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._begin)
            return log.read().decode(errors="replace")

    def is_ready(self) -> bool:
        return True

    def _is_up(self) -> bool:
        assert self._main
        if self._main.poll() is None:
            return self.is_ready()
        raise RuntimeError(f"{self.name} ended at its start:\n{self.output}")

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _has_died(self, timeout: float) -> bool:
        return bool(select.select([self._life], [], [], timeout)[0])

    def _wait_for_the_end(self, timeout: float) -> None:
        assert self._main
        if not self._has_died(timeout):
            raise TimeoutError(f"{self.name} still runs {timeout} s after it was to end.")
        self._main.wait()
        os.close(self._life)
        Process.running.remove(self)
        guard().forget(self.pid)


guard = cache(Guard)  # for a session that is killed


@atexit.register
def end_all() -> None:
    """Kill the processes of a session whose fixtures couldn't, after Ctrl-C twice."""
    for process in reversed(Process.running):
        process.kill()
    if guard.cache_info().currsize:
        guard().dismiss()


class Redis(Process):
    """A Redis that keeps nothing over a stop."""

    def __init__(self) -> None:
        socket_path = machine.FOLDER / "redis.sock"
        super().__init__(
            "redis",
            find_redis(read_environment()).path,
            "--port",
            "0",
            "--unixsocket",
            socket_path,
            "--save",
            "",
        )

    def is_ready(self) -> bool:
        with self.client() as client, suppress(redis.ConnectionError):
            return bool(client.ping())
        return False

    @contextmanager
    def client(self) -> Iterator[redis.Redis]:
        with redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as client:
            yield client

    def empty(self) -> None:
        """Forget the messages of the test before; the queues' bindings belong to their readers."""
        with self.client() as client:
            kept = set(client.keys("_kombu.binding.*"))
            if forgotten := set(client.keys()) - kept:
                client.delete(*forgotten)


class Worker(Process):
    """A Celery worker on one queue."""

    def __init__(
        self, queue: str, *options: str, app: str = "dashboard", **environment: str
    ) -> None:
        self.queue = queue
        self.node = f"{queue}-{machine.FOLDER.name}-{next(self._numbers)}@tests"
        celery = [sys.executable, "-m", "celery", "-A", app, "worker", "-n", self.node]
        lean = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=info"]
        told = ["-Q", queue, "-I", "tests.work_in_hand", *lean, *options]
        # A fifth of a worker's start: Celery has Django check the site, and ignores what is found.
        unchecked = {"CELERY_SKIP_CHECKS": "1", **environment}
        super().__init__(f"worker-{queue}", *celery, *told, **unchecked)

    def is_ready(self) -> bool:
        return f"{self.node} ready." in self.output

    @property
    def slots(self) -> list[int]:
        """The ids of the processes in which it works."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def kill_slots(self) -> None:
        """End the processes in which it works at once; it starts others."""
        for pid in self.slots:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take messages inside the block only. After it no work is in hand."""
        if not (self.is_alive and self._obeys("add_consumer", queues=1)):
            self.end()
            self.start()
        yield
        if not (self._obeys("cancel_consumer", queues=0) and self._finishes()):
            self.end()

    def told(self, command: str) -> Any:
        """Send a remote control command until it is answered, and return what was told."""
        return wait_until(lambda: self.ask(command), timeout=60, what=f"an answer to {command}")

    def ask(self, command: str, **arguments: str) -> Any:
        """Send a remote control command and return the answer, None when there is none in time."""
        with suppress(OperationalError, redis.ConnectionError):
            replies = celery_app.control.broadcast(
                command, arguments, [self.node], reply=True, timeout=1
            )
            return replies[0][self.node] if replies else None
        return None

    def _obeys(self, command: str, *, queues: int) -> bool:
        so_far = {"told": 0, "queues": queues}
        return is_soon(
            lambda: (
                self.ask(command, queue=self.queue) is not None
                and so_far.items() <= self._in_hand().items()
            )
        )

    def _finishes(self) -> bool:
        return is_soon(lambda: (one := self._in_hand()) and not any(one.values()))

    def _in_hand(self) -> dict[str, int]:
        return self.ask("work_in_hand") or {}


def is_soon(condition: Callable[[], Any]) -> bool:
    try:
        wait_until(condition, timeout=5)
    except TimeoutError:
        return False
    return True


def run_worker(concurrency: int = 2, **environment: str) -> Worker:
    return Worker("runs", "--pool=prefork", f"--concurrency={concurrency}", **environment)


def clock_worker(**environment: str) -> Worker:
    return Worker("clock", "--pool=solo", **environment)


def faketime(offset: str | Path) -> dict[str, str]:
    """Variables of a process on a host whose clock is off, by so much or as a file says."""
    found = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]
    if not found:
        pytest.skip("Debian's faketime is not installed: no other host's clock can be had.")
    how = "FAKETIME" if isinstance(offset, str) else "FAKETIME_TIMESTAMP_FILE"
    return {
        "LD_PRELOAD": str(found[0]),
        how: str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(CHECKOUT / "tests" / "other_clock"),
    }


class Site(Protocol):
    """Whatever serves the product at an address."""

    @property
    def url(self) -> str: ...


class Web(Process):
    """Daphne at an address of its own."""

    def __init__(self, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        daphne = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port)]
        super().__init__("web", *daphne, "dashboard.asgi:application", **environment)

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def run_python(code: str, *arguments: str, **environment: str) -> str:
    """The output of a process of its own, which must end well."""
    command = [sys.executable, "-c", code, *arguments]
    variables = {**os.environ, **environment}
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def processes_with(*words: str) -> dict[int, str]:
    """Every process whose command line or environment has one of the words, and that line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            said = command + (folder / "environ").read_text(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        if any(word in said for word in words):
            found[int(folder.name)] = command
    return found


held_ports: list[socket.socket] = []


def free_port() -> int:
    """Return a port that nothing else is given until the session ends.

    It is bound, which keeps it from all who take any port, and a server may listen there.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    held_ports.append(held)
    port: int = held.getsockname()[1]
    return port
