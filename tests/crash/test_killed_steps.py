"""Processes that die in steps which write rows, happen once, or undo others."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from chat.models import HumanRequest
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.services import cancel_run
from tests.desk import Desk
from tests.runs import (
    answer,
    journal_of,
    start,
    wait_for_request,
    wait_for_status,
    wait_for_success,
)

pytestmark = pytest.mark.usefixtures("running_clock", "running_worker")
UNDOING = [f"step.succeeded undo/{name}" for name in "cba"]


def rows() -> list[str]:
    return [row.object_repr for row in LogEntry.objects.all()]


@pytest.mark.parametrize("gate", ["before note", "after note", "after work"])
def test_a_row_written_with_its_step_is_there_once_wherever_the_process_dies(
    gate: str, desk: Desk, alice: User
) -> None:
    desk.kill_at(gate)
    run = start("row_and_step", folder=desk.folder, by=alice)

    assert wait_for_success(run).epoch == 2
    assert journal_of(run) == [
        "run.started",
        "step.succeeded note",
        "step.succeeded work",
        "run.succeeded",
    ]
    assert rows() == [f"{run.pk}:note"]
    assert desk.effects == {"work": 2 if gate == "after work" else 1}
    assert desk.keys == {f"{run.pk}:work"}


def test_a_row_is_there_neither_before_its_commit_nor_when_its_step_fails(
    desk: Desk, alice: User
) -> None:
    desk.kill_at("before note")
    run = start("failing_row", folder=desk.folder, by=alice)

    wait_for_status(run, RunStatus.FAILED)
    assert journal_of(run) == ["run.started", "step.failed note", "run.failed"]
    assert rows() == []


def start_in_doubt(name: str, desk: Desk, by: User) -> Run:
    desk.kill_at(f"after {name}")
    return start("once_only", folder=desk.folder, name=name, by=by)


def doubt_of(run: Run, prompt: str) -> HumanRequest:
    request = wait_for_request(run, prompt=prompt)
    assert [str(asked) for asked in request.assignments.all()] == ["operators"]
    return request


def test_of_a_step_that_happens_once_operators_say_what_became_of_it(
    desk: Desk, alice: User, dave: User
) -> None:
    names = ["repeated", "happened", "failed"]
    repeated, happened, failed = (start_in_doubt(name, desk, by=alice) for name in names)

    for run, name, said in zip(
        (repeated, happened, failed), names, ("repeat", "happened", "fail"), strict=True
    ):
        answer(doubt_of(run, f"Did the step {name} take effect?"), value=said, by=dave)
    answer(doubt_of(happened, "What was the result"), value='"by hand"', by=dave)

    results = [wait_for_success(run).result for run in (repeated, happened)]
    assert results == ['"repeated"', '"by hand"']
    error = json.loads(wait_for_status(failed, RunStatus.FAILED).error)
    assert "dave let the step fail, although it may have taken effect." in error["message"]
    assert desk.effects == {"repeated": 2, "happened": 1, "failed": 1}
    assert desk.keys == {
        f"{run.pk}:{run_name}"
        for run, run_name in zip((repeated, happened, failed), names, strict=True)
    }
    assert HumanRequest.objects.count() == 4


@pytest.mark.parametrize(
    ("how", "gate"), [("failed", "before undo-b"), ("cancelled", "after undo-b")]
)
def test_what_is_undone_is_not_undone_again_when_the_process_dies(
    how: str, gate: str, desk: Desk, alice: User, dave: User
) -> None:
    desk.kill_at(gate)
    run = start("undone", folder=desk.folder, how=how, by=alice)
    if how == "cancelled":
        wait_for_request(run)
        cancel_run(run.pk, by=dave, reason="Not needed.")

    wait_for_status(run, RunStatus(how))
    assert [line for line in journal_of(run) if "undo/" in line] == UNDOING
    assert journal_of(run)[-1] == f"run.{how}"
    repeats = 1 if gate == "after undo-b" else 0
    once = {name: 1 for step in "abc" for name in (step, f"undo-{step}")}
    assert desk.effects == once | {"undo-b": 1 + repeats}
    assert len(desk.keys) == 6
