"""One person starts so much, however they do it; others are not held up by it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from procedures.models import Run
from procedures.models.clock import clock
from procedures.services import QuotaError, restart_run, start_run
from procedures.store import sql
from tests.calls import caller, detail, grant, run_until_it_waits
from tests.configured import configured
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def may_start(support: Group) -> None:
    grant("question", support, "see", "start", "operate")
    grant("says_much", support, "see", "start")


def start(program: Client, key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    path = "/api/procedures/question/runs"
    return program.post(path, {}, "application/json", headers=headers)


@configured(MOST_STARTS_A_MINUTE=2)
def test_a_minute_has_so_many_starts_of_one_person(alice: User, dave: User, support: Group) -> None:
    dave.groups.add(support)
    first, second = caller(alice), caller(alice)
    assert [start(first, "k").status_code, start(second).status_code] == [201, 201]

    refusal = start(first)

    assert "started 2 runs in the last minute" in detail(refusal, 429)
    assert 1 <= int(refusal.headers["Retry-After"]) <= 60
    assert Run.objects.count() == 2
    assert start(first, "k").status_code == 200, "the same key starts nothing new"
    assert start(caller(dave)).status_code == 201
    clock.ahead = timedelta(seconds=61)
    assert start(first).status_code == 201


@configured(MOST_OPEN_RUNS=2)
def test_a_person_has_so_many_runs_open(alice: User) -> None:
    program = caller(alice)
    runs = [start(program).json()["id"] for _ in range(2)]

    refusal = start(program)

    assert "You have 2 runs that haven't ended" in detail(refusal, 429)
    assert refusal.headers["Retry-After"] == "60"
    path = f"/api/runs/{runs[0]}/cancellation"
    assert program.post(path, {"reason": "Enough."}, "application/json").status_code == 200
    assert start(program).status_code == 201


@configured(MOST_OPEN_RUNS=1)
def test_a_refused_form_keeps_what_was_typed(alice: User) -> None:
    run_until_it_waits("question", by=alice)

    typed = {"how": "typed by alice", "length": "31", "-key": "k"}
    page = browser(alice).post("/procedures/says_much", typed)

    assert page.status_code == 429
    assert 'value="typed by alice"' in shown(page)
    assert "You have 1 runs that haven&#x27;t ended" in shown(page)
    assert page.headers["Retry-After"] == "60"


@configured(MOST_STARTS_A_MINUTE=1)
def test_a_restart_is_a_start(alice: User) -> None:
    run = run_until_it_waits("question", by=alice)

    with pytest.raises(QuotaError, match="No run was started"):
        restart_run(run.pk, by=alice, reason="Once more.")

    assert restart_run(run.pk, by=User.objects.create_superuser("root"), reason="For them.")[1]


@configured(MOST_STARTS_A_MINUTE=1, MOST_OPEN_RUNS=1)
def test_what_the_system_and_runs_start_counts_for_nobody(alice: User, support: Group) -> None:
    grant("calling", support, "start")
    for _ in range(3):
        start_run("question", {}, by=None)

    run = run_until_it_waits("calling", by=alice, number=2, asks=True)

    assert Run.objects.filter(parent_wait__run=run, started_by=alice).exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite says what it reads")
def test_a_start_reads_indexes_alone(alice: User) -> None:
    with connection.cursor() as cursor:
        places = sql.startable_by.text.count("%s")
        cursor.execute(f"EXPLAIN QUERY PLAN {sql.startable_by.text}", [alice.pk] * places)
        plan = [step for *_, step in cursor.fetchall()]

    assert not [step for step in plan if step.startswith("SCAN") and "CONSTANT" not in step]
    for index in (
        "COVERING INDEX countersign_starts_of_people",
        "COVERING INDEX countersign_open_starts",
        "INDEX countersign_one_run_per_idempotency_key",
    ):
        assert any(index in step for step in plan), (index, plan)
