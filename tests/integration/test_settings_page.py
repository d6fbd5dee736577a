"""The admin shows the settings in force and where they come from, and no secret."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from dashboard.admin.pages.settings import in_force
from procedures.conf import NAMES
from tests.conftest import make_staff
from tests.pages import browser, shown

PAGE = "/admin/settings/"


def test_every_setting_is_shown_and_no_secret(admin_client: Client, settings: Settings) -> None:
    settings.COUNTERSIGN = {
        **settings.COUNTERSIGN,
        "LEDGER_KEY": "violet-ledger",
        "PUSH_KEY": "violet-push",
        "REDIS_URL": "redis://ann:violet-redis@cache.example:6379/1?password=violet-query",
        "WEBHOOKS": {"erp": {"url": "https://erp.example/x", "secret": "violet-hook"}},
        "MOST_OPEN_RUNS": 17,
    }
    page = shown(admin_client.get(PAGE))

    assert not [name for name in NAMES if f"<code>{name}</code>" not in page]
    assert "violet" not in page
    assert "redis://cache.example:6379/1" in page
    assert "erp" in page
    assert in_force("MOST_OPEN_RUNS")[1:3] == ("17", "settings of the project")
    assert in_force("LEDGER_KEY").value == "set"


def test_it_says_where_a_setting_comes_from(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.COUNTERSIGN = {"MAX_UPLOAD_MB": 5}
    assert in_force("MAX_UPLOAD_MB")[1:] == ("5", "settings of the project", False)
    assert in_force("MOST_OPEN_RUNS")[1:] == ("5000", "default", True)
    monkeypatch.setenv("UPLOADS_KEPT_HOURS", "24")
    assert in_force("UPLOADS_KEPT")[1:3] == ("86,400 s", "UPLOADS_KEPT_HOURS")
    assert in_force("PUSH_KEY").value == "not set"


def test_only_those_who_may_see_the_installation_see_it(carol: User, dave: User) -> None:
    assert browser(make_staff(carol)).get(PAGE).status_code == 403
    assert browser(make_staff(dave, "view_installation")).get(PAGE).status_code == 200
