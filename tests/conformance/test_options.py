"""The options of steps: each has its effect."""

from datetime import timedelta

import pytest

from procedures.engine import Procedure
from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did, saw


def test_a_coroutine_is_run_to_its_end(backend: Backend) -> None:
    run_id = backend.start(procedures.asynchronous)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert backend.result(run_id) == '"async"'


def test_pure_results_are_kept_before_an_effect_and_before_a_wait(backend: Backend) -> None:
    run_id = backend.start(procedures.pure_steps, count=5)
    backend.advance(run_id)
    kept = [event.key for event in backend.events(run_id) if event.kind.startswith("step.")]
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert kept == ["abs", "abs#2", "abs#3", "abs#4", "abs#5", "effect", "last"]
    assert did == ["effect"]


def test_a_step_that_ended_once_is_done(backend: Backend) -> None:
    run_id = backend.start(procedures.charging)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert did == ["charge", "more"]
    started = [e.key for e in backend.events(run_id) if e.kind == EventKind.STEP_STARTED]
    assert started == ["charge", "more"]


def doubtful(backend: Backend, procedure: Procedure = procedures.charging) -> str:
    """A run whose worker died in the middle of a step that is to happen once."""
    saw.append("dies")
    run_id = backend.start(procedure)
    with pytest.raises(KeyboardInterrupt):
        backend.advance(run_id)
    backend.lose_lease(run_id)
    assert backend.advance(run_id) == RunStatus.WAITING
    assert did == ["charge"]
    assert list(backend.open_waits(run_id)) == ["charge/doubt"]
    return run_id


def test_a_doubtful_step_is_done_when_people_say_it_was_not(backend: Backend) -> None:
    run_id = doubtful(backend)

    answer(backend, run_id, "charge/doubt", value="repeat")
    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert did == ["charge", "charge", "more"]


def test_a_doubtful_step_may_fail_after_all(backend: Backend) -> None:
    run_id = doubtful(backend, procedures.charging_in_vain)

    answer(backend, run_id, "charge/doubt", value="repeat")
    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert did == ["charge", "charge"]


def test_a_doubtful_step_is_not_done_again_when_people_say_it_was(backend: Backend) -> None:
    run_id = doubtful(backend)

    answer(backend, run_id, "charge/doubt", value="happened")
    backend.advance(run_id)
    answer(backend, run_id, "charge/result", value='"charged by hand"')
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == '"charged by hand, charged"'
    assert did == ["charge", "more"]


def test_a_doubtful_step_fails_when_people_want_it(backend: Backend) -> None:
    run_id = doubtful(backend)

    answer(backend, run_id, "charge/doubt", value="fail")

    assert backend.advance(run_id) == RunStatus.FAILED
    assert "bob let the step fail" in str(backend.error(run_id))
    assert did == ["charge"]


@pytest.mark.parametrize("value", ["repeat", "happened"])
def test_a_retry_asks_again_about_a_step_that_was_let_fail(backend: Backend, value: str) -> None:
    run_id = doubtful(backend)
    for key in ("charge/doubt", "charge/doubt#2"):
        answer(backend, run_id, key, value="fail")
        assert backend.advance(run_id) == RunStatus.FAILED
        backend.retry(run_id)
        assert backend.advance(run_id) == RunStatus.WAITING

    answer(backend, run_id, "charge/doubt#3", value=value)
    backend.advance(run_id)
    answer(backend, run_id, "charge/result#3", value='"charged"')
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert did == ["charge", *(["charge"] if value == "repeat" else []), "more"]


def test_a_retry_asks_again_when_what_was_given_was_no_result(backend: Backend) -> None:
    run_id = doubtful(backend)
    answer(backend, run_id, "charge/doubt", value="happened")
    backend.advance(run_id)
    answer(backend, run_id, "charge/result", value="{}}")
    assert backend.advance(run_id) == RunStatus.FAILED
    assert "isn't valid" in str(backend.error(run_id))

    backend.retry(run_id)

    assert backend.advance(run_id) == RunStatus.WAITING
    assert list(backend.open_waits(run_id)) == ["charge/doubt#2"]


@pytest.mark.parametrize("strict", [True, False])
def test_other_arguments_are_told_or_quarantine(backend: Backend, strict: bool) -> None:  # noqa: FBT001
    saw.append("one")
    run_id = backend.start(procedures.strictly, strict=strict)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    saw.append("another")
    status = backend.advance(run_id)

    assert status == (RunStatus.QUARANTINED if strict else RunStatus.SUCCEEDED)
    told = str(backend.error(run_id) or [event.content for event in backend.events(run_id)])
    assert "load have changed since its result was stored" in told
    assert did == ["one"]


def test_what_was_approved_is_what_is_done(backend: Backend) -> None:
    run_id = backend.start(procedures.approved_payment)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert did == ["pay A-1 31 EUR"]


def test_something_else_than_was_approved_is_asked_again(backend: Backend) -> None:
    run_id = backend.start(procedures.approved_payment)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    saw.append("more")

    assert backend.advance(run_id) == RunStatus.WAITING
    assert did == []
    opened = [e for e in backend.events(run_id) if e.kind == EventKind.WAIT_OPENED][-1]
    assert opened.content["evidence"] == {
        "step": "pay",
        "function": "tests.procedures.doings.pay",
        "order": "A-1",
        "amount": 31_000,
        "currency": "EUR",
    }
    answer(backend, run_id, opened.key)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert did == ["pay A-1 31000 EUR"]


def test_what_was_refused_is_not_done(backend: Backend) -> None:
    run_id = backend.start(procedures.approved_payment)
    backend.advance(run_id)
    answer(backend, run_id, "approve", value=False)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert "wasn't approved" in str(backend.error(run_id))
    assert did == []


def test_some_errors_are_not_tried_again(backend: Backend) -> None:
    run_id = backend.start(procedures.choosy)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert did == [1, 2, 3]


def test_a_retry_gives_up_when_its_time_is_over(backend: Backend) -> None:
    run_id = backend.start(procedures.impatient)
    while backend.advance(run_id) == RunStatus.RETRYING:
        backend.travel(timedelta(minutes=10))

    assert did == [1, 2, 3]


def test_large_values_lie_beside_the_journal(backend: Backend) -> None:
    run_id = backend.start(procedures.large_values)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    backend.advance(run_id)
    backend.signal(run_id, "more", "y" * 70_000, "m-1")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert backend.result(run_id) == "[100000,70000]"
    assert did == ["large"]
    assert max(len(event.data) for event in backend.events(run_id)) < 5_000
