"""Undoing what was done, beginning anew, patches, and the agent programs' own names."""

from datetime import timedelta

import pytest

from procedures.engine import Procedure
from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did, saw


def test_a_failure_undoes_the_last_first(backend: Backend) -> None:
    run_id = backend.start(procedures.compensating)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.FAILED

    assert did[2:] == ["break down", "take back the money", "release the room"]
    assert "It broke" in str(backend.error(run_id))


def test_a_cancel_undoes_too(backend: Backend) -> None:
    run_id = backend.start(procedures.compensating)
    backend.advance(run_id)

    backend.cancel(run_id)
    assert not backend.open_waits(run_id)
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.CANCELLED
    assert did[2:] == ["take back the money", "release the room"]
    last = backend.events(run_id)[-1]
    assert (last.kind, last.content["by"], last.content["reason"]) == (
        EventKind.RUN_CANCELLED,
        "dave",
        "Enough.",
    )


def test_a_cancel_waits_for_no_retry_but_undoing_waits_for_its_own(backend: Backend) -> None:
    run_id = backend.start(procedures.slowly_done)
    assert backend.advance(run_id) == RunStatus.RETRYING

    backend.cancel(run_id)
    backend.advance_all()
    assert backend.status(run_id) == RunStatus.RETRYING
    backend.travel(timedelta(minutes=10))
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.CANCELLED
    assert did == [("go in", 1), ("back out", 1), ("back out", 2)]


def test_a_run_that_was_cancelled_meanwhile_asks_nothing_more(backend: Backend) -> None:
    run_id = backend.start(procedures.others_act_then_it_asks)
    procedures.interludes.append(lambda: backend.cancel(run_id))

    assert backend.advance(run_id) == RunStatus.QUEUED
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.CANCELLED
    assert "wait.opened" not in [event.kind for event in backend.events(run_id)]


def test_a_success_undoes_nothing(backend: Backend) -> None:
    run_id = backend.start(procedures.compensating, fails=False)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert did == ["book a room", "take money"]


def test_a_worker_that_dies_while_undoing_repeats_nothing(backend: Backend) -> None:
    run_id = backend.start(procedures.compensating)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    backend.advance(run_id)
    kept = [event.key for event in backend.events(run_id) if event.kind == "step.succeeded"]

    assert kept[-2:] == ["undo/refund", "undo/release"]


def test_undoing_after_a_cancel_may_wait_for_its_retry(backend: Backend) -> None:
    run_id = backend.start(procedures.slowly_undone)
    backend.advance(run_id)
    backend.cancel(run_id)

    assert backend.advance(run_id) == RunStatus.RETRYING
    backend.travel(timedelta(minutes=11))

    assert backend.advance(run_id) == RunStatus.CANCELLED
    assert did == [1, 2]


def test_undoing_after_a_cancel_may_wait_for_people(backend: Backend) -> None:
    run_id = backend.start(procedures.doubtfully_undone)
    backend.advance(run_id)
    backend.cancel(run_id)
    saw.append("dies")
    with pytest.raises(KeyboardInterrupt):
        backend.advance(run_id)
    backend.lose_lease(run_id)

    assert backend.advance(run_id) == RunStatus.WAITING
    assert list(backend.open_waits(run_id)) == ["undo/refund/doubt"]
    answer(backend, run_id, "undo/refund/doubt", value="repeat")

    assert backend.advance(run_id) == RunStatus.CANCELLED
    assert did == ["undo/refund", "undo/refund"]


def test_a_second_cancel_leaves_open_what_undoing_asks(backend: Backend) -> None:
    run_id = backend.start(procedures.doubtfully_undone)
    backend.advance(run_id)
    backend.cancel(run_id)
    saw.append("dies")
    with pytest.raises(KeyboardInterrupt):
        backend.advance(run_id)
    backend.lose_lease(run_id)
    backend.advance(run_id)

    backend.cancel(run_id)
    assert list(backend.open_waits(run_id)) == ["undo/refund/doubt"]
    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, "undo/refund/doubt", value="happened")
    backend.advance(run_id)
    answer(backend, run_id, "undo/refund/result", value="null")

    assert backend.advance(run_id) == RunStatus.CANCELLED
    assert did == ["undo/refund"]


def test_what_cannot_be_undone_is_told(backend: Backend) -> None:
    run_id = backend.start(procedures.half_undone)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert did == ["break down", "first"]
    assert backend.error(run_id)
    assert (backend.error(run_id) or {})["not_undone"] == ["undo/second: ValueError: It broke."]


def test_a_run_begins_anew_under_its_own_id(backend: Backend) -> None:
    run_id = backend.start(procedures.generations)
    for _ in range(3):
        backend.advance_all()
        assert {*backend.open_waits(run_id)} == {"ask", "approve"}
        answer(backend, run_id, "approve")
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == "3"
    assert did == ["generation 1", "generation 2", "generation 3"]
    assert not backend.open_waits(run_id)


def test_beginning_anew_forgets_state_and_compensations_and_keeps_unread_signals(
    backend: Backend,
) -> None:
    run_id = backend.start(procedures.forgetful)
    for number in range(2):
        assert backend.signal(run_id, "more", number, f"signal {number}")
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.FAILED
    assert did == ["work 1", "work 2", "undo 2"]
    assert all(one == {} for one in saw)


def test_an_answer_just_before_a_run_begins_anew_is_taken_in_first(backend: Backend) -> None:
    run_id = backend.start(procedures.leaves_a_question)
    procedures.interludes.append(lambda: answer(backend, run_id, "ask", "Yes."))

    assert backend.advance(run_id) == RunStatus.QUEUED
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.SUCCEEDED
    closed = [e.content["value"] for e in backend.events(run_id) if e.kind == "wait.closed"]
    assert closed == ["Yes."]


def test_a_run_that_is_past_a_patch_keeps_to_the_old_code(backend: Backend) -> None:
    run_id = backend.start(procedures.patching)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id, procedures.patched) == RunStatus.SUCCEEDED

    assert backend.result(run_id) == '"old"'
    assert did == ["old"]


def test_a_new_run_takes_the_patch_on_every_replay(backend: Backend) -> None:
    run_id = backend.start(procedures.patched)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert backend.result(run_id) == '"new"'
    assert did == ["check", "old"]


def test_agent_programs_run_under_their_own_names(backend: Backend) -> None:
    run_id = backend.start(procedures.agent_program)
    backend.advance(run_id)
    edited = {"decision": "approved", "text": "better"}
    answer(backend, run_id, "review", value=edited)
    backend.advance(run_id)
    backend.travel(timedelta(seconds=60))

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert backend.result(run_id) == (
        '[false,"draft",{"decision":"approved","edited_artifact":null,"feedback":"Fine."},'
        "false,false,[false,true],false]"
    )
    assert did == ["draft", "check", "check again"]


def test_an_operator_lets_a_run_pass_without_a_step_that_is_gone(backend: Backend) -> None:
    run_id = waiting_shop(backend)
    answer(backend, run_id, "approve")
    assert backend.advance(run_id, procedures.shop_without_a_step) == RunStatus.QUARANTINED

    backend.override(run_id)

    assert backend.advance(run_id, procedures.shop_without_a_step) == RunStatus.SUCCEEDED
    assert did == ["load", "check", "pay"]


def test_an_operator_has_a_changed_question_asked_again(backend: Backend) -> None:
    run_id = waiting_shop(backend)
    answer(backend, run_id, "approve")
    assert backend.advance(run_id, procedures.shop_with_another_question) == (RunStatus.QUARANTINED)

    backend.override(run_id)

    assert backend.advance(run_id, procedures.shop_with_another_question) == RunStatus.WAITING
    assert did == ["load", "check"]
    answer(backend, run_id, "approve")
    assert backend.advance(run_id, procedures.shop_with_another_question) == RunStatus.SUCCEEDED
    assert did == ["load", "check", "pay"]


def test_an_operator_lets_a_result_stand_for_other_arguments(backend: Backend) -> None:
    saw.append("one")
    run_id = backend.start(procedures.strictly)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    saw.append("another")
    assert backend.advance(run_id) == RunStatus.QUARANTINED

    backend.override(run_id)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert did == ["one"]


def waiting_shop(backend: Backend) -> str:
    run_id = backend.start(procedures.shop)
    backend.advance(run_id)
    return run_id


def test_a_cancel_undoes_what_a_later_branch_did(backend: Backend) -> None:
    run_id = backend.start(procedures.booking_branch)
    backend.advance(run_id)

    backend.cancel(run_id)
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.CANCELLED
    assert did == ["ann", "book", "unbook"]


def test_a_cancel_ends_what_waits_for_a_set(backend: Backend) -> None:
    run_id = backend.start(procedures.booking_then_any)
    backend.advance(run_id)

    backend.cancel(run_id)
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.CANCELLED
    assert did == ["unbook"]


def test_a_signal_that_is_there_keeps_no_run_from_beginning_anew(backend: Backend) -> None:
    run_id = backend.start(procedures.early_signal)
    backend.advance(run_id)
    backend.signal(run_id, "stop", None, "s-1")
    for _ in range(2):
        answer(backend, run_id, "approve")
        backend.advance(run_id)
        backend.advance(run_id)

    assert backend.status(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == "2"


def test_a_retry_goes_on_with_the_undoing_of_a_cancelled_run(backend: Backend) -> None:
    run_id = backend.start(procedures.undone_by_mortals)
    backend.advance(run_id)
    backend.cancel(run_id)
    saw[:] = ["dies"] * 4
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            backend.advance(run_id)
        backend.lose_lease(run_id)
    assert backend.advance(run_id) == RunStatus.QUARANTINED
    assert did == ["first"]

    backend.retry(run_id)

    assert backend.advance(run_id) == RunStatus.CANCELLED
    assert did == ["first", "last"]


@pytest.mark.parametrize(
    ("procedure", "undone", "unwanted"),
    [
        (procedures.booked_then_broken, "unbook", EventKind.STEP_FAILED),
        (procedures.booked_generations, "unbook 1", EventKind.RUN_CONTINUED),
    ],
)
def test_a_cancel_of_that_very_moment_undoes(
    backend: Backend, procedure: Procedure, undone: str, unwanted: EventKind
) -> None:
    run_id = backend.start(procedure)
    procedures.interludes.append(lambda: backend.cancel(run_id))

    backend.advance_all()

    assert backend.status(run_id) == RunStatus.CANCELLED
    assert did[-1] == undone
    assert unwanted not in [event.kind for event in backend.events(run_id)]
    assert not backend.open_waits(run_id)
