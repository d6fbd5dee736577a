"""`manage.py dev` as a person starts it, in a folder of its own."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

import httpx
import redis

from dashboard.embedded.servers import find_redis
from dashboard.environment.variables import CHECKOUT, Environment
from tests.processes import free_port, processes_with, wait_until

AUDITOR = "looks-on"
READY = "Ctrl-C stops everything."
PATIENCE = 120
"""Seconds for anything: a busy machine starts and ends a dozen interpreters slowly."""


def audited_redis(folder: Path) -> str:
    """Return a program that is the machine's Redis with one more user."""
    script = folder / "audited-redis"
    server = find_redis(Environment()).path
    user = f"--user auditor on '>{AUDITOR}' +acl +info"
    script.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {server} "$@"\nexec {server} "$@" {user}\n'
    )
    script.chmod(0o700)
    return str(script)


class Product:
    """The supervisor and everything under it."""

    def __init__(self, local: Path, **environment: str) -> None:
        self.local = local
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.log = local.with_name(f"{local.name}.log")
        bare = {k: v for k, v in os.environ.items() if k not in Environment.model_fields}
        own = {"LOCAL_DIR": str(local), "PORT": str(self.port), "WORKER_SLOTS": "1"}
        self.environment = {**bare, **own, **environment}
        self._main: subprocess.Popen[bytes] | None = None

    def launch(self) -> Self:
        with self.log.open("wb") as log:
            self._main = subprocess.Popen(
                [sys.executable, "manage.py", "dev"],
                cwd=CHECKOUT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def start(self) -> Self:
        self.launch()
        try:
            wait_until(self._is_up, timeout=PATIENCE, what=f"the product to start:\n{self.output}")
        except TimeoutError:
            self.end()
            raise
        return self

    def signal(self, number: signal.Signals) -> int:
        """Return the exit code once the supervisor has ended."""
        assert self._main
        self._main.send_signal(number)
        return self._main.wait(timeout=PATIENCE)

    def end(self) -> None:
        """Calling it twice is harmless."""
        if self._main and self._main.poll() is None:
            self.signal(signal.SIGTERM)

    def refusal(self) -> str:
        """Its output if it refuses to start."""
        refused = self.manage("dev")
        assert refused.returncode == 1
        assert all(line.startswith("redis ") for line in refused.stdout.splitlines())
        return refused.stderr

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.command("manage.py", *arguments, **environment)

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=CHECKOUT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    @property
    def output(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    @property
    def socket(self) -> Path:
        return self.local / "redis" / "redis.sock"

    def lines_of(self, name: str) -> list[str]:
        parted = (line.split(maxsplit=1) for line in self.output.splitlines() if line)
        return [words[1] for words in parted if len(words) > 1 and words[0] == name]

    def processes(self) -> dict[int, str]:
        """Every process that was started with this folder, with its command line."""
        return processes_with(f"{self.local}/", f"LOCAL_DIR={self.local}\0")

    @contextmanager
    def auditor(self) -> Iterator[redis.Redis]:
        """Connect to the `audited_redis` of a product as the one who may read all refusals."""
        with redis.Redis.from_url(f"unix://auditor:{AUDITOR}@{self.socket}") as client:
            yield client

    def messages_sent(self) -> int:
        with self.auditor() as client:
            commands: dict[str, dict[str, int]] = client.info("commandstats")
        return commands.get("cmdstat_lpush", {"calls": 0})["calls"]

    def swept_at(self) -> str:
        """The time at which its clock last noted that it sweeps; "" before it ever did."""
        with closing(sqlite3.connect(self.local / "countersign.sqlite3", timeout=30)) as database:
            rows = database.execute(
                "SELECT swept_at FROM countersign_procedures_installation"
            ).fetchall()
        return str(rows[0][0] or "") if rows else ""

    def main_process_of(self, words: str) -> int:
        return min(pid for pid, command in self.processes().items() if words in command)

    @contextmanager
    def signed_in(self, name: str) -> Iterator[httpx.Client]:
        link = self.manage("sign_in_link", name).stdout.strip()
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=PATIENCE) as client:
            assert client.get(link).status_code == 200
            token = client.cookies["csrftoken"]
            assert client.post(link, data={"csrfmiddlewaretoken": token}).status_code == 200
            yield client

    def _is_up(self) -> bool:
        assert self._main
        if self._main.poll() is not None:
            raise RuntimeError(f"The product ended at its start:\n{self.output}")
        return READY in self.output
