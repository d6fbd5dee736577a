"""The demo site's own Redis server, on a private Unix socket."""

import os
import re
import socket
import stat
import time
from contextlib import suppress
from pathlib import Path

from dashboard.embedded.errors import StartError
from dashboard.embedded.part import Part
from dashboard.embedded.servers import Server
from dashboard.environment.variables import Environment, redis_socket

NOISE = re.compile(
    r"is starting|version=|Configuration loaded|Server initialized|overcommit_memory"
    r"|SIGTERM|requested shutdown|ready to exit"
)
PATIENCE = 5  # seconds the Redis of a killed supervisor has to vanish


def redis_part(environment: Environment, server: Server) -> Part:
    """Return the part that runs Redis.

    This Redis saves nothing to disk, because Celery's messages carry no state.
    """
    path = redis_socket(environment.LOCAL_DIR)
    make_private(path.parent)
    remove_stale(path)
    options = {
        "--port": "0",
        "--unixsocket": str(path),
        "--unixsocketperm": "700",
        "--dir": str(path.parent),
        "--save": "",
        "--appendonly": "no",
        "--loglevel": "warning",
    }
    words = (word for option in options.items() for word in option)
    command = (server.path, *words, *server.access)
    return Part("redis", command, noise=NOISE, is_last_to_end=True)


def make_private(folder: Path) -> None:
    """Create a folder that only its owner can open, for the socket of Redis.

    This Redis has no password, so everybody who can open the socket can use Redis. Raises
    `StartError` if the folder can't be created, or exists and others can open it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # `lstat` doesn't follow links: a link that somebody else has created would pass the check
        # by the permissions of its target.
        facts = folder.lstat()
    except OSError as error:
        raise StartError(f"The folder {folder} can't be created: {error.strerror}.") from None
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        raise StartError(
            f"{folder} must be a folder that only you can open. Remove it, then start again."
        )


def remove_stale(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while is_listening(path):
        if time.monotonic() > deadline:
            raise StartError(f"Another Redis is listening on {path}. Stop it first.")
        time.sleep(0.05)
    with suppress(FileNotFoundError):
        path.unlink()


def leave_no_folder(local: Path) -> None:
    """Remove the socket and its folder, if they are outside the folder `local`.

    They are outside if a path inside `local` would be too long for a Unix socket.
    """
    path = redis_socket(local)
    if not path.is_relative_to(local):
        with suppress(OSError):
            path.unlink(missing_ok=True)
            path.parent.rmdir()


def is_listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
