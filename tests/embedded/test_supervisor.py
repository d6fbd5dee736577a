"""The supervisor over parts that do not behave."""

import os
import signal
import sys
import threading
import weakref
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from dashboard.embedded.errors import StartError, StopRequested
from dashboard.embedded.log import Log
from dashboard.embedded.part import LONGEST_LINE, Part
from dashboard.embedded.supervisor import Supervisor
from tests.embedded.product import PATIENCE
from tests.processes import wait_until

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def output() -> StringIO:
    return StringIO()


@pytest.fixture
def supervisor(output: StringIO) -> Iterator[Supervisor]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        with Supervisor(Log(output), {**os.environ}) as supervisor:
            yield supervisor
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def part(code: str) -> Part:
    return Part("part", (sys.executable, "-c", code))


def watch_until(supervisor: Supervisor, text: str, output: StringIO) -> None:
    """Press Ctrl-C once the log says so."""

    def press() -> None:
        try:
            wait_until(lambda: text in output.getvalue(), timeout=PATIENCE, what=text)
        finally:  # the watch below would not end without it
            os.kill(os.getpid(), signal.SIGINT)

    finger = threading.Thread(target=press)
    finger.start()
    with pytest.raises(StopRequested):
        supervisor.watch()
    finger.join()
    assert text in output.getvalue()


def test_the_pause_grows_while_a_part_keeps_crashing(
    supervisor: Supervisor, output: StringIO
) -> None:
    supervisor.start(part("raise SystemExit(3)"))

    watch_until(supervisor, "in 3 s", output)

    assert output.getvalue().splitlines()[:3] == [
        "part    exited with code 3; restarting now",
        "part    exited with code 3; restarting in 1 s",
        "part    exited with code 3; restarting in 3 s",
    ]


def test_a_part_that_cannot_be_started_again_is_tried_again(
    supervisor: Supervisor, output: StringIO, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\nrm $0\n")
    script.chmod(0o700)
    supervisor.start(Part("part", (str(script),)))

    watch_until(supervisor, "No such file", output)

    assert "part    can't be run (No such file or directory); restarting in 1 s" in (
        output.getvalue().splitlines()
    )


def test_a_part_that_is_never_ready_stops_the_start(supervisor: Supervisor) -> None:
    slow = part("import time; time.sleep(60)")

    with pytest.raises(StartError, match="The process part wasn't ready"):
        supervisor.start_and_wait(slow, lambda: False, seconds=0.2)


def test_ctrl_c_interrupts_what_may_be_interrupted(supervisor: Supervisor) -> None:
    with pytest.raises(StopRequested), supervisor.interruptible():
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_interrupts_also_where_python_drops_what_is_raised(supervisor: Supervisor) -> None:
    """A signal that comes in the callback of a weak reference, as at the end of an import."""
    told: list[object] = []

    def press_and_wait() -> None:
        imported = {"module"}
        reference = weakref.ref(imported, lambda _: signal.raise_signal(signal.SIGINT))
        del imported
        told.append(reference())
        threading.Event().wait(PATIENCE)
        told.append("was not interrupted")

    with pytest.raises(StopRequested), supervisor.interruptible():
        press_and_wait()

    assert told == [None]


def test_what_else_python_drops_is_printed_as_ever(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[BaseException | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: printed.append(dropped.exc_value))
    thing = {"thing"}
    reference = weakref.ref(thing, lambda _: int("no number"))

    with supervisor.interruptible():
        del thing

    assert reference() is None
    assert [type(error) for error in printed] == [ValueError]


def test_last_words_are_printed(supervisor: Supervisor, output: StringIO) -> None:
    supervisor.start(part("print('first'); print('last', end='')"))

    watch_until(supervisor, "restarting", output)

    assert output.getvalue().splitlines()[:2] == ["part    first", "part    last"]


def test_an_endless_line_is_cut(supervisor: Supervisor, output: StringIO) -> None:
    supervisor.start(part(f"print('x' * {3 * LONGEST_LINE})"))

    watch_until(supervisor, "restarting", output)

    longest = max(len(line) for line in output.getvalue().splitlines())
    assert LONGEST_LINE < longest < 2 * LONGEST_LINE


def test_a_part_that_does_not_listen_is_killed(output: StringIO, supervisor: Supervisor) -> None:
    deaf = "import os, signal, time; signal.signal(15, signal.SIG_IGN); "
    supervisor.start(part(deaf + "print('deaf', os.getpid(), flush=True); time.sleep(60)"))
    watch_until(supervisor, "deaf", output)
    pid = int(output.getvalue().split()[-1])

    supervisor.__exit__(None, None, None)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
