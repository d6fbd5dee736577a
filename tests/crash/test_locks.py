"""A parent is locked before its children, and a child's end locks nobody above it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection

from procedures.engine.journal import RunStatus
from procedures.models import Run
from procedures.services import cancel_run
from tests import machine
from tests.desk import Desk
from tests.processes import PostgreSQL, Process, wait_until
from tests.runs import start, wait_for_status

WAITING = """SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'"""


def is_anybody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])


def cancel(run: Run, by: User) -> str:
    try:
        return cancel_run(run.pk, by=by, reason="Not needed.")
    finally:
        connection.close()


@pytest.mark.skipif(not machine.OWNS_POSTGRES, reason="SQLite locks no rows; its log is read.")
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
