"""Steps that outlast their time, and runs that outlast their turn."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection

from procedures.engine.journal.events import EventKind, RunStatus
from procedures.models import Run
from tests.conftest import StartWorker
from tests.desk import Desk
from tests.processes import Worker, wait_until
from tests.runs import journal_of, start, wait_for_status, wait_for_success


def wait_for_event(run: Run, kind: EventKind) -> dict[str, object]:
    found = wait_until(
        lambda: run.events.filter(kind=kind).first(), timeout=30, what=f"{run} to note {kind}"
    )
    assert found
    content: dict[str, object] = found.content
    return content


def wait_for_renewals(run: Run, count: int = 2) -> None:
    """The second renewal after something happened follows a look around after it."""
    for _ in range(count):
        held = Run.objects.values_list("leased_until", flat=True).get(pk=run.pk)
        wait_until(
            Run.objects.filter(pk=run.pk, leased_until__gt=held).exists, what="the lease's renewal"
        )


def test_a_step_beyond_its_timeout_is_stopped_by_an_exception_in_place(
    running_worker: Worker, desk: Desk, alice: User
) -> None:
    slots = running_worker.slots
    with desk.closed("after work"):
        run = start("slow_step", folder=desk.folder, by=alice)
        ended = wait_for_status(run, RunStatus.FAILED)

    assert json.loads(ended.error)["type"] == "StepFailedError"
    assert wait_for_event(run, EventKind.STEP_FAILED)["type"] == "StepTimeoutError"
    assert journal_of(run) == ["run.started", "step.failed work", "run.failed"]
    assert (ended.epoch, desk.effects) == (1, {"work": 1})
    assert running_worker.slots == slots


@pytest.mark.usefixtures("running_clock")
def test_a_step_that_no_exception_stops_dies_with_its_process_and_fails_or_is_tried_again(
    running_worker: Worker, desk: Desk, alice: User
) -> None:
    with desk.closed("after again"), desk.closed("after never"):
        again = start("stuck_step", folder=desk.folder, name="again", attempts=2, by=alice)
        never = start("stuck_step", folder=desk.folder, name="never", by=alice)
        told = [wait_for_event(run, EventKind.STEP_FAILED) for run in (again, never)]

    assert json.loads(wait_for_status(never, RunStatus.FAILED).error)["type"] == "StepFailedError"
    wait_for_success(again)
    assert [(one["type"], one["final"]) for one in told] == [
        ("StepTimeoutError", False),
        ("StepTimeoutError", True),
    ]
    assert journal_of(never) == ["run.started", "step.failed never", "run.failed"]
    assert journal_of(again) == [
        "run.started",
        "step.failed again",
        "step.succeeded again",
        "run.succeeded",
    ]
    assert desk.effects == {"again": 2, "never": 1}
    assert desk.keys == {f"{again.pk}:again", f"{never.pk}:never"}
    stuck = {one.name: one.pid for one in reversed(desk.lines)}  # of each, the first attempt
    wait_until(
        lambda: set(stuck.values()).isdisjoint(running_worker.slots),
        what="the processes of the first attempts to be gone",
    )


@pytest.mark.usefixtures("running_clock", "running_worker")
def test_a_stuck_step_in_a_transaction_dies_with_its_process_and_leaves_no_row(
    desk: Desk, alice: User
) -> None:
    with desk.closed("after note"):
        run = start("stuck_transaction", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("after note")
        if connection.vendor == "postgresql":
            assert wait_for_event(run, EventKind.STEP_FAILED)["type"] == "StepTimeoutError"
        else:  # it holds the one write lock itself: nothing can be noted
            wait_until(lambda: Run.objects.get(pk=run.pk).epoch == 2, timeout=30)

    wait_for_success(run)
    assert journal_of(run)[-2:] == ["step.succeeded note", "run.succeeded"]
    assert [row.object_repr for row in LogEntry.objects.all()] == [f"{run.pk}:note"]


def test_a_run_whose_turn_is_over_yields_between_steps_when_others_wait_and_only_then(
    worker: StartWorker, desk: Desk, alice: User
) -> None:
    worker(concurrency=1, RUN_TURN_SECONDS="0.1")
    with desk.closed("before work#2"):
        alone = start("three_steps", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("before work#2")
        wait_for_renewals(alone)
    wait_for_success(alone)
    with desk.closed("before work#2"):
        long = start("three_steps", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("before work#2", count=2)
        short = start("one_step", folder=desk.folder, by=alice)
        wait_for_renewals(long)
    for run in (long, short):
        wait_for_success(run)

    steps = ["step.succeeded work", "step.succeeded work#2", "step.succeeded work#3"]
    assert journal_of(alone) == ["run.started", *steps, "run.succeeded"]
    yielded = [*steps[:2], "run.suspended", steps[2]]
    assert journal_of(long) == ["run.started", *yielded, "run.succeeded"]
    assert wait_for_event(long, EventKind.RUN_SUSPENDED)["on"] == "others"
    order = [f"{long.pk}:work", f"{long.pk}:work#2", f"{short.pk}:work", f"{long.pk}:work#3"]
    assert desk.order[3:] == order
