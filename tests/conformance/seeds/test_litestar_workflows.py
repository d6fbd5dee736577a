"""litestar-workflows, SEEDS.md §4: what was seen when its code was run, as it is right.

| fault                                                  | its test here                           |
|--------------------------------------------------------|-----------------------------------------|
| after a human step the run never continues             | a_run_continues_after_each_person       |
| the database engine loses the human's data             | what_a_person_said_is_kept              |
| a human step reached by fan-out runs with nobody asked | every_branch_asks, every_child_asks     |
| after parallel branches the run is marked complete and | the_join_runs_after_the_last_branch     |
| the join never runs                                    |                                         |
| conditions given as text are always true               | a_condition_is_what_was_answered        |
| running instances are lost on exit                     | a_run_outlives_its_worker               |
| `completed_by` is whatever the body says               | `tests.integration.test_seeds_people`   |
"""

from datetime import timedelta
from typing import Any

import pytest

from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did, saw

ANN, BEN = "gather/ask_ann/approve", "gather/ask_ben/approve"


def test_a_run_continues_after_each_person(backend: Backend) -> None:
    run_id = backend.start(procedures.parcel)
    backend.advance(run_id)
    assert did == ["pack"]

    answer(backend, run_id, "ask", value=7)
    assert backend.status(run_id) == RunStatus.QUEUED
    backend.advance_all()
    assert did == ["pack", "weigh 7"]
    answer(backend, run_id, "approve")
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.SUCCEEDED
    assert did == ["pack", "weigh 7", "send"]


def test_what_a_person_said_is_kept_with_name_and_comment(backend: Backend) -> None:
    run_id = backend.start(procedures.parcel)
    backend.advance(run_id)
    answer(backend, run_id, "ask", value=7)
    backend.advance(run_id)

    [closed] = [e for e in backend.events(run_id) if e.kind == EventKind.WAIT_CLOSED]
    said = {name: closed.content[name] for name in ("value", "responder", "comment")}
    assert said == {"value": 7, "responder": "bob", "comment": "Fine."}
    answer(backend, run_id, "approve")
    backend.advance(run_id)
    assert backend.result(run_id) == '[7,"bob","Fine."]'


def test_every_branch_asks_and_goes_no_further(backend: Backend) -> None:
    run_id = backend.start(procedures.two_branches)

    assert backend.advance(run_id) == RunStatus.WAITING

    assert {*backend.open_waits(run_id)} == {ANN, BEN}
    assert did == ["ann", "ben"]


def test_every_child_asks_and_goes_no_further(backend: Backend) -> None:
    run_id = backend.start(procedures.asked_in_children)
    backend.advance_all()
    children = backend.children(run_id)

    assert [list(backend.open_waits(child)) for child in children] == [["approve"]] * 2
    assert backend.status(run_id) == RunStatus.WAITING
    for child in children:
        answer(backend, child, "approve")
    backend.advance_all()
    assert backend.result(run_id) == "[2,4]"


def test_the_join_runs_after_the_last_branch_and_not_before(backend: Backend) -> None:
    run_id = backend.start(procedures.two_branches)
    backend.advance(run_id)

    answer(backend, run_id, BEN)
    assert backend.advance(run_id) == RunStatus.WAITING
    assert "joined" not in did
    answer(backend, run_id, ANN)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert did[-1] == "joined"


@pytest.mark.parametrize(
    ("needs", "key", "no", "yes"),
    [
        ("approval", "approve", False, True),
        ("yes or no", "ask", False, True),
        ("choice", "choose", "false", "true"),
    ],
)
def test_a_condition_is_what_was_answered(
    backend: Backend, needs: str, key: str, no: Any, yes: Any
) -> None:
    for value, end in ((no, "refuse"), (yes, "pay")):
        run_id = backend.start(procedures.pays_on_condition, needs=needs)
        backend.advance(run_id)

        answer(backend, run_id, key, value=value)
        backend.advance(run_id)

        assert backend.result(run_id) == f'"{end}"'
        assert did.pop() == end


def test_a_condition_on_silence_is_the_declared_default(backend: Backend) -> None:
    run_id = backend.start(procedures.pays_on_condition, needs="silence")
    backend.advance(run_id)

    backend.travel(timedelta(hours=1))
    backend.advance_all()

    assert backend.result(run_id) == '"refuse"'


def test_a_run_outlives_its_worker(backend: Backend) -> None:
    saw.append("dies")
    run_id = backend.start(procedures.transferring_between_steps)
    with pytest.raises(KeyboardInterrupt):
        backend.advance(run_id)

    backend.lose_lease(run_id)
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    key = f"{run_id}:transfer"
    assert did == ["before", key, key, "after"]
