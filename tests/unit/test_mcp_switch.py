"""A site has an MCP server if it is turned on and its package is there, and says so otherwise."""

import sys

import pytest
from django.core.checks import run_checks
from django.test import Client
from pytest_django import Settings

from dashboard.http.access_log import Application
from dashboard.http.one_thread import OneThread
from dashboard.mcp.switch import with_mcp
from tests.configured import configure


@pytest.fixture
def requests() -> Application:
    return OneThread()


def test_a_site_has_a_server_only_if_it_is_turned_on(
    requests: Application, settings: Settings
) -> None:
    assert with_mcp(requests, requests) is requests
    said = Client().post("/mcp", {}, "application/json")
    assert said.status_code == 404
    assert "turn it on with the setting MCP" in said.json()["detail"]

    configure(settings, MCP=True)

    assert with_mcp(requests, requests) is not requests
    assert not [one for one in run_checks() if one.id == "dashboard.W002"]


def test_a_site_without_the_package_has_none_and_a_check_says_why(
    requests: Application, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(settings, MCP=True)
    monkeypatch.setitem(sys.modules, "mcp", None)

    assert with_mcp(requests, requests) is requests
    [warning] = [one for one in run_checks() if one.id == "dashboard.W002"]

    assert "countersign[mcp]" in str(warning.hint)
