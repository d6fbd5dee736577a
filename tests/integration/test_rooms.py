"""Below the dashboard nothing is drawn: import-linter sees imports, and no templates."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template.loader import get_template

from dashboard.environment.variables import CHECKOUT

TEMPLATES = CHECKOUT / "templates"
DRAWING = ("django.template", "django.shortcuts.render", "django.contrib.admin", "django.forms")
"""The modules that draw; `LogEntry` is a model."""
SECRET = "neither-guessed-nor-shown-anywhere-0123456789-abcdefghij"
ROWS = "django.contrib.admin.models"


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)


@pytest.mark.parametrize("package", ["chat", "procedures"])
def test_a_package_below_draws_nothing(package: str) -> None:
    files = list((CHECKOUT / package).rglob("*.py"))
    drawing = [
        (file.name, name)
        for file in files
        for name in imports_of(file)
        if name.startswith(DRAWING) and not name.startswith(ROWS)
    ]

    assert len(files) > 20
    assert not drawing
    assert not list((CHECKOUT / package).rglob("*.html"))
    assert not list((CHECKOUT / package).rglob("templatetags"))


def test_a_run_asks_and_is_answered_on_a_site_without_pages(tmp_path: Path) -> None:
    """Its settings name no template engine: whatever were drawn would fail.

    It is a site of its own: of the groups that the examples name none is made.
    """
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'headless.sqlite3'}",
        "LOCAL_DIR": str(tmp_path),
        "PROCEDURE_MODULES": "tests.procedures.questions",
        "SECRET_KEY": SECRET,
        "LEDGER_KEY": f"{SECRET}-of-the-ledger",
        "PATH": "",
    }
    found = subprocess.run(
        [sys.executable, "-m", "tests.headless"],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout.splitlines()[-1]) == {
        "answers": [201, 200, 201],
        "silence": "The request stays open until somebody answers.",
        "status": "succeeded",
        "groups": ["readers"],
        "notifications": 0,
    }


def test_every_template_has_the_tags_that_it_loads() -> None:
    names = [str(file.relative_to(TEMPLATES)) for file in TEMPLATES.rglob("*.html")]

    assert len(names) > 100
    assert all(map(get_template, names))
