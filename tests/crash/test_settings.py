"""Changes of a run in a worker's process affect no other run."""

import json
import time

import pytest

from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.services import start_run
from procedures.slot import REPLACED_AFTER
from tests.conftest import StartWorker
from tests.procedures import settings
from tests.procedures.changes import ALL
from tests.processes import wait_until
from tests.runs import wait_for_status, wait_for_success


def begin(procedure: str, **inputs: object) -> Run:
    return start_run(procedure, inputs, by=None)[0]


def results(runs: list[Run]) -> list[object]:
    return [json.loads(wait_for_success(run).result or "") for run in runs]


@pytest.mark.django_db(transaction=True)
def test_a_run_finds_a_process_as_it_was_before_others_changed_every_setting(
    worker: StartWorker,
) -> None:
    only = worker(concurrency=1, PROCEDURE_MODULES=settings.__name__)
    [slot] = only.slots
    usual = results([begin("looking")])

    for way in ALL:
        begin("changing", way=way)
        begin("changing_between", way=way)
        wait_for_status(begin("changing", way=way, how="raises"), RunStatus.SUCCEEDED)

    assert results([begin("looking")]) == usual
    assert only.slots == [slot]


@pytest.mark.soak
def test_a_process_that_cannot_be_set_back_is_replaced_within_a_minute_and_loses_no_run(
    worker: StartWorker,
) -> None:
    only = worker(concurrency=1, PROCEDURE_MODULES=settings.__name__)
    [slot] = only.slots
    began = time.monotonic()
    results([begin("unrecoverable")])
    assert only.slots == [slot], "it is younger than a minute"

    wait_until(lambda: time.monotonic() - began > REPLACED_AFTER, timeout=90)
    assert results([begin("looking") for _ in range(3)])

    assert "settings that couldn't be restored" in only.output
    assert only.slots != [slot]
