"""Company accounts and second factors are off by default, and a check says what they need."""

import json
import os
import subprocess
import sys

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from dashboard.accounts.second_factor import is_on, needs_factor, ways_of
from dashboard.environment.variables import read_environment
from procedures.users import users
from tests.configured import configure

CORP = {"name": "Corp", "url": "https://id.example", "client_id": "a", "secret": "b"}


def faults() -> list[str]:
    ids = {"dashboard.E003", "dashboard.E004"}
    return [f"{one.msg} {one.hint}" for one in run_checks() if one.id in ids]


def test_they_are_off_by_default() -> None:
    page = Client().get("/sign-in").content.decode()

    assert not is_on()
    assert faults() == []
    assert "passkey" not in page
    for path in ("/second-factor", "/company-sign-in/corp", "/second-factor/passkeys/sign-in"):
        assert Client().get(path).status_code == 404
    assert ways_of(users().model(pk=1)) == []
    with pytest.raises(CommandError, match="COMPANY_SIGN_IN is off"):
        call_command("remove_second_factor", "ann")


def test_a_check_says_what_to_install(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(settings, COMPANY_SIGN_IN=True)
    [told] = faults()
    assert "dashboard.environment.company" in told

    monkeypatch.setitem(sys.modules, "allauth", None)
    [told] = faults()
    assert "Install countersign[sign-in]" in told


def test_a_requirement_without_effect_is_an_error(settings: Settings) -> None:
    configure(settings, STAFF_NEED_SECOND_FACTOR=True)
    [told] = faults()

    assert "STAFF_NEED_SECOND_FACTOR" in told
    assert not needs_factor(users().model(is_staff=True))


def test_a_site_that_cannot_ask_for_required_factors_does_not_start() -> None:
    """It is no process of a server only that refuses, but whatever loads the site."""
    given = {"STAFF_NEED_SECOND_FACTOR": "true", "COMPANY_SIGN_IN": "false"}
    tried = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "dashboard.settings", **given},
        capture_output=True,
        text=True,
        check=False,
    )

    assert tried.returncode != 0
    assert "STAFF_NEED_SECOND_FACTOR" in tried.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "given",
    [
        "corp",
        {"corp": {**CORP, "url": "http://id.example"}},
        {"corp": {**CORP, "secret": " "}},
        {"corp": {**CORP, "scope": "all"}},
        {"Corp & Co": CORP},
        {"corp": "https://id.example"},
    ],
)
def test_a_wrong_provider_stops_the_start(given: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_PROVIDERS", json.dumps(given))
    with pytest.raises(ImproperlyConfigured, match="OIDC_PROVIDERS: must be a JSON object"):
        read_environment()

    monkeypatch.setenv("OIDC_PROVIDERS", json.dumps({"corp": CORP}))
    assert read_environment().OIDC_PROVIDERS == {"corp": CORP}
