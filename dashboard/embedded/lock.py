"""A lock that allows only one running product per checkout."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboard.embedded.errors import StartError

LOCK = "dev.lock"


@contextmanager
def only_one(folder: Path, address: str) -> Iterator[None]:
    """Hold the lock of a folder inside the block, and write the product's address into its file.

    If the product is killed, the kernel releases the lock. Raises `StartError` if the product is
    already running from this folder, or if the lock file can't be written.
    """
    path = folder / LOCK
    try:
        # Not "w": the file of a running product must not be emptied before the lock is held.
        file = path.open("a+")
    except OSError as error:
        raise StartError(f"{path} can't be written: {error.strerror}.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise StartError(
                f"Countersign is already running here as process {file.readline().strip()}. "
                "Use it, or stop it first."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n{address}\n")
        file.flush()
        yield


def running_address(folder: Path) -> str | None:
    """Return the address of the instance that runs from that folder, or None."""
    try:
        file = (folder / LOCK).open()
    except OSError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return "".join(file.readlines()[1:]).strip() or None
    return None
