"""The tests that are tried a second time, and the errors after which they are."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard.environment.variables import CHECKOUT
from tests.second_tries import may_be_repeated

CONFTEST = """
import pytest
from tests.second_tries import allow_second_try, repeated

def pytest_itemcollected(item):
    allow_second_try(item)

def pytest_terminal_summary(terminalreporter):
    for line in repeated(terminalreporter.stats.get("rerun", ())):
        terminalreporter.write_line(f"REPEATED {line}")

@pytest.fixture(scope="module")
def lives():
    return []

@pytest.fixture
def start(lives):
    lives.append("started")
    yield lives
    lives.append("ended")
"""
TESTS = """
import pytest
from httpx import ReadTimeout
from playwright.sync_api import TimeoutError as BrowserTimeoutError
from tests.processes import wait_until

def fall(error):
    try:
        wait_until(lambda: False, timeout=0, what="the run")
    except TimeoutError as late:
        raise error from late

@pytest.mark.parametrize("error", [ReadTimeout("late"), BrowserTimeoutError("late"), None])
def test_waits(start, error):
    begun = start.count("started")
    assert begun == start.count("ended") + 1
    if begun % 2:
        if error:
            raise error
        wait_until(lambda: False, timeout=0, what="the run")

def test_asserts(start):
    assert False, "TimeoutError: Waited 5 s for the run"

def test_asserts_after_a_wait(start):
    fall(AssertionError("It came too late."))

def test_another_timeout(start):
    raise TimeoutError("The run took longer than its timeout.")

def test_without_processes():
    wait_until(lambda: False, timeout=0, what="the run")
"""


def item(*fixtures: str, path: str = "crash/test_locks.py", soak: bool = False) -> Any:
    marks = {"soak": object()} if soak else {}
    return SimpleNamespace(fixturenames=fixtures, path=Path(path), get_closest_marker=marks.get)


@pytest.mark.parametrize(
    "fixture", ["start", "start_for_module", "shared_web", "shared_clock", "product", "browser"]
)
def test_what_waits_for_processes_may_be_repeated(fixture: str) -> None:
    assert may_be_repeated(item("alice", fixture))
    assert not may_be_repeated(item("alice", fixture, soak=True))


@pytest.mark.parametrize(
    "path", ["tests/storm/test_live_storm.py", "tests/integration/test_answer_races.py"]
)
def test_what_looks_for_races_is_not_repeated(path: str) -> None:
    assert not may_be_repeated(item("start", path=path))


def test_what_starts_no_process_is_not_repeated() -> None:
    assert not may_be_repeated(item("alice", "shared_redis"))


@pytest.mark.slow
def test_only_a_wait_that_timed_out_is_repeated_with_new_processes(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_shop.py").write_text(TESTS)
    left_out = [word for one in ("django", "randomly") for word in ("-p", f"no:{one}")]
    spread = ["--dist=worksteal", "--numprocesses=1"]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *left_out, *spread],
        cwd=tmp_path,
        env={"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )

    lines = [line for line in done.stdout.splitlines() if line.startswith("REPEATED ")]
    assert sorted(lines) == [
        "REPEATED test_shop.py::test_waits[None] (call): TimeoutError: Waited 0 s for the run; "
        "the last value was False.",
        "REPEATED test_shop.py::test_waits[error0] (call): httpx.ReadTimeout: late",
        "REPEATED test_shop.py::test_waits[error1] (call): "
        "playwright._impl._errors.TimeoutError: late",
    ], done.stdout + done.stderr
    assert "4 failed, 3 passed, 3 rerun" in done.stdout
