"""Branches: a question in one keeps only that one waiting."""

import pytest

from procedures.engine.journal.events import RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did, saw

ANN, BEN = "gather/ask_ann/approve", "gather/ask_ben/approve"


@pytest.mark.parametrize("order", [(ANN, BEN), (BEN, ANN)])
def test_each_branch_goes_as_far_as_it_can(backend: Backend, order: tuple[str, str]) -> None:
    run_id = backend.start(procedures.two_branches)

    assert backend.advance(run_id) == RunStatus.WAITING
    assert {*backend.open_waits(run_id)} == {ANN, BEN}
    assert did == ["ann", "ben"]
    for key in order:
        answer(backend, run_id, key)
        backend.advance(run_id)

    assert backend.result(run_id) == '["ann True","ben True"]'
    assert sorted(did) == ["ann", "ben", "ben again", "joined"]
    assert saw == [{"count": 2, "ben": True}]


def test_the_first_failure_ends_all_and_withdraws_the_others(backend: Backend) -> None:
    run_id = backend.start(procedures.one_branch_fails)
    backend.advance(run_id)

    answer(backend, run_id, "gather/fail_later/approve")
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert backend.result(run_id) == '["gather/fail_later","ValueError","It broke."]'
    assert not backend.open_waits(run_id)
    assert not answer(backend, run_id, ANN)


def test_failures_may_be_collected(backend: Backend) -> None:
    run_id = backend.start(procedures.one_branch_fails, collect=True)
    backend.advance(run_id)

    answer(backend, run_id, "gather/fail_later/approve")
    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, ANN)
    backend.advance(run_id)

    assert backend.result(run_id) == '["ann True","gather/fail_later: ValueError: It broke."]'


def test_a_branch_uses_its_own_context(backend: Backend) -> None:
    run_id = backend.start(procedures.branch_uses_the_outer_context)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert "the context of the branch" in str(backend.error(run_id))
    assert not did


def test_a_branch_that_swallows_its_suspension_quarantines_the_run(backend: Backend) -> None:
    run_id = backend.start(procedures.branch_swallows)

    assert backend.advance(run_id) == RunStatus.QUARANTINED

    assert "caught the exception" in str(backend.error(run_id))
    assert not backend.open_waits(run_id)


def test_names_that_no_storage_could_keep_are_refused(backend: Backend) -> None:
    run_id = backend.start(procedures.deep_branches, depth=0)
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    run_id = backend.start(procedures.deep_branches, depth=1)
    assert backend.advance(run_id) == RunStatus.FAILED

    assert "is too long" in str(backend.error(run_id))
    assert did == ["deep"]


def test_a_branch_that_fails_after_others_have_worked_is_no_mismatch(backend: Backend) -> None:
    run_id = backend.start(procedures.early_failure)
    backend.advance(run_id)

    answer(backend, run_id, "gather/fail_later/approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == '"It broke."'


def test_a_handle_is_waited_for_where_it_was_opened(backend: Backend) -> None:
    run_id = backend.start(procedures.shared_handle)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert "only in the branch that created it" in str(backend.error(run_id))
