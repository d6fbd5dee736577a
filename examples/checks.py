"""Checks: commands that run in separate processes, and whose output is saved."""

import codecs
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from procedures.engine import File, Step

PATIENCE = 30 * 60
"""The maximum duration of a check in seconds."""
LOOK = 0.25
"""The longest wait for output, and the pause after the output was closed, in seconds."""
MOST_OUTPUT = 1_000_000
"""The maximum number of bytes of output to save.

The last bytes are saved, because they report faults.
"""
CHUNK = 64 * 1024
MOST_LEFT = 64
"""The maximum number of reads after a command's end, if another process keeps writing output."""
TAIL_LINES, LONGEST_TAIL = 20, 2000
PASSED_ON = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "no_proxy"),
}
"""The worker's environment variables that a check gets; the others may hold secrets."""
WATCHED = """
import os, signal, subprocess, sys, threading

def end_with_the_worker():
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)

threading.Thread(target=end_with_the_worker, daemon=True).start()
try:
    status = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL)
except OSError as error:
    print(f"{sys.argv[1]} can't be started: {error.strerror}", flush=True)
    status = 127
if status < 0:
    os.kill(os.getpid(), -status)
os._exit(status)
"""
"""A Python program that runs a command, and kills the command once the worker has ended.

The worker's end closes the standard input of this program.
"""
ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b.")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Checked:
    """The outcome of a check."""

    name: str
    passed: bool
    ending: str
    """The end of a sentence: "passed in 3.1 s", or "failed with exit status 2 after 3.1 s"."""
    tail: str
    """The last lines of the output."""
    output: File

    @property
    def sentence(self) -> str:
        return f"The check “{self.name}” {self.ending}."


class Output:
    """The output of a command.

    Each line is reported as progress, and the last megabyte is saved.
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._kept = bytearray()
        self._size = 0
        self._line = ""

    def take(self, chunk: bytes) -> None:
        self._size += len(chunk)
        self._kept += chunk
        # The output is cut only when it is twice as long as the limit, so that a chunk costs almost
        # nothing.
        if len(self._kept) > 2 * MOST_OUTPUT:
            del self._kept[:-MOST_OUTPUT]
        lines = (self._line + cleaned(self._decoder.decode(chunk))).split("\n")
        self._line = lines.pop()[-LONGEST_TAIL:]
        for line in lines:
            self._step.progress(line)
        self._step.progress()

    def end(self) -> str:
        """Return the saved output as text.

        If earlier output was dropped, the first line says how much.
        """
        if self._line.strip():
            self._step.progress(self._line)
        kept = bytes(self._kept[-MOST_OUTPUT:])
        text = cleaned(kept.decode(errors="replace"))
        left_out = self._size - len(kept)
        return f"(the first {left_out:,} bytes are omitted)\n{text}" if left_out else text


def run_check(name: str, command: str, folder: Path, step: Step) -> Checked:
    """Run the command in the folder without a shell, and return the outcome of the check.

    Before this function returns, it kills all processes that still run in the command's process
    group.
    """
    output, begin = Output(step), time.monotonic()
    with _started(shlex.split(command), folder) as process:
        ending = _follow(process, output, until=begin + PATIENCE)
    took = f"{time.monotonic() - begin:.1f} s"
    text = output.end()
    passed = ending == ""
    words = f"passed in {took}" if passed else ending.format(took=took)
    file = File.keep("check-output.txt", text, content_type="text/plain; charset=utf-8")
    return Checked(name, passed, words, tail_of(text), file)


def cleaned(text: str) -> str:
    """Return the text without colours and other control sequences."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return CONTROL.sub("", ESCAPE.sub("", plain))


def tail_of(text: str) -> str:
    return "\n".join(text.rstrip().splitlines()[-TAIL_LINES:])[-LONGEST_TAIL:]


@contextmanager
def _started(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    passed_on = {name: value for name, value in os.environ.items() if name in PASSED_ON}
    process = subprocess.Popen(  # noqa: S603 (no shell; the command is the site's own)
        [sys.executable, "-I", "-c", WATCHED, *command],
        cwd=folder,
        env={**passed_on, "PYTHONUNBUFFERED": "1"},  # so that output isn't held back
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # The command gets a process group of its own, which is killed as a whole, so that nothing
        # that the check has started outlives it.
        start_new_session=True,
    )
    assert process.stdin
    assert process.stdout
    os.set_blocking(process.stdout.fileno(), False)
    try:
        yield process
    finally:
        _kill(process)
        process.wait()
        process.stdin.close()
        process.stdout.close()


def _follow(process: subprocess.Popen[bytes], output: Output, *, until: float) -> str:
    """Read the output until the command ends; return "" if it succeeded, else a phrase.

    The phrase says how the command failed, and contains `{took}` in place of the duration.
    """
    while not _has_ended(process):
        if time.monotonic() > until:
            return "was still running after {took}, so it was stopped"
        if not _read(process, output):
            time.sleep(LOOK)  # its output has ended, but it hasn't
    _kill(process)
    for _ in range(MOST_LEFT):
        if not _read(process, output):
            break
    # The process is reaped only now. After that, another process may get its pid, and that one's
    # group would be killed.
    status = process.wait()
    if status < 0:
        return f"was killed by signal {-status} after {{took}}"
    return f"failed with exit status {status} after {{took}}" if status else ""


def _read(process: subprocess.Popen[bytes], output: Output) -> bool:
    """Wait briefly for output, and pass it on. Return False once the output has been closed."""
    assert process.stdout
    ready, _, _ = select.select([process.stdout], [], [], LOOK)
    chunk = os.read(process.stdout.fileno(), CHUNK) if ready else b""
    output.take(chunk)
    return bool(chunk) or not ready


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return True if the process has ended.

    The process isn't reaped, so that the system doesn't give its pid to another process.
    """
    return bool(os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill all processes in the process group that `process` leads."""
    # Once the process has been reaped, another process may have its pid.
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
