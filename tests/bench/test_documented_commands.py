"""Tests of the commands in docs/speed.md at a small size, which run to their ends."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.environment.variables import CHECKOUT

COMMANDS = re.findall(
    r"^    \.venv/bin/python -m bench\.(.+)$",
    (CHECKOUT / "docs" / "speed.md").read_text(),
    re.MULTILINE,
)
SMALL = {
    "admin": "--people 600 --groups 5 --procedures 5 --runs 1000 --takes 1 --only ^people",
    "cards": "",
    "decisions": "--look 0",
    "live": "--rows idle,messages,burst --pages 10 --seconds 1",
    "looks": "--only ^home --takes 1 --runs 10 --requests 5",
    "pages": "--runs 1000 --takes 1 --only ^home",
    "profile": "--steps 20 --pairs 1",
    "queue": "--runs 10 --pairs 1",
    "replies": "--rounds 1 --pairs 1",
    "resume": "--longest 100 --pairs 1",
    "rights": "--runs 1000 --takes 1",
    "starts": "--runs 10 --pairs 1",
    "steps": "--steps 20 --many 200 --pairs 1",
    "traffic": "--runs 10 --sizes 1x1",
    "waiting": "--runs 10 --answers 5 --seconds 1",
}
"""Options that make a command small: of an option given twice, the last value counts."""


REFUSED = {
    "admin --people 500": "more than the 500 people",
    "admin --database sqlite --plans": "--plans needs --database postgres",
    "pages --database sqlite --server x": "--server needs --database postgres",
    "rights --database sqlite": "bench.rights needs --database postgres",
    "starts --database sqlite --absurd x": "--absurd needs --database postgres",
}
"""Commands that can't be measured, and the reason that they give."""


def run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", REFUSED)
def test_what_cannot_be_measured_is_refused_before_anything_starts(command: str) -> None:
    ended = run(f"bench.{command}".split())

    assert ended.returncode == 2
    assert REFUSED[command] in ended.stderr


@pytest.mark.soak
@pytest.mark.parametrize("command", [one for one in COMMANDS if "--absurd" not in one])
def test_a_documented_command_runs(command: str, tmp_path: Path) -> None:
    name, *options = shlex.split(command.replace("/tmp/", f"{tmp_path}/"))  # noqa: S108
    unchecked = [one for one in options if one != "--check"]  # of the times, on a busy machine

    ended = run([f"bench.{name}", *unchecked, *SMALL[name].split()])

    assert ended.returncode == 0, ended.stderr
    assert [json.loads(line) for line in ended.stdout.splitlines()] or name == "cards"
