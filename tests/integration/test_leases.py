"""A worker keeps the lease of its run, and a clock takes it from one that doesn't."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from procedures.engine.journal.events import RunStatus
from procedures.journal import LEASE, DatabaseJournal, claim
from procedures.lease_keeper import LeaseKeeper
from procedures.models import Head, Run
from procedures.models.clock import clock
from procedures.services import Sweeper, start_run
from procedures.services.sweep import BREAK
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
POSTGRES_ONLY = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one lock")
SECOND = timedelta(seconds=1)


def held() -> DatabaseJournal:
    journal = claim(start_run("two_steps", {}, by=None)[0].pk)
    assert journal
    return journal


def row(journal: DatabaseJournal) -> Run:
    return Run.objects.get(pk=journal.run.run_id)


def is_held(journal: DatabaseJournal) -> bool:
    """Return True if nobody could claim it now."""
    found = row(journal)
    return found.status == RunStatus.RUNNING and bool(
        found.leased_until and found.leased_until > clock.now()
    )


def look_for(sweeper: Sweeper, length: timedelta, *alive: DatabaseJournal) -> None:
    """Let it look once a second for so long, while the workers of some renew their leases."""
    until = clock.ahead + length
    while clock.ahead < until:
        clock.ahead += SECOND
        for journal in alive:
            assert journal.renew()
        sweeper()


@pytest.mark.parametrize("ahead", [timedelta(0), LEASE, timedelta(hours=1)])
def test_a_lease_is_renewed_by_the_databases_clock_as_it_is_now(ahead: timedelta) -> None:
    """It may have been put right since the run was claimed, or the machine have slept."""
    journal = held()
    clock.ahead = ahead

    assert journal.renew()

    assert is_held(journal)


@POSTGRES_ONLY
def test_a_row_that_somebody_holds_keeps_no_renewal_waiting() -> None:
    journal, renewals = held(), list[bool]()

    def renew() -> None:
        renewals.append(journal.renew())
        connection.close()

    with transaction.atomic():
        Run.objects.lock(row(journal).pk)
        thread = threading.Thread(target=renew)
        thread.start()
        thread.join(timeout=30)
        assert renewals == [False]

    assert journal.renew()


@contextmanager
def exhausted_pool() -> Iterator[None]:
    """Every connection that this process may have is somebody's."""
    pool: Any = connection.pool  # type: ignore[attr-defined]
    taken = [pool.getconn() for _ in range(pool.max_size - 1)]
    try:
        yield
    finally:
        for one in taken:
            pool.putconn(one)


@POSTGRES_ONLY
def test_a_lease_is_renewed_while_no_connection_is_to_be_had() -> None:
    journal = held()
    before = row(journal).leased_until
    assert before

    with exhausted_pool(), LeaseKeeper().beating_for(journal):
        wait_until(lambda: row(journal).leased_until != before, what="the lease to be renewed")

    assert is_held(journal)


def test_a_clock_takes_the_run_of_a_worker_that_is_lost_and_of_no_other() -> None:
    sweeper, lost, alive = Sweeper(), held(), held()

    look_for(sweeper, BREAK + LEASE, alive)

    assert row(lost).status == RunStatus.QUEUED
    assert not lost.renew()
    assert is_held(alive)


@pytest.mark.parametrize("length", [LEASE + BREAK, timedelta(hours=1)])
def test_after_time_has_stood_still_workers_come_before_the_clock(length: timedelta) -> None:
    sweeper, lost, alive = Sweeper(), held(), held()
    look_for(sweeper, BREAK + SECOND, lost, alive)

    clock.ahead += length
    sweeper()
    assert row(lost).status == row(alive).status == RunStatus.RUNNING
    look_for(sweeper, BREAK + SECOND, alive)

    assert row(lost).status == RunStatus.QUEUED
    assert is_held(alive)


def test_a_clock_that_has_just_begun_takes_nothing_at_once() -> None:
    journal = held()
    clock.ahead += LEASE
    sweeper = Sweeper()
    sweeper()
    assert row(journal).status == RunStatus.RUNNING

    look_for(sweeper, BREAK + SECOND)

    assert row(journal).status == RunStatus.QUEUED


def test_time_that_stands_still_just_after_a_clock_has_begun_takes_no_run_either() -> None:
    sweeper, journal = Sweeper(), held()
    sweeper()

    clock.ahead += LEASE + BREAK
    sweeper()

    assert row(journal).status == RunStatus.RUNNING
    assert journal.renew()
    look_for(sweeper, BREAK + SECOND, journal)
    assert is_held(journal)


def test_a_clock_that_is_always_late_takes_the_lost_all_the_same() -> None:
    sweeper, lost = Sweeper(), held()

    for _ in range(3):
        clock.ahead += 2 * BREAK
        sweeper()

    assert row(lost).status == RunStatus.QUEUED


def test_a_claim_that_is_forgiven_over_an_outage_is_forgiven_once() -> None:
    journal = held()
    Head.objects.filter(run=row(journal)).update(claims=3)
    updates: list[str] = []

    def go_away(execute: Callable[..., Any], sql: str, *given: Any) -> Any:
        updates.extend([sql] if sql.startswith("UPDATE") else [])
        if len(updates) == 2:
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, *given)

    with connection.execute_wrapper(go_away):
        journal.forgive_claim()

    assert len(updates) == 2
    wait_until(lambda: not any(one.name == "excuse" for one in threading.enumerate()))
    assert row(journal).head.claims == 2
    assert row(journal).is_left_without_storage
