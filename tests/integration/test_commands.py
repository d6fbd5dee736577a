"""Output of `manage.py`: text from outside drives no terminal, and begins no line of its own."""

import os
import subprocess
import sys
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.core.management.color import color_style

from dashboard.environment.variables import CHECKOUT
from dashboard.management.command_line import CommandLine, VisibleOutput
from procedures.models import Event, Procedure, Run
from tests.calls import run_until_it_waits

HOSTILE = "a\x1b[2J\x1b[31mred\u202e\x9b1A\x07"
SHOWN = "a\\u001b[2J\\u001b[31mred\\u202e\\u009b1A\\u0007"
FORGED = f"{HOSTILE}\nAll journals are intact."


def printed(capsys: pytest.CaptureFixture[str], name: str, *arguments: str) -> str:
    """The output of the command that a person types."""
    with suppress(CommandError):
        call_command(CommandLine(["manage.py", name]).fetch_command(name), *arguments)
    return "".join(capsys.readouterr())


def hostile_title(admin_user: User) -> Run:
    run = run_until_it_waits("question", by=admin_user)
    Procedure.objects.filter(pk=run.procedure_id).update(title=FORGED)
    return run


def test_a_name_of_the_evidence_begins_no_line(
    admin_user: User, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_until_it_waits("headed_evidence", by=admin_user, header=FORGED)

    [line] = printed(capsys, "check_procedures").splitlines()

    assert line.startswith(f"blocked: {run} ({run.pk}): ")
    assert f"evidence.{SHOWN}␤All journals are intact. was " in line


def test_a_forged_row_begins_no_line(admin_user: User, capsys: pytest.CaptureFixture[str]) -> None:
    run = hostile_title(admin_user)
    Event.objects.filter(run=run, kind="step.succeeded").update(name=FORGED)

    lines = printed(capsys, "verify_journal").splitlines()

    assert lines
    assert all(line.startswith(SHOWN) for line in lines)


def test_commands_of_django_print_no_control_characters(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    ContentType.objects.create(app_label="countersign_procedures", model=HOSTILE)

    said = printed(capsys, "remove_stale_contenttypes", "--no-input", "-v2")

    assert SHOWN in said
    assert "\x1b" not in said


def test_rows_for_a_program_stay_as_they_are(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    User.objects.create(username="ann", last_name="\x9b\u202e")

    assert "\x9b\u202e" in printed(capsys, "dumpdata", "auth.user")


def test_the_colours_of_a_command_stay(db: None) -> None:
    terminal, command = StringIO(), CommandLine([]).fetch_command("check_procedures")
    command.style = color_style(force_color=True)
    told = command.style.ERROR("Lost: ")

    VisibleOutput(terminal, command).write(f"{told}\x1b[8mhidden\x1b[2J")

    assert terminal.getvalue() == f"{told}\\u001b[8mhidden\\u001b[2J\n"


@pytest.mark.parametrize("arguments", [[], ["--settings=hostile"]])
def test_an_error_at_the_start_drives_no_terminal(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "hostile.py").write_text(f"raise RuntimeError({FORGED!r})")
    variables = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "PROCEDURE_MODULES": "hostile",
        "PROCEDURE_FILES": f"{tmp_path}/*.json",
    }

    ended = subprocess.run(
        [sys.executable, "manage.py", "check", *arguments],
        cwd=CHECKOUT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert f"RuntimeError: {SHOWN}" in ended.stderr
    assert not {"\x1b", "\x07", "\x9b"} & {*ended.stdout, *ended.stderr}
