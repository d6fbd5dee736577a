"""What a site that is updated keeps."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from procedures.engine.journal import closing
from procedures.models import Head, Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import resolve_wait, verify_journal
from tests.calls import run_until_it_waits

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def newest() -> Iterator[None]:
    yield
    migrate_to(None)


def migrate_to(name: str | None) -> None:
    """`None`: to all there are."""
    executor = MigrationExecutor(connection)
    leaves = executor.loader.graph.leaf_nodes("procedures")
    executor.migrate(leaves if name is None else [("procedures", name)])


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
    assert verify_journal(run) == []
