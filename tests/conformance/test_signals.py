"""Signals: named messages, kept when early, counted once."""

from datetime import timedelta
from typing import Any

import pytest

from procedures.engine import Context, EngineError, procedure
from procedures.engine.journal import RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import saw


def test_a_signal_lets_the_run_go_on(backend: Backend) -> None:
    run_id = begun(backend)

    assert backend.signal(run_id, "paid", 31, "p-1")
    assert backend.advance(run_id) == RunStatus.WAITING
    assert backend.signal(run_id, "paid", 32, "p-2")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == "[31,32]"
    assert saw == [("bob", False, False)]


def test_signals_that_come_early_are_kept_in_order(backend: Backend) -> None:
    run_id = backend.start(procedures.two_payments)
    for number in (31, 32):
        assert backend.signal(run_id, "paid", number, f"p-{number}")
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    backend.advance_all()

    assert backend.result(run_id) == "[31,32]"


def test_the_same_id_again_counts_once(backend: Backend) -> None:
    run_id = begun(backend)

    assert backend.signal(run_id, "paid", 31, "p-1")
    assert not backend.signal(run_id, "paid", 31, "p-1")

    backend.advance_all()
    assert backend.status(run_id) == RunStatus.WAITING
    assert list(backend.open_waits(run_id)) == ["paid#2"]


def test_another_name_is_not_meant(backend: Backend) -> None:
    run_id = begun(backend)

    backend.signal(run_id, "shipped", 31, "p-1")

    assert backend.status(run_id) == RunStatus.WAITING


def test_silence_is_flagged(backend: Backend) -> None:
    run_id = begun(backend, expires="1h")
    backend.signal(run_id, "paid", 31, "p-1")
    backend.advance(run_id)

    backend.travel(timedelta(hours=1))

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == "[31,7]"
    assert saw == [("bob", False, True)]


def test_silence_may_be_an_error(backend: Backend) -> None:
    run_id = backend.start(procedures.strict_signal)
    backend.advance(run_id)

    backend.travel(timedelta(hours=1))

    assert backend.advance(run_id) == RunStatus.FAILED


def test_a_signal_that_does_not_fit_holds_the_run_and_names_itself(backend: Backend) -> None:
    run_id = backend.start(procedures.paid_amount)
    backend.signal(run_id, "paid", "much", "p-1")

    backend.advance_all()

    assert backend.status(run_id) == RunStatus.QUARANTINED
    error = backend.error(run_id)
    assert error
    assert "The kept value of wait paid no longer fits" in error["message"]
    assert error["changed"] == "paid"


@pytest.mark.parametrize("value", ["much", 1.5, None, [31]])
def test_an_open_wait_refuses_what_does_not_fit_and_loses_nothing(
    backend: Backend, value: Any
) -> None:
    run_id = backend.start(procedures.paid_amount)
    backend.advance(run_id)

    with pytest.raises(EngineError, match="The value must be a whole number"):
        backend.signal(run_id, "paid", value, "p-1")

    assert list(backend.open_waits(run_id)) == ["paid"]
    assert backend.signal(run_id, "paid", 31, "p-1")
    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == "31"


@procedure(name="paid_amount")
def paid_in_words(ctx: Context) -> str:
    return str(ctx.signal("paid", str).wait().value)


def test_a_wait_of_other_code_takes_what_that_code_takes(backend: Backend) -> None:
    run_id = backend.start(procedures.paid_amount)
    backend.advance(run_id, paid_in_words)

    assert backend.signal(run_id, "paid", 31, "p-1")


def test_a_default_that_does_not_fit_is_refused_before_the_wait(backend: Backend) -> None:
    run_id = backend.start(procedures.paid_amount, default="much")

    assert backend.advance(run_id) == RunStatus.FAILED

    assert "The signal 'paid'" in str(backend.error(run_id))
    assert not backend.open_waits(run_id)


def begun(backend: Backend, expires: str = "") -> str:
    """A run that waits for its first payment."""
    run_id = backend.start(procedures.two_payments, expires=expires)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    backend.advance(run_id)
    return run_id
