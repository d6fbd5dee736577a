"""PostgreSQL behind a real PgBouncer in transaction mode, which keeps no statement for anybody."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import dj_database_url
import pytest
from django.contrib.auth.models import Group, User
from django.db import connection

from dashboard.postgres.base import DatabaseWrapper
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from tests import machine
from tests.conftest import StartClock, StartWeb, StartWorker
from tests.desk import Desk
from tests.postgres import PgBouncer
from tests.processes import Process, Web, Worker, run_python, wait_until
from tests.runs import answer, client_of, wait_for_request

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not machine.OWNS_POSTGRES, reason="TEST_DATABASE=postgres, our own server"),
]


@pytest.fixture
def pooler(start: Callable[[Process], Process]) -> PgBouncer:
    pooler = PgBouncer()
    start(pooler)
    return pooler


class Site(NamedTuple):
    """Every process of a site, all behind the pooler."""

    web: Web
    workers: list[Worker]


def test_runs_behind_a_pooler(
    pooler: PgBouncer, web: StartWeb, worker: StartWorker, desk: Desk, alice: User, bob: User
) -> None:
    site = Site(
        web(DATABASE_URL=pooler.url), [worker(DATABASE_URL=pooler.url, RUN_LEASE_SECONDS="60")]
    )

    purchase(5, site, desk, alice=alice, bob=bob)


@pytest.mark.soak
def test_forty_runs_behind_a_pooler(  # noqa: PLR0913, PLR0917 (fixtures come by name)
    pooler: PgBouncer,
    web: StartWeb,
    worker: StartWorker,
    clock: StartClock,
    desk: Desk,
    alice: User,
    bob: User,
) -> None:
    """The leases are long: on a busy machine short ones are lost, and their steps done again."""
    url, lease = pooler.url, "60"
    workers = [
        start(DATABASE_URL=url, RUN_LEASE_SECONDS=lease) for start in (worker, worker, clock)
    ]

    purchase(40, Site(web(DATABASE_URL=url), workers), desk, alice=alice, bob=bob)


def purchase(count: int, site: Site, desk: Desk, *, alice: User, bob: User) -> None:
    """Start, answer and finish as many runs, each step of each once, and without a fault."""
    with client_of(alice, site.web) as client, ThreadPoolExecutor(4) as pool:
        path, body = "/procedures/purchase/runs", {"folder": desk.folder}
        replies = list(pool.map(lambda _: client.post(path, json=body), range(count)))
    assert {reply.status_code for reply in replies} == {201}
    for reply in replies:
        answer(wait_for_request(Run.objects.get(pk=reply.json()["id"])), by=bob)

    ended = [RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.QUARANTINED]
    wait_until(
        lambda: Run.objects.filter(status__in=ended).count() == count, timeout=120, what="all ends"
    )
    assert {run.status for run in Run.objects.all()} == {RunStatus.SUCCEEDED}
    assert desk.effects == {"reserve": count, "pay": count, "send": count}
    assert len(desk.keys) == 3 * count
    for process in (site.web, *site.workers):
        assert "prepared statement" not in process.output
        assert "Traceback" not in process.output


@pytest.mark.parametrize(
    ("choice", "prepares"), [("auto", (True, False)), ("on", (True, True)), ("off", (False, False))]
)
def test_a_url_can_say_what_is_prepared(
    pooler: PgBouncer, choice: str, prepares: tuple[bool, bool]
) -> None:
    """The URL is that of the server itself, or of the pooler before it."""
    urls = (f"{url}?prepared_statements={choice}" for url in (machine.DATABASE_URL, pooler.url))

    assert tuple(map(is_prepared, urls)) == prepares


def is_prepared(url: str) -> bool:
    """Return True if a connection to that DATABASE_URL prepares its statements."""
    usual = connection.settings_dict
    options = usual["OPTIONS"] | dj_database_url.parse(url).get("OPTIONS", {})
    database = DatabaseWrapper(
        {**usual, **dj_database_url.parse(url), "OPTIONS": options | {"pool": False}}, "pooler"
    )
    database.ensure_connection()
    try:
        return database.connection.prepare_threshold is not None
    finally:
        database.close()


def test_the_sites_own_url_says_it() -> None:
    code = """
import django; django.setup()
from django.db import connection
connection.ensure_connection()
print(connection.connection.prepare_threshold)
"""
    url = f"{machine.DATABASE_URL}?prepared_statements=off"
    assert run_python(code, DATABASE_URL=url).splitlines()[-1] == "None"


@pytest.mark.soak
def test_statements_of_two_processes_never_take_each_others_place(pooler: PgBouncer) -> None:
    """Even told to prepare: one that is found under a name is the one that was meant."""
    code = """
import sys, django; django.setup()
from django.db import connection
from procedures.store.cursors import bare_cursor, this_database
statements = ["UPDATE auth_group SET name = %s WHERE name = %s",
              "UPDATE auth_user SET first_name = %s WHERE username = %s"]
database = this_database()
for statement in statements[:: int(sys.argv[1])]:
    with database.wrap_database_errors:
        cursor = bare_cursor(database)
        cursor.execute(statement, (sys.argv[2], "x"))
        cursor.execute(statement, (sys.argv[2], "nobody"))
"""
    Group.objects.create(name="x")
    User.objects.create_user("x")
    url = f"{pooler.url}?prepared_statements=on"
    run_python(code, "1", "first", DATABASE_URL=url)
    User.objects.filter(username="x").update(first_name="")
    run_python(code, "-1", "second", DATABASE_URL=url)

    assert User.objects.get(username="x").first_name == "second"
