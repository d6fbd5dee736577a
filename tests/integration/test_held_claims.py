"""Claims in a database that is marked as a copy while its workers run."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from procedures import services, tasks
from procedures.models import Installation, Run
from procedures.models.clock import clock
from procedures.services import start_run
from procedures.services.installation import Gate

pytestmark = pytest.mark.django_db(transaction=True)


def queued() -> Run:
    return start_run("repeated_steps", {"times": 1}, by=None)[0]


def status(run: Run) -> str:
    return Run.objects.get(pk=run.pk).status


def advance() -> None:
    try:
        tasks.advance_runs()
    finally:
        connection.close()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The gate of a process that has once found itself at its own site."""
    gate = Gate()
    monkeypatch.setattr(services, "gate", gate)
    assert gate.is_open()
    return gate


def test_nothing_is_claimed_from_the_mark_on_without_another_look(
    site: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An answered run would wait for such a look before each claim.
    monkeypatch.setattr(site, "_look", lambda: pytest.fail("The gate has looked."))
    run = queued()
    Installation.objects.update(held_at=clock.now())

    tasks.advance_runs()
    assert status(run) == "queued"

    Installation.objects.update(held_at=None)
    tasks.advance_runs()
    assert status(run) == "succeeded"


@pytest.mark.usefixtures("site")
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one lock")
def test_no_worker_waits_for_a_locked_run_of_a_copy() -> None:
    run = queued()
    Installation.objects.update(held_at=clock.now())

    with ThreadPoolExecutor(1) as worker, transaction.atomic():
        Run.objects.locked().get(pk=run.pk)
        worker.submit(advance).result(timeout=30)

    assert status(run) == "queued"
