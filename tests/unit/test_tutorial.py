"""A reader who follows docs/tutorial.md gets what it shows, step by step."""

import doctest
import importlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from dashboard.environment.variables import CHECKOUT

TEXT = (CHECKOUT / "docs" / "tutorial.md").read_text()
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = FENCE.findall(TEXT)
FILES = {"purchasing", "test_purchasing"}
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MAKE = re.compile(r"\bmake ([\w./-]+)")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which a reader works, from which Python imports."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    forget()


def forget() -> None:
    """Let the next import read the files anew, as a new process does."""
    importlib.invalidate_caches()
    for name in FILES:
        sys.modules.pop(name, None)


def saved(folder: Path, source: str) -> str:
    """Save a block under the name in its first line, and return that name."""
    named = re.match(r"# (\w+)\.py\n", source)
    assert named
    assert named[1] in FILES
    (folder / f"{named[1]}.py").write_text(source)
    return named[1]


def the_tests_of(module: ModuleType) -> list[Callable[[], None]]:
    return [one for name, one in vars(module).items() if name.startswith("test_")]


def complaints(session: str) -> list[str]:
    found: list[str] = []
    parsed = doctest.DocTestParser().get_doctest(session, {}, "tutorial.md", "tutorial.md", 0)
    doctest.DocTestRunner(verbose=False, optionflags=OPTIONS).run(parsed, out=found.append)
    return found


def test_each_step_does_what_it_shows(folder: Path) -> None:
    carried_out = []
    for kind, source in BLOCKS:
        forget()
        if kind == "pycon":
            assert complaints(source) == []
        elif kind == "python" and (name := saved(folder, source)).startswith("test_"):
            for test in the_tests_of(importlib.import_module(name)):
                test()
                carried_out.append(test.__name__)

    assert carried_out[-1] == "test_a_crash_never_orders_twice"
    assert len(carried_out) == 5


@pytest.mark.slow
def test_the_files_pass_as_pytest_runs_them(folder: Path) -> None:
    for kind, source in BLOCKS:
        if kind == "python":
            saved(folder, source)
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(CHECKOUT / "pyproject.toml")]

    done = subprocess.run(
        [*command, f"--rootdir={folder}", "-p", "no:cacheprovider", "test_purchasing.py"],
        cwd=folder,
        env={"PYTHONPATH": f"{CHECKOUT}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_every_target_of_make_is_one() -> None:
    shell = "".join(source for kind, source in BLOCKS if kind == "sh")
    makefile = (CHECKOUT / "Makefile").read_text()
    named = MAKE.findall(re.sub(r"^sudo .*$", "", shell, flags=re.MULTILINE))

    assert named
    assert all(f"\n{name}: " in makefile for name in named)


def test_every_fence_is_of_a_kind_that_is_looked_at() -> None:
    assert {kind for kind, _ in BLOCKS} == {"python", "pycon", "sh"}
    assert len(BLOCKS) == TEXT.count("```") / 2
