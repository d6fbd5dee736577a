"""What a site that is updated keeps."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from procedures.engine.journal.events import closing
from procedures.models import Head, Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import resolve_wait, verify_journal
from tests import machine
from tests.calls import run_until_it_waits
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def newest() -> Iterator[None]:
    yield
    migrate_to(None)


def migrate_to(name: str | None) -> None:
    """`None`: to all there are."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()  # other packages' too: going back took them along
    executor.migrate(newest if name is None else [("procedures", name)])


def head_on_the_run(run: Run) -> tuple[int, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT head_seq, head_hash FROM procedures_run")
        [(seq, mark)] = cursor.fetchall()
    return seq, mark


@pytest.mark.usefixtures("newest")
def test_a_run_that_waits_goes_on_after_its_head_was_moved_back_and_forth() -> None:
    run = run_until_it_waits("question")
    head = Head.objects.get(run=run)

    migrate_to("0013_plain_ids")
    assert head_on_the_run(run) == (head.seq, head.hash)
    migrate_to(None)

    assert Head.objects.get(run=run).hash == head.hash
    decided = closing("answered", value=True, responder="system")
    resolve_wait(run.waits.get(), decided, at=clock.now())
    advance_run(run.pk)
    assert Run.objects.get(pk=run.pk).status == "succeeded"
    for fault in verify_journal(run):  # proofs and counts were moved back
        assert any(words in fault for words in ("proof is missing", ": heard ", ": said ")), fault


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.usefixtures("newest")
def test_what_a_worker_keeps_while_the_heads_are_moved_is_counted() -> None:
    run = run_until_it_waits("question")
    before = run.head_seq
    migrate_to("0013_plain_ids")

    with ThreadPoolExecutor(1) as thread:
        with psycopg.connect(machine.DATABASE_URL) as worker:
            worker.execute("UPDATE procedures_run SET head_seq = head_seq + 1")
            migrated = thread.submit(migrate_in_its_thread)
            wait_until(somebody_waits, what="the migration to wait for the worker")
        migrated.result()

    assert Head.objects.get(run=run).seq == before + 1


def migrate_in_its_thread() -> None:
    try:
        migrate_to(None)
    finally:
        connection.close()


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None
