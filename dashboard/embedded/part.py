"""The programs that make up the demo site, and their processes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from dashboard.environment.variables import CHECKOUT, Environment

LONGEST_LINE = 64 * 1024
CHUNK = 16 * 1024


@dataclass(frozen=True)
class Part:
    """A program that the supervisor starts, such as Redis or a worker."""

    name: str
    command: Sequence[str]
    noise: re.Pattern[str] = re.compile(r"^$")  # lines nobody needs to read
    is_last_to_end: bool = False  # the others need it to end well


class RunningPart:
    """A running program and its child processes; they form one session and are killed together."""

    def __init__(self, part: Part, variables: dict[str, str]) -> None:
        self.part = part
        self.started_at = time.monotonic()
        self.is_mute = False  # True once its output has ended
        self._rest = b""
        self._process = subprocess.Popen(  # noqa: S603
            part.command,
            cwd=CHECKOUT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        os.set_blocking(self.fileno(), False)

    @property
    def group(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def ending(self) -> str:
        code = self._process.wait()
        if code < 0:
            return f"was killed by signal {-code} ({signal.strsignal(-code)})"
        return f"exited with code {code}"

    def fileno(self) -> int:
        assert self._process.stdout
        return self._process.stdout.fileno()

    def terminate(self) -> None:
        """Send SIGTERM to the part's main process, which then ends its own child processes."""
        self._process.terminate()

    def kill(self) -> None:
        """Kill the processes of the session that are still alive."""
        with suppress(ProcessLookupError, PermissionError):  # macOS: only zombies are left
            os.killpg(self.group, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        assert self._process.stdout
        self._process.stdout.close()

    def new_lines(self) -> Iterator[str]:
        """Yield the lines that the part has printed since the last call.

        A line without a line break at its end is yielded only if it is very long, or if the part
        has closed its output.
        """
        output = self._rest + self._read()
        *lines, self._rest = output.split(b"\n")
        # A program that never ends its line must not fill the memory.
        if self.is_mute or len(self._rest) > LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            if text and not self.part.noise.search(text):
                yield text

    def _read(self) -> bytes:
        chunk = b""
        with suppress(BlockingIOError):
            chunk = os.read(self.fileno(), CHUNK)
            self.is_mute = not chunk
        return chunk


def variables_for(environment: Environment) -> dict[str, str]:
    """Return the environment variables for the parts; LOCAL_DIR among them is an absolute path."""
    quiet = "ignore:::celery.platforms"  # the warning to root is for servers
    return {
        **os.environ,
        "LOCAL_DIR": str(environment.LOCAL_DIR),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), quiet])),
    }


def python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *arguments)
