"""A run's state, stage and progress in the API, of any size."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from procedures.models import Run
from procedures.models.clock import clock
from procedures.services import cancel_run
from tests.calls import caller, run_until_it_waits
from tests.pages import browser


@pytest.fixture
def client(admin_user: User) -> Client:
    return caller(admin_user)


def told(client: Client, run: Run, part: str = "") -> Any:
    response = client.get(f"/api/runs/{run.pk}{part}")
    assert response.status_code == 200
    return response.json()


def test_the_state_is_what_the_code_reads_now(client: Client) -> None:
    run = run_until_it_waits("keeps_state", size=1)

    shown = told(client, run)

    assert shown["state"] == {"parcels": 7, "places": ["Oslo", "Rome"], "text": "x"}
    assert shown["state"] == told(client, run, "/state")
    assert shown["stage"]["name"] == "Sent"
    told_last = {"step": "send", "text": "sending", "done": 3, "total": None}
    assert shown["progress"] == told_last | {"at": shown["progress"]["at"]}


@pytest.mark.parametrize("size", [60_000, 70_000])
def test_a_large_state_is_read_at_its_own_address(client: Client, size: int) -> None:
    run = run_until_it_waits("keeps_state", size=size)

    shown = told(client, run)

    assert (shown["state"] is None) == (size == 70_000)
    assert (shown["state_at"] is None) == (size == 60_000)
    assert told(client, run, "/state")["text"] == "x" * size
    assert (shown["progress"]["step"], shown["progress"]["done"]) == (None, 1)


@pytest.mark.parametrize("wait", ["sleep", "paid"])
def test_people_and_programs_read_why_a_run_waits(
    client: Client, admin_user: User, wait: str
) -> None:
    run = run_until_it_waits("waits_for_a_reason", wait=wait, reason="The <bank> opens")

    [shown] = told(client, run)["waits"]
    assert (shown["key"], shown["reason"]) == (wait, "The <bank> opens")
    home = ["/"] if wait == "sleep" else []
    for path in (f"/runs/{run.pk}", f"/runs/{run.pk}/journal", "/runs", *home):
        assert "The &lt;bank&gt; opens" in page(admin_user, path), path


def test_people_read_why_a_run_waits_that_is_late(admin_user: User) -> None:
    run = run_until_it_waits("waits_for_a_reason", wait="sleep", reason="The bank opens")
    run.waits.update(due_at=clock.now() - timedelta(hours=1))

    stuck, _, rest = page(admin_user, "/").partition("Running now")

    assert "The bank opens" in stuck
    assert "The bank opens" not in rest


def page(user: User, path: str) -> str:
    return str(browser(user).get(path).content.decode())


def test_the_number_of_the_newest_event_is_as_old_as_the_status(
    client: Client, admin_user: User
) -> None:
    """Whoever follows the journal from this number must hear of everything since this status."""
    run = run_until_it_waits("question", by=admin_user)
    before = run.head_seq
    ends: list[str] = []

    def end_after_the_look(execute: Callable[..., Any], sql: str, *given: Any) -> Any:
        found = execute(sql, *given)
        if not ends and sql.startswith("SELECT") and '"seed"' in sql:
            ends.append(sql)
            cancel_run(run.pk, by=admin_user, reason="Nobody needs it.")
        return found

    with connection.execute_wrapper(end_after_the_look):
        shown = told(client, run)

    assert (shown["status"], shown["last_seq"]) == ("waiting", before)
    now = told(client, run)
    assert now["status"] == "cancelled"
    assert now["last_seq"] > before
