"""Runs with a long past: what of it is read, how, and how much of it a worker holds."""

import json
import sqlite3
import sys
import tracemalloc
from functools import partial
from subprocess import run as run_command

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from procedures.conf import conf
from procedures.engine.journal.events import Batch, EventKind, NewEvent
from procedures.engine.replay.history import History
from procedures.engine.values import canonical
from procedures.journal import DatabaseJournal, claim
from procedures.models import RunInput
from procedures.models.event import READ_AT_ONCE
from procedures.models.proofs import seal
from procedures.services import start_run, verify_journal

pytestmark = pytest.mark.django_db
CONTENT = {"attempt": 1, "started_at": "2026-01-05T09:00:00+00:00", "arguments": "", "result": 1}


def held(steps: int) -> DatabaseJournal:
    """A run in the hands of a worker, with so many steps behind it."""
    run, _ = start_run("question", {}, by=None)
    journal = claim(run.pk)
    assert journal
    keys = ("act", *(f"act#{number}" for number in range(2, steps + 1)))
    drafts = [NewEvent(EventKind.STEP_SUCCEEDED, key, key, CONTENT) for key in keys]
    for at in range(0, steps, 1000):
        journal.commit(Batch(tuple(drafts[at : at + 1000])))
    return journal


@pytest.mark.parametrize("steps", [3, READ_AT_ONCE])
def test_a_journal_is_read_whole_in_few_queries(steps: int) -> None:
    journal = held(steps)

    with CaptureQueriesContext(connection) as asked:
        events = journal.load()

    assert len(asked) == 1 + steps // READ_AT_ONCE
    assert [event.seq for event in events] == list(range(1, steps + 2))
    assert events[-1].content == CONTENT
    assert events[-1].at.isoformat().endswith("+00:00")


def test_a_kept_step_takes_little_memory() -> None:
    journal, steps = held(2000), 2000
    tracemalloc.start()
    try:
        history = History(journal.load())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(history.entries) == steps
    assert peak / steps < 1400


def test_what_comes_at_once_is_taken_in_however_much_it_is(request: pytest.FixtureRequest) -> None:
    run, _ = start_run("question", {}, by=None)
    many = 9000
    came = canonical.text_of({"at": run.created_at.isoformat()})  # as all that comes from outside
    news = [RunInput(run=run, kind="wait.closed", data=came) for _ in range(many)]
    for one in news:
        seal(one)
    RunInput.objects.bulk_create(news, batch_size=1000)
    if connection.vendor == "sqlite":  # less than any is built with
        limit, driver = sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, connection.connection
        request.addfinalizer(partial(driver.setlimit, limit, driver.setlimit(limit, 8001)))

    journal = claim(run.pk)
    assert journal
    journal.commit(Batch((NewEvent(EventKind.LOG),) * many))

    assert not RunInput.objects.untaken().exists()
    run.refresh_from_db()
    assert run.head_seq == 2 * many + 2
    assert not verify_journal(run)


@pytest.mark.soak
def test_a_run_of_a_hundred_thousand_steps_is_taken_up_in_a_quarter_of_a_gigabyte() -> None:
    kind = "postgres" if connection.vendor == "postgresql" else "sqlite"
    command = [sys.executable, "-m", "bench.resume", "--database", kind, "--pairs", "1"]

    told = run_command(command, check=True, capture_output=True, text=True, cwd=conf.BASE_DIR)

    lines = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    figures = {(line["events"], line["pure"]): line["peak_mb"] for line in lines}
    assert figures[100_000, False] < 256
    assert figures[100_000, True] < 256
