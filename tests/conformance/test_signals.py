"""Signals: named messages, kept when early, counted once."""

from datetime import timedelta
from typing import Any

import pytest

from procedures.engine import Context, EngineError, procedure
from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer, result_of
from tests.conformance.test_inbox import die_in_step
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


@pytest.mark.parametrize("value", ["much", 1.5, None, [31], {"amount": 31}])
def test_an_early_signal_that_does_not_fit_is_skipped_and_the_journal_says_why(
    backend: Backend, value: Any
) -> None:
    run_id = backend.start(procedures.paid_amount)
    backend.signal(run_id, "paid", value, "p-1")

    backend.advance_all()

    assert backend.status(run_id) == RunStatus.WAITING
    assert list(backend.open_waits(run_id)) == ["paid"]
    [words] = skipped_in(backend, run_id)
    assert words.startswith("The signal paid from bob was skipped; the run still waits for one. ")
    assert backend.signal(run_id, "paid", 31, "p-2")
    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == "31"


def test_the_next_early_signal_that_fits_is_taken(backend: Backend) -> None:
    run_id = backend.start(procedures.two_payments)
    for number, value in enumerate(["a", 31, None, "b", 32]):
        backend.signal(run_id, "paid", value, f"p-{number}")
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    backend.advance_all()

    assert backend.result(run_id) == "[31,32]"
    assert len(skipped_in(backend, run_id)) == 3


@pytest.mark.parametrize("is_early", [True, False])
def test_what_only_the_code_can_tell_is_skipped_there(backend: Backend, is_early: bool) -> None:  # noqa: FBT001
    run_id = backend.start(procedures.even_payment)
    if not is_early:
        backend.advance(run_id)
    backend.signal(run_id, "paid", 31, "p-1")
    backend.advance_all()

    assert list(backend.open_waits(run_id)) == ["paid"]
    [words] = skipped_in(backend, run_id)
    assert words.endswith("31 is odd")
    backend.travel(timedelta(minutes=59))
    backend.advance_all()
    assert backend.status(run_id) == RunStatus.WAITING
    assert backend.signal(run_id, "paid", 32, "p-2")
    backend.advance_all()
    assert backend.result(run_id) == "32"


def test_a_skipped_signal_puts_off_no_deadline(backend: Backend) -> None:
    run_id = backend.start(procedures.even_payment)
    backend.advance(run_id)
    backend.travel(timedelta(minutes=59))
    backend.signal(run_id, "paid", 31, "p-1")
    backend.advance_all()

    backend.travel(timedelta(minutes=1))
    backend.advance_all()

    assert backend.result(run_id) == "0"


@pytest.mark.parametrize("need", [1, 2])
def test_a_set_that_an_unfit_signal_decided_is_open_again(backend: Backend, need: int) -> None:
    run_id = backend.start(procedures.even_payment_or_answer, need=need)
    backend.advance(run_id)
    backend.signal(run_id, "paid", 31, "p-1")
    if need == 2:
        answer(backend, run_id, "ask", "yes")
    backend.advance_all()

    left = {"paid", "timer", f"wait_{'any' if need == 1 else 'n'}"} | (
        {"ask"} if need == 1 else set()
    )
    assert {*backend.open_waits(run_id)} == left
    assert len(skipped_in(backend, run_id)) == 1
    backend.signal(run_id, "paid", 32, "p-2")
    backend.advance_all()

    won = ["paid"] if need == 1 else ["ask", "paid"]
    assert result_of(backend, run_id) == [*won, 32]
    assert not backend.open_waits(run_id)


def test_two_waits_of_one_name_take_each_what_fits(backend: Backend) -> None:
    run_id = backend.start(procedures.number_and_text)
    backend.advance(run_id)

    assert backend.signal(run_id, "said", "yes", "p-1")
    with pytest.raises(EngineError):
        backend.signal(run_id, "said", [], "p-2")
    assert backend.signal(run_id, "said", 31, "p-3")

    backend.advance_all()
    assert result_of(backend, run_id) == [31, "yes"]


def test_what_the_code_has_gone_on_from_is_not_waited_for_again(backend: Backend) -> None:
    run_id = begun(backend)
    backend.signal(run_id, "paid", 31, "p-1")
    backend.advance(run_id)
    backend.signal(run_id, "paid", 32, "p-2")

    assert backend.advance(run_id, code=two_payments_in_words) == RunStatus.QUARANTINED

    error = backend.error(run_id)
    assert error
    assert "The stored value of wait paid no longer fits" in error["message"]
    assert error["changed"] == "paid"


def skipped_in(backend: Backend, run_id: str) -> list[str]:
    logs = [event for event in backend.events(run_id) if event.kind == EventKind.LOG]
    assert {event.content["level"] for event in logs} <= {"warning"}
    return [event.content["text"] for event in logs]


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


@procedure(name="two_payments")
def two_payments_in_words(ctx: Context, expires: str = "") -> list[Any]:
    ctx.approve("Begin?")
    return [ctx.signal("paid", list[int]).wait().value, str(ctx.signal("paid").wait().value)]


def test_a_wait_of_other_code_takes_what_that_code_takes(backend: Backend) -> None:
    run_id = backend.start(procedures.paid_amount)
    backend.advance(run_id, paid_in_words)

    assert backend.signal(run_id, "paid", 31, "p-1")


def test_a_default_that_does_not_fit_is_refused_before_the_wait(backend: Backend) -> None:
    run_id = backend.start(procedures.paid_amount, default="much")

    assert backend.advance(run_id) == RunStatus.FAILED

    assert "the signal 'paid'" in str(backend.error(run_id))
    assert not backend.open_waits(run_id)


def begun(backend: Backend, expires: str = "") -> str:
    """A run that waits for its first payment."""
    run_id = backend.start(procedures.two_payments, expires=expires)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    backend.advance(run_id)
    return run_id


def test_signals_are_looked_for_without_waiting_and_each_is_taken_once(backend: Backend) -> None:
    run_id = backend.start(procedures.looks_for_payments)
    backend.advance(run_id)
    backend.signal(run_id, "paid", 31, "p-1")
    backend.signal(run_id, "paid", 32, "p-2")
    backend.signal(run_id, "lost", 33, "p-3")
    answer(backend, run_id, "approve")

    die_in_step(backend, run_id)
    backend.signal(run_id, "paid", 34, "p-4")
    backend.lose_lease(run_id)
    assert backend.advance(run_id) == RunStatus.WAITING
    backend.signal(run_id, "paid", 35, "p-5")
    backend.advance(run_id)

    assert backend.result(run_id) == "[[31,32],[34],35]"


def test_a_look_that_found_no_signal_stays_empty(backend: Backend) -> None:
    run_id = backend.start(procedures.looks_for_payments)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    die_in_step(backend, run_id)
    for number in (31, 32):
        backend.signal(run_id, "paid", number, f"p-{number}")
    backend.lose_lease(run_id)
    backend.advance(run_id)
    backend.signal(run_id, "paid", 33, "p-3")
    backend.advance(run_id)

    assert backend.result(run_id) == "[[],[31,32],33]"
