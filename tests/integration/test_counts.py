"""What a claim, an answer and a task cost, counted: questions to the database, and connections."""

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from procedures.journal import claim
from procedures.models import Run
from procedures.services import start_run
from tests.calls import grant, run_until_it_waits
from tests.processes import Worker
from tests.runs import answer, wait_for_request, wait_for_success

pytestmark = pytest.mark.django_db(transaction=True)
BOUNDS = ("BEGIN", "COMMIT")


@pytest.fixture
def answered(bob: User, finance: Group) -> Run:
    """A run in nobody's hands whose question has been answered."""
    grant("two_questions", finance, "answer")
    run = run_until_it_waits("two_questions")
    answer(wait_for_request(run), by=bob)
    return run


def test_a_claim_takes_in_an_answer_with_five_statements(answered: Run) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert claim(answered.pk)

    said = [query["sql"] for query in captured]
    assert sum(not one.startswith(BOUNDS) for one in said) == 5
    assert sum(one.startswith("COMMIT") for one in said) == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connections to count")
def test_a_worker_keeps_its_connections_between_tasks(running_worker: Worker) -> None:
    count = 4 * len(running_worker.slots)
    runs = [start_run("whose_connection", {}, by=None)[0] for _ in range(count)]

    used = {wait_for_success(run).result for run in runs}

    assert len(used) <= len(running_worker.slots)
