"""Time takes effect when it should: whatever the workers do, and wherever the clock has been."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from chat.models import HumanRequest
from procedures.models import Run, Wait
from tests.conftest import StartClock
from tests.desk import Desk
from tests.processes import promised, wait_until
from tests.runs import start, wait_for_success

LATEST = 2
"""Seconds, the longest delay of a deadline or a timer, as the product promises it."""


def waits_of(runs: list[Run]) -> list[Wait]:
    return list(Wait.objects.filter(run__in=runs).order_by("due_at"))


@pytest.mark.usefixtures("running_clock", "running_worker")
@pytest.mark.parametrize(
    "seconds", [range(4, 8), pytest.param(range(5, 66, 6), id="a minute", marks=pytest.mark.soak)]
)
def test_deadlines_and_timers_take_effect_while_every_worker_is_busy(
    seconds: range, desk: Desk, alice: User
) -> None:
    runs = [
        start(procedure, seconds=length, by=alice)
        for length in seconds
        for procedure in ("short_deadline", "short_sleep")
    ]
    wait_until(lambda: len(waits_of(runs)) == len(runs), what="every run to wait")
    with desk.closed("before work"):
        blockers = [start("one_step", folder=desk.folder, by=alice) for _ in range(2)]
        desk.wait_for_arrivals("before work", count=2)
        left = [wait.pk for wait in waits_of(runs) if wait.is_open]
        assert left, "nothing becomes due while they are busy"

        until_all_are_due = seconds.stop + 15
        wait_until(
            lambda: not Wait.objects.open().exists(),
            until_all_are_due,
            what="every wait to be closed",
        )

        assert not desk.effects
        latest = timedelta(seconds=promised(LATEST))
        for wait in Wait.objects.filter(pk__in=left):
            assert wait.due_at
            assert wait.closed_at
            assert timedelta(0) <= wait.closed_at - wait.due_at <= latest

    for run in [*runs, *blockers]:
        wait_for_success(run)
    for request in HumanRequest.objects.all():
        assert (request.status, request.closed_by) == ("expired", "system: deadline")
        assert request.closed_at == request.wait.closed_at


@pytest.mark.usefixtures("running_worker")
def test_what_became_due_while_the_clock_was_dead_takes_effect_when_it_is_back(
    clock: StartClock, alice: User
) -> None:
    first = clock()
    first.kill()
    runs = [start(name, seconds=0.2, by=alice) for name in ("short_deadline", "short_sleep")]
    wait_until(lambda: len(waits_of(runs)) == len(runs), what="both runs to wait")
    wait_until(lambda: Wait.objects.due(now()).count() == len(runs), what="both to be due")

    first.start()

    for run in runs:
        wait_for_success(run)
    assert {wait.outcome for wait in waits_of(runs)} == {"defaulted", "elapsed"}
