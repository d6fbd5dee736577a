"""A guard process, which kills the product's parts if their supervisor was killed.

The guard runs as a separate script. It reads lines such as `+4711`, which adds a process group, and
`-4711`, which removes the group, from a pipe. When the supervisor dies, even by SIGKILL, the pipe
closes. Then the guard kills all groups that were added and not removed. Unlike a parent-death
signal, this works on every Unix and reaches grandchildren.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress


class Guard:
    """The supervisor's end of the pipe to the guard."""

    def __init__(self) -> None:
        # A session of its own, so that Ctrl-C in the terminal, which reaches the whole group, does
        # not end the guard first.
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, __file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def watch(self, group: int) -> None:
        self._tell(f"+{group}")

    def forget(self, group: int) -> None:
        self._tell(f"-{group}")

    def dismiss(self) -> None:
        with suppress(BrokenPipeError):
            self._process.communicate()

    def _tell(self, line: str) -> None:
        assert self._process.stdin
        with suppress(BrokenPipeError):  # a killed guard is a loss, no reason to stop
            print(line, file=self._process.stdin, flush=True)


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line.startswith("+") else groups.discard
        change(int(line[1:]))
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
