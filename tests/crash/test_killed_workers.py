"""Workers that die with everything in their hands."""

import json

import pytest
from django.contrib.auth.models import User

from chat.models import HumanRequest, Message
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from tests.conftest import StartWorker
from tests.crash.conftest import TakeOver
from tests.desk import Desk
from tests.processes import wait_until
from tests.runs import (
    answer,
    everything_about,
    journal_of,
    start,
    wait_for_request,
    wait_for_status,
    wait_for_success,
)

UNDISTURBED = [
    "run.started",
    "step.succeeded reserve",
    "wait.opened approve",
    "run.suspended",
    "wait.closed approve",
    "run.resumed",
    "step.succeeded pay",
    "step.succeeded send",
    "run.succeeded",
]
"""The journal of a purchase whose worker never died."""


def assert_nothing_shows(run: Run) -> None:
    """The run ended as if nothing had happened, and nobody was asked twice."""
    assert journal_of(wait_for_success(run)) == UNDISTURBED
    assert HumanRequest.objects.filter(wait__run=run).count() == 1
    assert Message.objects.filter(run=run, kind=Message.Kind.REQUEST).count() == 1


@pytest.mark.usefixtures("running_clock")
@pytest.mark.parametrize(
    "gate",
    [
        pytest.param("before reserve", marks=pytest.mark.soak),
        "reserve to question",
        "after reserve",
    ],
)
def test_a_run_whose_worker_is_killed_before_its_question_asks_once(
    gate: str, worker: StartWorker, take_over: TakeOver, desk: Desk, alice: User, bob: User
) -> None:
    first = worker()
    with desk.closed(gate):
        run = start("purchase", folder=desk.folder, by=alice)
        desk.wait_for_arrivals(gate)
        first.kill()

    take_over()
    answer(wait_for_request(run), by=bob)

    assert_nothing_shows(run)
    repeats = 1 if gate == "after reserve" else 0
    assert desk.effects == {"reserve": 1 + repeats, "pay": 1, "send": 1}
    assert desk.keys == {f"{run.pk}:{step}" for step in ("reserve", "pay", "send")}


@pytest.mark.usefixtures("running_clock")
@pytest.mark.parametrize(
    "gate", ["before pay", "pay to send", pytest.param("after pay", marks=pytest.mark.soak)]
)
def test_a_run_whose_worker_is_killed_after_an_answer_uses_it_and_asks_nothing(
    gate: str, worker: StartWorker, take_over: TakeOver, desk: Desk, alice: User, bob: User
) -> None:
    first = worker()
    with desk.closed(gate):
        run = start("purchase", folder=desk.folder, by=alice)
        answer(wait_for_request(run), by=bob)
        desk.wait_for_arrivals(gate)
        first.kill()

    take_over()

    assert_nothing_shows(run)
    repeats = 1 if gate == "after pay" else 0
    assert desk.effects == {"reserve": 1, "pay": 1 + repeats, "send": 1}
    assert desk.keys == {f"{run.pk}:{step}" for step in ("reserve", "pay", "send")}


def test_an_answer_given_while_every_worker_is_dead_is_used_by_the_next(
    worker: StartWorker, take_over: TakeOver, desk: Desk, alice: User, bob: User
) -> None:
    first = worker()
    run = start("purchase", folder=desk.folder, by=alice)
    request = wait_for_request(run)
    first.kill()

    answer(request, by=bob)
    take_over()

    assert_nothing_shows(run)
    assert desk.effects == {"reserve": 1, "pay": 1, "send": 1}


@pytest.mark.usefixtures("running_clock")
def test_a_worker_that_was_paused_beyond_its_lease_writes_nothing(
    worker: StartWorker, take_over: TakeOver, desk: Desk, alice: User
) -> None:
    zombie = worker(concurrency=1)
    with desk.closed("after work"):
        run = start("one_step", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("after work")
        zombie.pause()
    take_over()
    wait_for_success(run)
    kept = everything_about(run)

    zombie.go_on()
    wait_until(
        lambda: "is held by another worker now" in zombie.output,
        timeout=60,
        what="the zombie to notice",
    )

    assert journal_of(run) == ["run.started", "step.succeeded work", "run.succeeded"]
    assert everything_about(run) == kept
    assert desk.effects["work"] >= 2  # a slow machine may lose a lease of two seconds once more
    assert desk.keys == {f"{run.pk}:work"}


@pytest.mark.usefixtures("running_clock", "running_worker")
def test_a_run_that_kills_three_workers_is_quarantined_with_a_remedy(
    desk: Desk, alice: User
) -> None:
    run = start("poison", folder=desk.folder, by=alice)

    found = wait_for_status(run, RunStatus.QUARANTINED, timeout=60)

    error = json.loads(found.error)
    words = "Three consecutive workers failed on this run without completing a step."
    assert error["message"] == words
    assert error["remedy"] == (
        "Find out why the workers fail (often they run out of memory), then retry."
    )
    assert journal_of(run) == ["run.started", "run.quarantined"]
    assert desk.effects == {"die": 3}
    assert desk.keys == {f"{run.pk}:die"}
