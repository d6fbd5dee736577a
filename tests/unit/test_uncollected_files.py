"""A site in production whose static files weren't collected yet."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.environment.variables import CHECKOUT
from tests.unit.test_environment import PRODUCTION


@pytest.mark.slow
def test_pages_are_drawn_before_anything_was_collected(tmp_path: Path) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.templatetags.static import static\n"
        "print(static('dashboard/app.css'))"
    )
    command = [sys.executable, "-c", code]
    variables = {**os.environ, **PRODUCTION, "LOCAL_DIR": str(tmp_path)}
    variables["DJANGO_SETTINGS_MODULE"] = "dashboard.settings"

    drawn = subprocess.run(
        command, cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False
    )

    assert drawn.stdout.splitlines()[-1] == "/static/dashboard/app.css", drawn.stderr
    assert "collectstatic" in drawn.stdout


@pytest.mark.slow
def test_people_sign_in_before_anything_was_collected(tmp_path: Path) -> None:
    statuses = {"/sign-in": 200, "/nowhere": 404, "/": 200}
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command; call_command('migrate', verbosity=0)\n"
        "from django.test import Client\n"
        f"for path in {[*statuses]}:\n"
        "  client = Client(raise_request_exception=False, headers={'host': 'sign.example'})\n"
        "  answer = client.get(path, secure=True, follow=True)\n"
        "  print(answer.status_code, b'app.css' in answer.content)"
    )
    variables = {**os.environ, **PRODUCTION, "LOCAL_DIR": str(tmp_path)}
    variables |= {"DATABASE_URL": f"sqlite:///{tmp_path}/site.sqlite3"}
    variables |= {"DJANGO_SETTINGS_MODULE": "dashboard.settings"}

    asked = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )

    told = [f"{status} True" for status in statuses.values()]
    assert asked.stdout.splitlines()[-len(told) :] == told, asked.stderr
