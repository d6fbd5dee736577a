"""The cost of a map: each child the same, and never all of them in one transaction."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from procedures import hooks
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import start_run, sweep
from tests import procedures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_happened() -> Iterator[None]:
    procedures.forget()
    yield
    procedures.forget()


@pytest.fixture
def dying_at() -> Iterator[Callable[[int], None]]:
    """The commit of a child of that number is lost, once."""
    numbers: list[int] = []

    def die(run: Run, **_: Any) -> None:
        if run.parent_number in numbers:
            numbers.remove(run.parent_number)
            raise OSError

    hooks.run_started.connect(die)
    yield numbers.append
    hooks.run_started.disconnect(die)


def mapped(count: int, *, at_most: int = 2) -> Run:
    inputs = {"numbers": [*range(1, count + 1)], "at_most": at_most}
    run = start_run("mapping", inputs, by=None)[0]
    advance_run(run.pk)
    return run


def children(run: Run) -> list[Run]:
    return list(Run.objects.filter(parent_wait__run=run).order_by("pk"))


def test_the_next_child_costs_the_same_of_however_many() -> None:
    queries = []
    for count in (3, 1_000):
        run = mapped(count)
        with CaptureQueriesContext(connection) as captured:
            advance_run(children(run)[0].pk)
        assert [child.inputs for child in children(run)] == [
            f'{{"asks":false,"number":{number}}}' for number in (1, 2, 3)
        ]
        assert len(run.events.get(kind="child.started").data) < 1_000
        queries.append(len(captured))

    assert queries[0] == queries[1]


def test_many_at_a_time_are_begun_a_hundred_in_a_transaction() -> None:
    with CaptureQueriesContext(connection) as captured:
        run = mapped(230, at_most=220)

    wait = run.waits.get()
    assert len(children(run)) == wait.begun == 220
    assert not wait.is_behind
    counted = [query for query in captured if "begun" in query["sql"].split(" WHERE ")[0]]
    assert len([query for query in counted if query["sql"].startswith("UPDATE")]) == 3


def test_a_worker_that_dies_meanwhile_leaves_the_rest_to_the_sweep(
    dying_at: Callable[[int], None],
) -> None:
    dying_at(150)
    run = mapped(230, at_most=220)
    assert len(children(run)) == 100

    sweep()
    assert len(children(run)) == 200
    sweep()
    sweep()

    assert [child.parent_number for child in children(run)] == [*range(220)]
    run.refresh_from_db()
    assert run.status == RunStatus.WAITING
