"""Databases that drop a worker's connections, and code that hides its commits from it."""

import json

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from procedures.engine.journal.events import RunStatus
from procedures.journal import limit_locks
from procedures.models import Run
from tests import machine
from tests.desk import Desk
from tests.processes import Worker, wait_until
from tests.runs import journal_of, start, wait_for_status, wait_for_success

on_postgres = pytest.mark.skipif(
    not machine.DATABASE_URL.startswith("postgres"), reason="SQLite has no connections to lose."
)
OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@on_postgres
@pytest.mark.usefixtures("running_clock", "running_worker")
def test_a_worker_that_loses_its_connections_keeps_its_run(desk: Desk, alice: User) -> None:
    with desk.closed("after work"):
        run = start("one_step", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("after work")
        held_until = Run.objects.values_list("leased_until", flat=True).get(pk=run.pk)
        with connection.cursor() as cursor:
            cursor.execute(OTHERS)
        wait_until(
            lambda: Run.objects.filter(pk=run.pk, leased_until__gt=held_until).exists(),
            what="the lease to be renewed over a new connection",
        )

    wait_for_success(run)
    run.refresh_from_db()
    assert (run.epoch, desk.effects) == (1, {"work": 1})
    assert journal_of(run).count("step.succeeded work") == 1


@pytest.mark.usefixtures("running_worker")
def test_a_thread_that_holds_a_transaction_stops_nobody_else(desk: Desk, alice: User) -> None:
    run = start("thread_that_holds", folder=desk.folder, by=alice)

    wait_for_status(run, RunStatus.FAILED)
    run.refresh_from_db()
    assert "It left a thread behind that held a transaction" in json.loads(run.error)["message"]
    with transaction.atomic():
        limit_locks(1)
        assert User.objects.select_for_update().get(pk=alice.pk).last_name != "Held"
    wait_for_success(start("one_step", folder=desk.folder, by=alice))


def test_a_step_inside_a_transaction_is_refused_before_it_counts(
    running_worker: Worker, desk: Desk, alice: User
) -> None:
    run = start("wrapped_in_a_transaction", folder=desk.folder, by=alice)

    wait_for_status(run, RunStatus.QUARANTINED)
    run.refresh_from_db()
    assert "transaction.atomic()" in json.loads(run.error)["message"]
    assert "step.succeeded act" not in journal_of(run)
