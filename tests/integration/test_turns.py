"""Runs that share their workers: each turn brings its run further, however short it is."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from procedures.engine.execute import advance
from procedures.engine.journal.events import RunStatus
from procedures.files import ContentStore
from procedures.journal import claim
from procedures.registry import find
from procedures.services import start_run
from tests import procedures
from tests.configured import configured

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_happened() -> Iterator[None]:
    procedures.forget()
    yield
    procedures.forget()


def take_a_turn(run_id: UUID) -> None:
    """Do the work of a worker whose heartbeat looks around before the replay is through."""
    journal, code = claim(run_id), find("turn_by_turn")
    assert journal
    assert code
    journal.look_around()
    advance(code, journal, ContentStore())


@configured(RUN_TURN_SECONDS=0)
def test_a_run_whose_replay_outlasts_its_turn_gets_done() -> None:
    run, other = (start_run("turn_by_turn", {"times": 3}, by=None)[0] for _ in range(2))

    for turns in (1, 2, 3):
        take_a_turn(run.pk)
        assert len(procedures.did) == turns

    run.refresh_from_db()
    other.refresh_from_db()
    assert (run.status, other.status) == (RunStatus.SUCCEEDED, RunStatus.QUEUED)
