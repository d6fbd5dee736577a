"""A parent is locked before its children, and a child's end locks nobody above it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection

from procedures.engine.journal import RunStatus
from procedures.models import Run
from procedures.services import cancel_run
from tests import machine
from tests.conftest import StartWorker
from tests.desk import Desk
from tests.processes import PostgreSQL, Process, wait_until
from tests.runs import start, wait_for_status, wait_for_success

WAITING = """SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s"""
on_postgres = pytest.mark.skipif(
    not machine.OWNS_POSTGRES, reason="SQLite locks no rows; its log is read."
)


def is_anybody_waiting(to: str = "") -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [f"{to}%"])
        return bool(cursor.fetchone()[0])


def cancel(run: Run, by: User) -> str:
    try:
        return cancel_run(run.pk, by=by, reason="Not needed.")
    finally:
        connection.close()


@on_postgres
@pytest.mark.usefixtures("running_worker")
def test_a_family_is_cancelled_while_a_child_ends_without_a_deadlock(
    desk: Desk, alice: User, dave: User
) -> None:
    with ThreadPoolExecutor(1) as thread:
        with desk.closed("errand ends"):
            run = start("one_errand", folder=desk.folder, by=alice)
            desk.wait_for_arrivals("errand ends")
            told = thread.submit(cancel, run, dave)
            wait_until(is_anybody_waiting, what="the cancel to wait for the child")

        assert told.result() == "It is cancelled."
    wait_for_status(Run.objects.get(parent_wait__run=run), RunStatus.SUCCEEDED)
    [server] = [one for one in Process.running if isinstance(one, PostgreSQL)]
    assert "deadlock" not in server.output


@on_postgres
@pytest.mark.usefixtures("running_clock")
def test_the_clock_passes_by_a_run_whose_worker_stands_still_in_a_transaction(
    worker: StartWorker, take_over: Callable[[], None], desk: Desk, alice: User
) -> None:
    zombie = worker(concurrency=1)
    with desk.closed("errand ends"):
        held = start("one_errand", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("errand ends")
        zombie.pause()
        wait_until(lambda: is_anybody_waiting("SELECT"), what="the sweep to come to its run")

        take_over()
        wait_for_success(start("short_sleep", seconds=0.1, by=alice))

    zombie.go_on()
    wait_for_success(held)
