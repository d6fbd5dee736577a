"""Runs that never come back from their code, and the slots that they hold."""

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from procedures.engine.journal import RunStatus
from procedures.models import Run
from procedures.overview import listed_runs
from procedures.services import cancel_run, complaints, force_end_run, slots
from tests.conftest import StartClock, StartWorker
from tests.desk import Desk
from tests.processes import Worker, wait_until
from tests.runs import start, wait_for_status, wait_for_success

SILENT = "1"
ENDS_WITHIN = 5


def wait_for_begun(runs: list[Run]) -> None:
    wait_until(
        lambda: all(run.events.filter(kind="step.succeeded").exists() for run in runs),
        timeout=60,
        what="all to be at work",
    )


def hold_all(where: list[str], by: User) -> list[Run]:
    runs = [start("never_back", where=one, by=by) for one in where]
    wait_for_begun(runs)
    return runs


def wait_until_free(worker: Worker, before: set[int]) -> None:
    """The processes that never came back have ended, in time."""
    wait_until(
        lambda: before.isdisjoint(worker.slots), timeout=ENDS_WITHIN, what="the slots to be free"
    )


def test_four_runs_that_never_come_back_are_named_and_ended_and_free_their_slots(
    worker: StartWorker,
    desk: Desk,
    alice: User,
    dave: User,
    settings: Settings,
) -> None:
    settings.RUN_SILENT_SECONDS = 1
    four = worker(concurrency=4, RUN_SILENT_SECONDS=SILENT)
    before = set(four.slots)
    runs = hold_all(["step", "between", "in C", "between"], alice)
    queued = start("one_step", folder=desk.folder, by=alice)

    wait_until(lambda: sum(one.is_stuck for one in slots()) == 4, timeout=30, what="all to show")
    [complaint] = [one.message for one in complaints() if one.part == "workers"]
    assert all(str(run.pk)[-8:] in complaint for run in runs)
    told = [str(one.state.sentence) for one in listed_runs(Run.objects.filter(status="running"))]
    assert all("tuck" in sentence for sentence in told)
    assert queued.status == RunStatus.QUEUED

    for run in runs:
        force_end_run(run.pk, by=dave, reason="It never ends.")
    wait_until_free(four, before)
    wait_for_success(queued)
    assert {wait_for_status(run, RunStatus.CANCELLED).status for run in runs} == {"cancelled"}


@pytest.mark.usefixtures("running_clock")
@pytest.mark.parametrize("where", ["step", "between"])
def test_a_cancel_reaches_a_run_that_is_stuck(
    where: str, worker: StartWorker, clock: StartClock, alice: User, dave: User
) -> None:
    clock(RUN_SILENT_SECONDS=SILENT)
    worker(concurrency=1, RUN_SILENT_SECONDS=SILENT)
    [run] = hold_all([where], alice)

    cancel_run(run.pk, by=dave, reason="Not needed.")

    wait_for_status(run, RunStatus.CANCELLED, timeout=30)
