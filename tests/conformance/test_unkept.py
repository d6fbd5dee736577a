"""A step that is done, but whose result cannot be kept: it is not repeated, and people decide."""

from typing import Any

import pytest

from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer, result_of
from tests.procedures import did, saw


def waiting(backend: Backend, **inputs: Any) -> str:
    """A run that has paid and could not keep the receipt."""
    run_id = backend.start(procedures.unkept, **{"kind": "bytes", **inputs})
    assert backend.advance(run_id) == RunStatus.WAITING
    assert did == ["pay"]
    assert list(backend.open_waits(run_id)) in (["pay/doubt"], ["pay/doubt#2"])
    return run_id


@pytest.mark.parametrize(
    "kind",
    [
        *("object", "nan", "infinity", "surrogate", "bytes", "nested bytes"),
        *("deep", "reluctant", "function", "secret"),
    ],
)
def test_a_result_that_cannot_be_kept_is_asked_for_and_the_step_not_repeated(
    backend: Backend, kind: str
) -> None:
    run_id = waiting(backend, kind=kind)

    [done] = [e for e in backend.events(run_id) if e.kind == EventKind.STEP_SUCCEEDED]
    assert done.content["not_kept"]
    assert "result" not in done.content
    [asked] = [e for e in backend.events(run_id) if e.kind == EventKind.WAIT_OPENED]
    assert asked.content["evidence"]["why"] == done.content["not_kept"]
    assert "hunter2" not in done.data + asked.data
    for _ in range(2):
        backend.lose_lease(run_id)
        assert backend.advance(run_id) == RunStatus.WAITING
    assert did == ["pay"]


def test_a_result_of_another_type_than_annotated_is_asked_for(backend: Backend) -> None:
    run_id = waiting(backend, how="count", kind="words")

    assert "fit its annotation" in str([e.data for e in backend.events(run_id)])


def test_a_result_that_is_too_large_is_asked_for(backend: Backend) -> None:
    run_id = waiting(backend, kind="large")

    [done] = [e for e in backend.events(run_id) if e.kind == EventKind.STEP_SUCCEEDED]
    assert "characters of JSON; the limit is 67,108,864" in done.content["not_kept"]
    assert len(done.data) < 4_000


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("how", ["pay", "slowly"])
def test_operators_give_the_result(backend: Backend, how: str, *, once: bool) -> None:
    run_id = waiting(backend, once=once, how=how)
    [doubt] = backend.open_waits(run_id)

    answer(backend, run_id, doubt, value="happened")
    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, doubt.replace("doubt", "result"), value='{"receipt": 7}')
    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert result_of(backend, run_id) == {"receipt": 7}
    assert did == ["pay"]
    assert saw == [{"receipt": 7}] * 2


def test_what_undoes_it_is_noted_as_for_any_other_step(backend: Backend) -> None:
    run_id = waiting(backend)
    answer(backend, run_id, "pay/doubt", value="happened")
    backend.advance(run_id)
    answer(backend, run_id, "pay/result", value="7")
    backend.advance(run_id)

    backend.cancel(run_id)

    assert backend.advance(run_id) == RunStatus.CANCELLED
    assert did == ["pay", "pay back", "cancel the order"]


def test_operators_let_it_fail_and_are_told_what_may_be_left(backend: Backend) -> None:
    run_id = waiting(backend)

    answer(backend, run_id, "pay/doubt", value="fail")

    assert backend.advance(run_id) == RunStatus.FAILED
    error = backend.error(run_id)
    assert error
    assert (
        "bob let the step fail, although it is done. The result can't be stored" in error["message"]
    )
    [left] = error["not_undone"]
    assert left.startswith("The step pay is done, but its result wasn't stored")
    assert did == ["pay", "cancel the order"]


def test_a_cancel_meanwhile_tells_what_may_be_left(backend: Backend) -> None:
    run_id = waiting(backend)

    backend.cancel(run_id)

    assert backend.advance(run_id) == RunStatus.CANCELLED
    assert "Check whether it must be undone by hand" in str(backend.error(run_id))
    assert did == ["pay", "cancel the order"]


@pytest.mark.parametrize("value", ["happened", "fail"])
def test_a_retry_asks_again_and_does_nothing_again(backend: Backend, value: str) -> None:
    run_id = backend.start(procedures.unkept_in_a_branch)
    assert backend.advance(run_id) == RunStatus.WAITING
    doubt = "gather/ask_and_pay/pay/doubt"
    answer(backend, run_id, doubt, value="fail")
    assert backend.advance(run_id) == RunStatus.FAILED
    backend.retry(run_id)
    assert backend.advance(run_id) == RunStatus.WAITING

    assert f"{doubt}#2" in backend.open_waits(run_id)
    answer(backend, run_id, f"{doubt}#2", value=value)
    backend.advance(run_id)
    assert did == ["pay"]
    if value == "happened":
        answer(backend, run_id, "gather/ask_and_pay/pay/result#2", value="7")
        answer(backend, run_id, "gather/ask_only/approve")
        assert backend.advance(run_id) == RunStatus.SUCCEEDED
        assert result_of(backend, run_id) == [7, True]
    else:
        assert backend.status(run_id) == RunStatus.FAILED


def test_a_failure_that_was_caught_stays_one(backend: Backend) -> None:
    run_id = backend.start(procedures.unkept_and_caught)
    backend.advance(run_id)
    answer(backend, run_id, "pay/doubt", value="fail")
    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert did == ["pay"]


def test_code_that_was_mended_is_not_asked_to_do_it_again(backend: Backend) -> None:
    run_id = waiting(backend)

    answer(backend, run_id, "pay/doubt", value="happened")
    assert backend.advance(run_id, code=procedures.unkept) == RunStatus.WAITING
    answer(backend, run_id, "pay/result", value="no JSON")
    assert backend.advance(run_id) == RunStatus.FAILED
    assert did == ["pay", "cancel the order"]


def test_a_transaction_in_which_nothing_is_written_is_kept(backend: Backend) -> None:
    run_id = backend.start(procedures.idle_transaction)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED


@pytest.mark.parametrize("pure", [True, False])
def test_without_an_effect_it_fails_once_and_is_not_tried_again(
    backend: Backend, *, pure: bool
) -> None:
    run_id = backend.start(procedures.unkept_in_vain, pure=pure)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert did == ["pay"]
    assert "pay: ValueError: The result can't be stored" in str(backend.error(run_id))
    [failed] = [e for e in backend.events(run_id) if e.kind == EventKind.STEP_FAILED]
    assert (failed.content["attempt"], failed.content["final"]) == (1, True)


def test_nobody_needs_the_result_of_what_undoes(backend: Backend) -> None:
    run_id = backend.start(procedures.unkept_undoing)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert did == ["book", "third", "pay", "first"]
    error = backend.error(run_id)
    assert error
    assert "No room." in error["message"]
    assert "not_undone" not in error


def test_a_worker_that_dies_asks_nothing_else(backend: Backend) -> None:
    run_id = waiting(backend)
    before = len(backend.events(run_id))

    backend.lose_lease(run_id)
    backend.advance(run_id)

    opened = [e.key for e in backend.events(run_id) if e.kind == EventKind.WAIT_OPENED]
    assert opened == ["pay/doubt"]
    assert len(backend.events(run_id)) - before <= 2
