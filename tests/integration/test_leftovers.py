"""Leftovers of steps on database connections are found at once, and harm no other run."""

import gc
import json
from typing import get_args
from uuid import UUID

import pytest

from procedures.engine.journal.events import RunStatus
from procedures.models import Event, Run
from procedures.runner import advance_run
from procedures.services import start_run
from tests.procedures.careless import HELD, Inside, Way

pytestmark = pytest.mark.django_db(transaction=True)
SET = ("session", "composed", "behind", "function", "temporary", "driver")
CLEAN = ("clean", "wrapper", *SET)


def carried_on(procedure: str, **inputs: str) -> Run:
    run, _ = start_run(procedure, inputs, by=None)
    advance_run(UUID(str(run.pk)))
    run.refresh_from_db()
    return run


def usual_session() -> str | None:
    return carried_on("careless", way="clean").result


@pytest.mark.parametrize("way", get_args(Way))
def test_a_step_that_leaves_its_connection_unclean_fails_in_words_and_the_next_finds_it_clean(
    way: str,
) -> None:
    usual = usual_session()

    run = carried_on("careless", way=way)

    assert (run.status, run.result) == (RunStatus.SUCCEEDED, usual)
    failed = [event.content for event in run.events.filter(kind="step.failed")]
    assert [one["type"] for one in failed] == (
        [] if way in CLEAN else ["ValueError"] if way == "raised" else ["LeftOpenError"]
    )
    HELD.clear()
    gc.collect()
    assert carried_on("careless", way="clean").status == RunStatus.SUCCEEDED


@pytest.mark.parametrize("way", get_args(Inside))
def test_a_step_that_breaks_its_own_transaction_fails_in_words(way: str) -> None:
    usual = usual_session()

    run = carried_on("breaking", way=way)

    assert (run.status, run.result) == (RunStatus.SUCCEEDED, usual)
    [failed] = run.events.filter(kind="step.failed")
    assert failed.content["type"] == "LeftOpenError"


@pytest.mark.parametrize("way", ["dropped", "held", "begin", "autocommit"])
def test_code_that_leaves_a_transaction_open_between_steps_is_quarantined_with_a_remedy(
    way: str,
) -> None:
    run = carried_on("careless_between", way=way)

    assert run.status == RunStatus.QUARANTINED
    assert json.loads(run.error)["remedy"].startswith("Make the code finish")
    assert Event.objects.filter(run=run, kind="run.quarantined").exists()
    HELD.clear()
    assert carried_on("careless", way="clean").status == RunStatus.SUCCEEDED
