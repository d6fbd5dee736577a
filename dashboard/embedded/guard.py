"""A guard process that ends the product's parts if their supervisor was killed.

It runs as a separate script. It reads lines like `+group` and `-group` until the supervisor's end
of the pipe closes, even by SIGKILL or lack of memory. Then it kills the process groups that are
left. Unlike a parent-death signal, this works on every Unix and reaches grandchildren.
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
