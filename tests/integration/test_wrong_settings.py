"""Settings that can't be used stop commands, servers and workers with a sentence, and no trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LEASE = "COUNTERSIGN: RUN_LEASE_SECONDS must be a number from 1 to 600, not 'soon'."
KIND = "REQUEST_KINDS names shop.Nothing, which can't be used: No module named 'shop'"


def run(folder: Path, values: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the product's settings, but for these values of COUNTERSIGN."""
    lines = "from dashboard.settings import *", f"COUNTERSIGN = {{**COUNTERSIGN, {values}}}"
    (folder / "wrong_settings.py").write_text("\n".join(lines))
    own = {"DJANGO_SETTINGS_MODULE": "wrong_settings", "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, *words],
        env=os.environ | own,
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ("'RUN_LEASE_SECONDS': 'soon'", LEASE),
        ("'LOCAL_DIR': 5", "COUNTERSIGN: LOCAL_DIR must be a pathlib.Path, not 5."),
        ("'LEDGER_KEY': 5", "COUNTERSIGN: LEDGER_KEY must be a string."),
        ("'REDIS_URL': 5", "COUNTERSIGN: REDIS_URL must be a string."),
        ("'PROCEDURE_FILES': 5", "COUNTERSIGN: PROCEDURE_FILES must be a list of strings, not 5."),
        ("'REQUEST_KINDS': 5", "COUNTERSIGN: REQUEST_KINDS must be a list of strings, not 5."),
        ("'REQUEST_KINDS': ['shop.Nothing']", KIND),
        ("'STAFF_NEED_SECOND_FACTOR': 'yes'", "STAFF_NEED_SECOND_FACTOR must be True or False"),
    ],
)
def test_a_site_with_djangos_own_command_line_is_told_by_the_check(
    tmp_path: Path, values: str, told: str
) -> None:
    checked = run(tmp_path, values, "-m", "django", "check")

    assert checked.returncode == 1
    assert told in checked.stderr
    assert "System check identified 1 issue" in checked.stderr
    assert "Traceback" not in checked.stderr


@pytest.mark.parametrize(
    "words",
    [
        *(("manage.py", "shell", "-c", "pass"), ("manage.py", "migrate", "--plan")),
        ("-m", "celery", "--app", "dashboard", "worker", "--pool", "solo"),
    ],
)
def test_commands_and_workers_without_checks_are_refused_in_a_sentence(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    refused = run(tmp_path, "'RUN_LEASE_SECONDS': 'soon'", *words)

    assert refused.returncode == 1
    assert LEASE in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_server_does_not_start(tmp_path: Path) -> None:
    refused = run(tmp_path, "'RUN_LEASE_SECONDS': 'soon'", "-c", "import dashboard.asgi")

    assert refused.returncode == 1
    assert refused.stderr.endswith(f"ImproperlyConfigured: {LEASE}\n")
