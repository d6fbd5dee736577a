"""Our own faults are reported as such, and logged."""

import errno
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from dashboard.api.site import api
from dashboard.models import ApiToken, Scope
from procedures.models import Run
from tests.calls import RUNS, detail, run_until_it_waits
from tests.processes import Web


def test_our_own_faults_are_logged_and_not_shown(
    alices: Client, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    run = run_until_it_waits("typed_inputs", by=alice, count=1)
    Run.objects.filter(pk=run.pk).update(inputs="{secret")

    sentence = detail(alices.get(f"/api/runs/{run.pk}"), 500)

    assert sentence == "Something went wrong on our side. The error has been logged."
    assert "JSONDecodeError" in caplog.text


@pytest.mark.parametrize("error", [OperationalError("gone\nfor now"), InterfaceError("gone")])
def test_a_database_that_does_not_answer_is_said_in_one_line(
    rf: RequestFactory, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    sentence = detail(shown(api.on_exception(rf.get("/api/runs"), error)), 503)

    assert sentence == "The database can't be reached. Try again in a moment."
    assert len(caplog.text.splitlines()) == 1
    assert "gone" in caplog.text


def test_a_full_disk_is_said(rf: RequestFactory, caplog: pytest.LogCaptureFixture) -> None:
    error = OSError(errno.ENOSPC, "No space left on device")

    sentence = detail(shown(api.on_exception(rf.post(RUNS), error)), 507)

    assert sentence == "The disk of this site is full, so nothing was saved. Tell an administrator."
    assert "No space left on device" in caplog.text


def test_another_fault_of_the_machine_is_ours(rf: RequestFactory) -> None:
    with pytest.raises(PermissionError):
        api.on_exception(rf.post(RUNS), PermissionError(errno.EACCES, "Permission denied"))


def shown(response: HttpResponse) -> Any:
    """A response as a client reads it."""
    return httpx.Response(
        response.status_code, headers=dict(response.headers), content=response.content
    )


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server to restart")
def test_a_restart_of_the_database_costs_nobody_an_error(running_web: Web, alice: User) -> None:
    headers = {"Authorization": f"Bearer {ApiToken.create_for(alice, scopes=Scope)}"}

    def get(_: int) -> int:
        return httpx.get(f"{running_web.url}/api/runs", headers=headers, timeout=30).status_code

    with ThreadPoolExecutor(4) as callers:
        assert set(callers.map(get, range(12))) == {200}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.rowcount
        assert set(callers.map(get, range(12))) == {200}
