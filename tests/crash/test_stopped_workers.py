"""Workers that are told to stop, and what the platform raises inside steps."""

import json
import os
import signal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from tests.conftest import StartWorker
from tests.crash.conftest import TakeOver
from tests.desk import Desk
from tests.processes import Worker, wait_until
from tests.runs import journal_of, start, wait_for_status, wait_for_success

KEPT = [
    "step.succeeded plain",
    "step.started once",
    "step.succeeded once",
    "step.succeeded row",
    "step.succeeded last",
]


def steps_of(run: Run) -> list[str]:
    return [line for line in journal_of(run) if line.startswith("step.")]


def assert_nothing_is_lost(run: Run, desk: Desk) -> None:
    """Each step was done and kept once, and nothing was undone."""
    assert steps_of(wait_for_success(run)) == KEPT
    assert desk.effects == {"plain": 1, "once": 1, "last": 1}
    assert [row.object_repr for row in LogEntry.objects.all()] == [f"{run.pk}:row"]


@pytest.mark.parametrize(
    ("whom", "gate"),
    [
        ("group", "after plain"),
        ("group", "after once"),
        ("main", "after row"),
        *(
            pytest.param(whom, gate, marks=pytest.mark.soak)
            for whom, gate in (
                ("group", "after row"),
                ("main", "after plain"),
                ("main", "after once"),
            )
        ),
    ],
)
def test_a_step_at_work_is_kept_when_its_worker_is_told_to_stop(
    whom: str, gate: str, worker: StartWorker, take_over: TakeOver, desk: Desk, alice: User
) -> None:
    first = worker(concurrency=1, STOP_SECONDS="10")
    with desk.closed(gate):
        run = start("three_kinds", folder=desk.folder, by=alice)
        desk.wait_for_arrivals(gate)
        tell = os.killpg if whom == "group" else os.kill
        tell(first.pid, signal.SIGTERM)
        wait_until(lambda: "Warm shutdown" in first.output, what="the worker to stop")
    first.stop_group()

    left = wait_for_status(run, RunStatus.QUEUED)
    assert (journal_of(left)[-1], left.head.claims) == ("run.suspended", 0)
    take_over()
    assert_nothing_is_lost(run, desk)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        *(
            pytest.param(number, marks=pytest.mark.soak)
            for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
        ),
    ],
)
def test_a_slot_outlives_what_signals_it_alone(
    number: signal.Signals, running_worker: Worker, desk: Desk, alice: User
) -> None:
    with desk.closed("after work"):
        run = start("one_step", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("after work")
        slots = running_worker.slots
        for pid in slots:
            os.kill(pid, number)

    assert wait_for_success(run).epoch == 1
    assert set(running_worker.slots) == set(slots)
    assert desk.effects == {"work": 1}


def test_a_program_that_a_stop_ended_with_its_worker_fails_nothing(
    worker: StartWorker, take_over: TakeOver, desk: Desk, alice: User
) -> None:
    first = worker(concurrency=1)
    with desk.closed("program"):
        run = start("program", folder=desk.folder, by=alice)
        wait_until(lambda: desk.effects["program"], what="the program to start")
        first.stop_group()

    assert steps_of(wait_for_status(run, RunStatus.QUEUED)) == []
    take_over()
    wait_for_success(run)
    assert (desk.effects, len(desk.keys)) == ({"program": 2}, 1)


@pytest.mark.usefixtures("running_clock")
def test_a_step_that_outlasts_the_stop_is_cut_off_as_by_a_kill(
    worker: StartWorker, take_over: TakeOver, desk: Desk, alice: User
) -> None:
    first = worker(concurrency=1, STOP_SECONDS="0.5")
    with desk.closed("after plain"):
        run = start("three_kinds", folder=desk.folder, by=alice)
        desk.wait_for_arrivals("after plain")
        first.stop_group()

    take_over()
    assert steps_of(wait_for_success(run)) == KEPT
    assert (desk.effects["plain"], desk.effects["undo"]) == (2, 0)


@pytest.mark.parametrize(
    ("how", "kind"),
    [("exit", "SystemExit"), ("interrupt", "KeyboardInterrupt"), ("os error", "OSError")],
)
def test_what_an_author_raises_himself_stays_his_failure_and_is_tried_again(
    how: str, kind: str, running_worker: Worker, desk: Desk, alice: User
) -> None:
    run = start("leaving", folder=desk.folder, how=how, by=alice)

    wait_for_status(run, RunStatus.FAILED)
    failed = run.events.filter(kind="step.failed")
    assert [event.content["type"] for event in failed] == [kind, kind]
    assert desk.effects == {"leave": 2}


@pytest.mark.parametrize("how", ["raised", "killed"])
@pytest.mark.usefixtures("running_clock", "running_worker")
def test_a_step_that_needs_too_much_memory_is_poison_and_no_failure(
    how: str, desk: Desk, alice: User
) -> None:
    run = start("hungry", folder=desk.folder, how=how, by=alice)

    error = json.loads(wait_for_status(run, RunStatus.QUARANTINED).error)
    assert "memory" in error["message"] + error["remedy"]
    assert steps_of(run) == []
    assert (desk.effects, len(desk.keys)) == ({"eat": 3}, 1)


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
def test_a_step_may_use_processes_of_its_own(how: str, running_worker: Worker, alice: User) -> None:
    run = start("parallel", how=how, by=alice)

    assert wait_for_success(run).result == "[1,4,9]"
