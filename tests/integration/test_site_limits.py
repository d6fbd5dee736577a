"""Limits of a site for its runs: each setting counts, and people learn why a question is gone."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dashboard.environment.variables import Environment
from procedures.conf import conf
from procedures.engine import Limits
from procedures.engine.declaration.limits import USUAL
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import start_run, sweep
from tests import procedures
from tests.calls import request_of, run_until_it_waits
from tests.configured import configured

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()


def carried_on(name: str, **inputs: Any) -> Run:
    run, _ = start_run(name, inputs, by=None)
    advance_run(run.pk)
    run.refresh_from_db()
    return run


@pytest.mark.parametrize(
    ("limit", "name", "inputs", "words"),
    [
        ({"steps": 2}, "turn_by_turn", {"times": 3}, "limit of 2 steps"),
        ({"events": 10}, "turn_by_turn", {"times": 12}, "limit of 10 events"),
        ({"children": 0}, "calling", {"number": 2, "asks": True}, "the limit is 0"),
        ({"depth": 0}, "calling", {"number": 2, "asks": True}, "0 levels of ancestors"),
    ],
)
def test_a_site_limits_what_the_procedure_does_not(
    limit: dict[str, Any], name: str, inputs: dict[str, Any], words: str
) -> None:
    assert carried_on(name, **inputs).status != "failed"

    with configured(RUN_LIMITS={**conf.RUN_LIMITS, **limit}):
        run = carried_on(name, **inputs)

    assert run.status == "failed"
    assert words in run.error


def test_a_procedure_says_more_than_the_site() -> None:
    with configured(RUN_LIMITS={**conf.RUN_LIMITS, "steps": 1}):
        assert carried_on("three_steps_at_most", count=3).status == "succeeded"


def test_people_learn_that_the_time_of_the_run_was_up(
    admin_client: Client, admin_user: User
) -> None:
    run = run_until_it_waits("two_days_at_most", by=admin_user)
    request = request_of(run)
    clock.ahead = timedelta(days=2)

    sweep()
    advance_run(run.pk)

    request.refresh_from_db()
    run.refresh_from_db()
    assert (request.status, request.closed_by) == ("withdrawn", "system: the run's time limit")
    assert request.closed_at == run.ended_at
    page = admin_client.get(f"/runs/{run.pk}").content.decode()
    assert "This run has reached its maximum duration of 2 days." in page


@configured(RUN_LIMITS={**conf.RUN_LIMITS, "max_duration": "1 day"})
def test_a_site_limits_how_long_runs_last() -> None:
    run = run_until_it_waits("question")
    clock.ahead = timedelta(hours=25)

    sweep()
    advance_run(run.pk)

    run.refresh_from_db()
    assert run.status == "failed"


def test_what_a_site_says_of_limits_comes_from_its_environment() -> None:
    assert Limits(**Environment().run_limits()) == USUAL
    said = Environment(
        RUN_MOST_STEPS=1,
        RUN_MOST_EVENTS=10,
        RUN_MOST_CHILDREN=3,
        RUN_MOST_DEPTH=4,
        RUN_LONGEST_DAYS=1,
    )
    assert Limits(**said.run_limits()) == Limits(1, 10, 3, 4, "1 day")
