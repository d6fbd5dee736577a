"""Retries of what failed in a branch or by a child: what is kept stays kept."""

import pytest

from procedures.engine.journal.events import RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer, result_of
from tests.procedures import did, saw

ANN = "gather/ask_ann/approve"


def failed(backend: Backend, run_id: str) -> str:
    backend.advance_all()
    assert backend.status(run_id) == RunStatus.FAILED
    return run_id


def retried(backend: Backend, run_id: str) -> None:
    saw.append("mended")
    backend.retry(run_id)
    backend.advance_all()


@pytest.mark.parametrize("within", ["", "gather", "call"])
def test_a_broken_branch_is_tried_again_and_the_others_stay_kept(
    backend: Backend, within: str
) -> None:
    run_id = failed(backend, backend.start(procedures.broken_branch, within=within))
    assert not backend.open_waits(run_id)
    backend.retry(run_id)
    failed(backend, run_id)
    before = [*did]

    retried(backend, run_id)
    assert list(backend.open_waits(run_id)) == [ANN]
    answer(backend, run_id, ANN)
    backend.advance_all()

    broken = {"": "fine", "gather": ["fine"], "call": "fine 0"}[within]
    assert result_of(backend, run_id) == ["ann True", broken]
    assert did == before


def test_an_answer_in_another_branch_is_kept(backend: Backend) -> None:
    run_id = backend.start(procedures.two_branches_one_late)
    backend.advance_all()
    answer(backend, run_id, ANN)
    backend.advance_all()
    answer(backend, run_id, "gather/break_after_a_yes/approve")
    failed(backend, run_id)

    retried(backend, run_id)

    assert result_of(backend, run_id) == ["ann True", "fine"]


def test_a_parent_retries_the_child_that_it_failed_by(backend: Backend) -> None:
    run_id = backend.start(procedures.above_broken)
    backend.advance_all()
    answer(backend, run_id, "approve")
    failed(backend, run_id)

    retried(backend, run_id)

    assert result_of(backend, run_id) == "fine 0"
    assert did == ["work 0"]
    assert len(backend.children(run_id)) == 1


def test_a_failure_two_levels_below_is_retried_from_above(backend: Backend) -> None:
    run_id = backend.start(procedures.twice_above_broken)
    backend.advance_all()
    [child] = backend.children(run_id)
    answer(backend, child, "approve")
    failed(backend, run_id)

    retried(backend, run_id)

    assert result_of(backend, run_id) == "fine 0"
    assert did == ["work 0"]


@pytest.mark.parametrize("is_first_done", [True, False])
def test_a_child_that_was_retried_meanwhile_is_taken_in(
    backend: Backend,
    is_first_done: bool,  # noqa: FBT001
) -> None:
    run_id = backend.start(procedures.above_broken)
    backend.advance_all()
    answer(backend, run_id, "approve")
    failed(backend, run_id)
    [child] = backend.children(run_id)

    saw.append("mended")
    backend.retry(child)
    if is_first_done:
        backend.advance_all()
    assert backend.status(run_id) == RunStatus.FAILED
    backend.retry(run_id)
    backend.advance_all()

    assert result_of(backend, run_id) == "fine 0"
    assert did == ["work 0"]


def test_a_child_that_never_runs_again_is_begun_anew(backend: Backend) -> None:
    run_id = backend.start(procedures.calling_strictly)
    backend.advance_all()
    backend.cancel(backend.children(run_id)[0])
    failed(backend, run_id)

    retried(backend, run_id)
    first, second = backend.children(run_id)
    answer(backend, second, "approve")
    backend.advance_all()

    assert backend.status(first) == RunStatus.CANCELLED
    assert result_of(backend, run_id) == 8


def test_a_decided_set_stays_decided(backend: Backend) -> None:
    run_id = failed(backend, backend.start(procedures.broken_or_asked))

    retried(backend, run_id)

    assert result_of(backend, run_id) == "broken_child: fine 0"


def test_a_map_keeps_results_and_has_another_child_for_each_that_was_cancelled(
    backend: Backend,
) -> None:
    run_id = backend.start(procedures.above_many)
    failed(backend, run_id)
    first, second, third = backend.children(run_id)
    statuses = [backend.status(child) for child in (first, second, third)]
    assert statuses == [RunStatus.CANCELLED, RunStatus.FAILED, RunStatus.CANCELLED]

    retried(backend, run_id)
    assert backend.status(second) == RunStatus.SUCCEEDED
    new = backend.children(run_id)[3:]
    for child in new:
        if "approve" in backend.open_waits(child):
            answer(backend, child, "approve")
    backend.advance_all()

    assert result_of(backend, run_id) == ["fine 9", "fine 1", "fine 2", "fine 0"]
    assert len(backend.children(run_id)) == 6


def test_a_map_goes_on_whose_one_child_was_retried_meanwhile(backend: Backend) -> None:
    run_id = failed(backend, backend.start(procedures.above_one_by_one))
    retried(backend, backend.children(run_id)[0])

    backend.retry(run_id)
    backend.advance_all()

    assert result_of(backend, run_id) == ["fine 0", "fine 1", "fine 2"]


def test_a_cancel_reaches_a_child_that_was_retried_alone(backend: Backend) -> None:
    run_id = backend.start(procedures.outliving, number=4)
    backend.advance_all()
    [child] = backend.children(run_id)
    answer(backend, child, "approve", value=False)
    backend.advance_all()
    assert list(backend.open_waits(run_id)) == ["approve"]
    backend.retry(child)

    backend.cancel(run_id)
    backend.advance_all()

    assert backend.status(child) == RunStatus.CANCELLED
