"""One product a checkout."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboard.embedded.errors import StartError


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """The lock is the kernel's, so a killed product leaves none behind."""
    path = folder / "dev.lock"
    try:
        file = path.open("a+")
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise StartError(
                f"Countersign already runs here as process {file.read().strip()}: "
                "use it, or stop it first."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
