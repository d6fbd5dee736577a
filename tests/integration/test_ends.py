"""The cost of the end of a run, and the part that a worker with many in a row pays once."""

import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from procedures.engine.journal.events import RunStatus
from procedures.journal import DatabaseJournal, claim
from procedures.lease_keeper import LeaseKeeper
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import start_run
from tests.runs import status_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_end_is_one_commit_of_few_statements() -> None:
    run = start_run("two_steps", {}, by=None)[0]

    with CaptureQueriesContext(connection) as captured:
        advance_run(run.pk)

    assert status_of(run) == RunStatus.SUCCEEDED
    said = [query["sql"] for query in captured]
    steps = [place for place, sql in enumerate(said) if "'step.succeeded'" in sql]
    kept = said.index("COMMIT", steps[-1]) if connection.vendor == "sqlite" else steps[-1]
    end = said[kept + 1 :]
    # The receivers of the tests' own procedures ask for one more.
    assert len(end) == {"sqlite": 8, "postgresql": 6}[connection.vendor] + 1
    assert end.count("COMMIT") == 1


def test_runs_that_are_held_together_share_the_thread_of_their_keeper() -> None:
    lease_keeper, one, other = LeaseKeeper(), held(), held()
    before = threading.enumerate()

    with lease_keeper.beating_for(one), lease_keeper.beating_for(other):
        begun = [thread.name for thread in threading.enumerate() if thread not in before]

    assert begun == ["lease_keeper"]


def test_a_heart_goes_on_over_a_run_that_it_cannot_see() -> None:
    """One that another transaction has begun, or that somebody has deleted."""
    journal = held()
    journal.is_paused = True
    Run.objects.all().delete()

    journal.look_around()

    assert journal.is_paused


def held() -> DatabaseJournal:
    journal = claim(start_run("two_steps", {}, by=None)[0].pk)
    assert journal
    return journal
