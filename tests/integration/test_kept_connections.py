"""Connections that are kept between requests, and a server that was restarted meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from psycopg_pool import ConnectionPool

from dashboard.postgres import base
from procedures.runner import advance_runs
from procedures.services import start_run

KEPT = 8
pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server"),
    pytest.mark.django_db(transaction=True),
]


def test_a_restart_of_the_server_makes_nobody_wait_for_each_kept_connection() -> None:
    connection.ensure_connection()  # of this thread: none of those that are kept
    with ThreadPoolExecutor(KEPT) as threads:
        keep(threads, KEPT)
    assert len(end_all_other_connections()) >= KEPT

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(ask).result() == [1]


def keep(threads: ThreadPoolExecutor, count: int) -> None:
    """Let the pool keep so many connections."""
    all_at_once = Barrier(count)

    def connect(_: int) -> None:
        connection.ensure_connection()
        all_at_once.wait()
        connection.close()

    list(threads.map(connect, range(count)))


def end_all_other_connections() -> list[int]:
    """End them and return the ids of the server's processes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [pid for pid, _ in cursor.fetchall()]


def ask() -> list[int]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return [int(found) for (found,) in cursor.fetchall()]
    finally:
        connection.close()


@pytest.mark.parametrize("is_noticed", [True, False])
def test_a_claim_succeeds_although_its_kept_connection_has_died(
    monkeypatch: pytest.MonkeyPatch, *, is_noticed: bool
) -> None:
    """A vanished host says nothing, so it is noticed only by the first statement."""
    run, _ = start_run("repeated_steps", {"times": 1}, by=None)
    if not is_noticed:
        monkeypatch.setattr(base, "_has_news", lambda _: False)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(ask).result()
        assert end_all_other_connections()
        thread.submit(advance).result()

    run.refresh_from_db()
    assert run.status == "succeeded"


def test_one_dead_connection_is_enough_for_a_claim_to_replace_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each look at a connection to a vanished host takes as long as the system keeps sending."""
    run, _ = start_run("repeated_steps", {"times": 1}, by=None)
    dead, asked = set[int](), list[bool]()
    is_noticed = iter([False])
    monkeypatch.setattr(base, "_has_news", lambda _: next(is_noticed, True))
    check = ConnectionPool.check_connection

    def checked(connection: Any) -> None:
        asked.append(connection.info.backend_pid in dead)
        check(connection)

    with ThreadPoolExecutor(2) as threads:
        keep(threads, 2)
        dead.update(end_all_other_connections())
        monkeypatch.setattr(ConnectionPool, "check_connection", staticmethod(checked))
        threads.submit(advance).result()

    run.refresh_from_db()
    assert run.status == "succeeded"
    assert asked.count(True) <= 1  # by the end of the block in which the first one was lost


def test_a_claim_asks_no_server_whether_a_kept_connection_is_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = list[object]()
    monkeypatch.setattr(ConnectionPool, "check_connection", asked.append)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(ask).result()
        assert len(asked) == 1
        thread.submit(advance).result()
        assert len(asked) == 1
        thread.submit(ask).result()

    assert len(asked) == 2


def advance() -> None:
    try:
        advance_runs()
    finally:
        connection.close()
