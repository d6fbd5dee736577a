"""A parent is locked before its children, these before the session, and nobody locks upwards."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from chat.models import HumanRequest
from procedures.engine.errors import Fenced
from procedures.engine.journal.events import Batch, EventKind, NewEvent, RunStatus
from procedures.engine.journal.protocol import Journal
from procedures.journal import claim
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import cancel_run
from tests import machine
from tests.conftest import StartWorker
from tests.desk import Desk
from tests.postgres import PostgreSQL
from tests.processes import Process, wait_until
from tests.runs import answer, start, wait_for_request, wait_for_status, wait_for_success

pytestmark = [
    pytest.mark.skipif(not machine.OWNS_POSTGRES, reason="SQLite locks no rows; its log is read."),
    pytest.mark.django_db(transaction=True),
]
WAITING = """SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s"""


def wait_for_waiting(count: int, *, what: str, to: str = "") -> None:
    """Wait until so many transactions wait for locks of others, in a statement that begins so."""

    def are_waiting() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(WAITING, [f"{to}%"])
            return bool(cursor.fetchone()[0] == count)

    wait_until(are_waiting, what=what)


def closing_connection(act: Callable[[], object]) -> object:
    """Act in a thread of its own, and close its connection."""
    try:
        return act()
    finally:
        connection.close()


def cancel(run: Run, by: User) -> object:
    return cancel_run(run.pk, by=by, reason="Not needed.")


def begin_anew(run: Run, _: User) -> None:
    advance_run(run.pk)


def say_what_undoes(journal: Journal) -> object:
    undo = NewEvent(EventKind.COMPENSATION, "pay:compensation", "pay back")
    return closing_connection(lambda: journal.commit(Batch((undo,))))


def check_no_deadlock() -> None:
    [server] = [one for one in Process.running if isinstance(one, PostgreSQL)]
    assert "deadlock" not in server.output


@contextmanager
def locked(request: HumanRequest) -> Iterator[None]:
    """Whoever answers it has locked its run, and waits until the block ends."""
    is_locked, is_over = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            HumanRequest.objects.select_for_update().get(pk=request.pk)
            is_locked.set()
            is_over.wait()

    with ThreadPoolExecutor(1) as thread:
        held = thread.submit(closing_connection, hold)
        is_locked.wait()
        try:
            yield
        finally:
            is_over.set()
        held.result()


@pytest.mark.usefixtures("running_worker")
def test_a_family_is_cancelled_while_a_child_ends_without_a_deadlock(
    desk: Desk, alice: User, dave: User
) -> None:
    with ThreadPoolExecutor(1) as thread:
        with desk.closed("errand ends"):
            run = start("one_errand", folder=desk.folder, by=alice)
            desk.wait_for_arrivals("errand ends")
            told = thread.submit(closing_connection, lambda: cancel(run, dave))
            wait_for_waiting(1, what="the cancel to wait for the child")

        assert told.result() == "The run was cancelled."
    wait_for_status(Run.objects.get(parent_wait__run=run), RunStatus.SUCCEEDED)
    check_no_deadlock()


@pytest.mark.usefixtures("running_clock")
def test_the_clock_passes_by_a_run_whose_worker_stands_still_in_a_transaction(
    worker: StartWorker, take_over: Callable[[], None], desk: Desk, alice: User
) -> None:
    zombie = worker(concurrency=1)
    with desk.closed("errand ends"):
        held = start("one_errand", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("errand ends")
        zombie.pause()
        wait_for_waiting(1, what="the sweep to come to its run", to="SELECT")

        take_over()
        wait_for_success(start("short_sleep", seconds=0.1, by=alice))

    zombie.go_on()
    wait_for_success(held)


@pytest.mark.parametrize("end", [cancel, begin_anew])
def test_a_family_ends_while_a_child_is_answered_without_a_deadlock(
    end: Callable[[Run, User], object], alice: User, bob: User, dave: User
) -> None:
    run = start("asks_and_calls", by=alice)
    advance_run(run.pk)
    child = Run.objects.get(parent_wait__run=run)
    advance_run(child.pk)
    answer(wait_for_request(run, prompt="anew"), by=bob)
    asked = wait_for_request(child)

    with ThreadPoolExecutor(2) as threads:
        with locked(asked):
            given = threads.submit(closing_connection, lambda: answer(asked, by=bob))
            wait_for_waiting(1, what="the answer to wait for its request")
            ended = threads.submit(closing_connection, lambda: end(run, dave))
            wait_for_waiting(2, what="the parent to wait for its child")
        given.result()
        ended.result()

    child.refresh_from_db()
    assert child.cancel_requested_at
    check_no_deadlock()


def test_a_worker_that_was_given_up_keeps_nothing_that_a_cancel_would_overlook(
    alice: User, dave: User
) -> None:
    run = start("asks_and_calls", by=alice)
    held = claim(run.pk)
    assert held
    Run.objects.filter(pk=run.pk).update(leased_until=clock.now())
    said: list[Future[object]] = []

    def between(execute: Callable[..., object], statement: str, *given: object) -> object:
        if statement.startswith("UPDATE countersign_procedures_run SET status") and not said:
            said.append(threads.submit(say_what_undoes, held))
            threads.submit(closing_connection, see_it_wait).result()
        return execute(statement, *given)

    def see_it_wait() -> None:
        wait_for_waiting(1, what="the worker to wait for the cancel")

    with ThreadPoolExecutor(2) as threads, connection.execute_wrapper(between):
        assert cancel(run, dave) == "The run was cancelled."
        with pytest.raises(Fenced):
            said[0].result()
