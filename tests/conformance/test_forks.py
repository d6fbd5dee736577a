"""Forks: what stands before is kept and not done again, the rest is the new run's own."""

from datetime import timedelta
from typing import Any

import pytest

from procedures.engine import Procedure
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.journal.ledger import Ledger
from procedures.engine.lifecycle.fork import ForkRefusedError
from tests import procedures
from tests.conformance.backends import Backend, answer, result_of
from tests.conformance.test_options import doubtful
from tests.procedures import did, saw


def carried_on(backend: Backend, procedure: Procedure, *answers: str, **inputs: Any) -> str:
    """A run to whose questions bob says yes; what was done is forgotten."""
    run_id = backend.start(procedure, **inputs)
    backend.advance_all()
    for key in answers:
        answer(backend, run_id, key)
        backend.advance_all()
    did.clear()
    return run_id


def test_what_stands_before_is_kept_and_not_done_again(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.going_shopping, "may")
    before = backend.events(run_id)

    fork = backend.fork(run_id, "buy")

    assert backend.advance(fork) == RunStatus.SUCCEEDED
    assert did == ["buy milk", "carry milk"]
    assert result_of(backend, fork) == "milk, bob"
    assert backend.events(run_id) == before


def test_it_is_chained_under_its_own_id(backend: Backend) -> None:
    fork = backend.fork(carried_on(backend, procedures.going_shopping, "may"), "buy")
    backend.advance(fork)

    events = backend.events(fork)
    ledger = Ledger(fork, len(events), events[-1].hash, backend.ledger_key)
    assert not ledger.damages(events)


def test_the_journal_tells_who_forked_and_where_answers_come_from(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.going_shopping, "may")
    first = backend.fork(run_id, "buy")
    backend.advance(first)
    fork = backend.fork(first, "buy")

    events = backend.events(fork)
    assert events[0].content["by"] == "dave"
    [closed] = [event for event in events if event.kind == EventKind.WAIT_CLOSED]
    assert (closed.content["responder"], closed.content["carried_from"]) == ("bob", run_id)
    [*_, said] = [event.content for event in events if event.name == "fork"]
    assert (said["by"], said["from"], said["at"]) == ("dave", first, "buy")


def test_a_question_that_was_open_there_is_asked_anew(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.going_shopping, "may")

    fork = backend.fork(run_id, "may")
    assert backend.advance(fork) == RunStatus.WAITING
    answer(backend, fork, "may", value=False)
    backend.advance(fork)

    assert not did
    assert result_of(backend, fork) == "no milk"


def test_answers_may_be_asked_again_while_steps_stay_kept(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.going_shopping, "may")

    fork = backend.fork(run_id, "buy", keep_answers=False)
    assert backend.advance(fork) == RunStatus.WAITING
    assert list(backend.open_waits(fork)) == ["may"]
    answer(backend, fork, "may", value=False)
    backend.advance(fork)

    assert not did
    assert result_of(backend, fork) == "no milk"


def test_what_changed_inputs_change_is_asked_again_and_told(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.going_shopping, "may")

    fork = backend.fork(run_id, "buy", goods="bread")
    assert backend.advance(fork) == RunStatus.WAITING
    assert list(backend.open_waits(fork)) == ["may"]
    answer(backend, fork, "may")
    backend.advance(fork)

    assert did == ["buy bread", "carry bread"]
    assert result_of(backend, fork) == "bread, bob"
    [told] = [event.name for event in backend.events(fork) if event.kind == EventKind.LOG]
    assert told == "The arguments of the step list have changed since its result was stored."


def test_a_strict_step_lets_no_other_arguments_pass(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.going_shopping, "may", strict=True)

    fork = backend.fork(run_id, "buy", goods="bread")

    assert backend.advance(fork) == RunStatus.QUARANTINED
    assert not did


def test_time_and_chance_replay_and_new_steps_have_keys_of_their_own(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.drawing_lots)
    backend.travel(timedelta(days=1))

    fork = backend.fork(run_id, "second")
    backend.advance(fork)

    *drawn, key = result_of(backend, run_id)
    assert result_of(backend, fork) == [*drawn, f"{fork}:second"]
    assert key == f"{run_id}:second"


@pytest.mark.parametrize("keep_answers", [True, False])
def test_a_set_is_decided_anew_with_its_answers(backend: Backend, keep_answers: bool) -> None:  # noqa: FBT001
    run_id = carried_on(backend, procedures.two_of_three, "cem", "ann")

    fork = backend.fork(run_id, "pay", keep_answers=keep_answers)
    status = backend.advance(fork)

    assert (status == RunStatus.SUCCEEDED) == keep_answers
    asked = set() if keep_answers else {"ann", "ben", "cem", "wait_n"}
    assert {*backend.open_waits(fork)} == asked
    for key in asked - {"wait_n"}:
        answer(backend, fork, key)
    backend.advance(fork)
    assert len(result_of(backend, fork)) == 2
    assert did == ["pay"]


def test_a_set_counts_what_was_answered_before(backend: Backend) -> None:
    run_id = backend.start(procedures.asked_before)
    backend.advance(run_id)
    for key in ("ann", "cem"):
        answer(backend, run_id, key, value="this")
        backend.advance(run_id)

    fork = backend.fork(run_id, "wait_n")
    backend.advance(fork)
    assert {*backend.open_waits(fork)} == {"ben", "cem", "wait_n"}
    answer(backend, fork, "ben", value="that")
    backend.advance(fork)

    assert result_of(backend, fork) == ["ann", "ben"]


def test_the_result_of_a_child_is_kept(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.with_a_child)

    fork = backend.fork(run_id, "work")
    backend.advance_all()

    assert result_of(backend, fork) == 8
    assert did == ["work"]
    assert not backend.children(fork)


def test_where_a_child_was_at_work_nothing_is_forked(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.with_a_child, waits=False)

    with pytest.raises(
        ForkRefusedError, match="doubled was still running when the run reached work"
    ):
        backend.fork(run_id, "work")

    fork = backend.fork(run_id, "doubled")
    backend.advance_all()
    assert len(backend.children(fork)) == 1
    assert result_of(backend, fork) == 8


def test_a_gather_that_failed_is_done_anew_from_its_begin(backend: Backend) -> None:
    fail, ann = "gather/fail_later/approve", "gather/ask_ann/approve"
    run_id = carried_on(backend, procedures.with_branches, fail)
    assert result_of(backend, run_id) == ["gather/fail_later"]

    fork = backend.fork(run_id, "gather")
    backend.advance(fork)

    assert {*backend.open_waits(fork)} == {fail, ann}
    assert did == ["ann"]


def test_a_branch_is_forked_as_its_run_stood_then(backend: Backend) -> None:
    fail, ann = "gather/fail_later/approve", "gather/ask_ann/approve"
    run_id = carried_on(backend, procedures.with_branches, fail)

    fork = backend.fork(run_id, fail)
    backend.advance(fork)

    assert {*backend.open_waits(fork)} == {fail, ann}
    assert not did


def test_a_gather_that_was_caught_stays_failed(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.with_branches, "gather/fail_later/approve")

    fork = backend.fork(run_id, "after")

    assert backend.advance(fork) == RunStatus.SUCCEEDED
    assert did == ["after"]


def test_the_present_generation_is_forked_and_its_inputs_are_changed(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.turning)
    fork = backend.fork(run_id, "key", goods="bread")

    backend.advance(fork)

    assert did == [f"{fork}:1:key"]
    assert result_of(backend, fork) == f"dave: bread, {fork}:1:key"
    assert [event.kind for event in backend.events(fork)][:2] == [
        EventKind.RUN_STARTED,
        EventKind.RUN_CONTINUED,
    ]


@pytest.mark.parametrize("insured", [True, False])
def test_a_fork_undoes_what_it_did_and_leaves_the_rest_to_its_origin(
    backend: Backend,
    insured: bool,  # noqa: FBT001
) -> None:
    saw.append("mended")
    run_id = carried_on(backend, procedures.booked_twice, "approve")
    assert backend.status(run_id) == RunStatus.SUCCEEDED
    saw.clear()

    fork = backend.fork(run_id, "flight", insured=insured)

    assert backend.advance(fork) == RunStatus.FAILED
    assert did == ["book a flight", "cancel the flight"]


def test_a_fork_that_noted_nothing_itself_is_cancelled_at_once(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.booked_twice)
    fork = backend.fork(run_id, "approve")
    backend.advance(fork)

    backend.cancel(fork)

    assert backend.status(fork) == RunStatus.CANCELLED
    assert not did


def test_nothing_is_built_on_what_has_been_undone(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.booked_twice, "approve")
    assert backend.status(run_id) == RunStatus.FAILED

    for key in ("approve", "pay"):
        with pytest.raises(ForkRefusedError, match=f"before {key} has been or will be undone"):
            backend.fork(run_id, key)

    fork = backend.fork(run_id, "room")
    assert backend.advance(fork) == RunStatus.WAITING


def test_what_was_ended_by_force_undid_nothing_and_is_built_on(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.booked_twice)
    backend.force_end(run_id)

    fork = backend.fork(run_id, "approve")

    assert backend.advance(fork) == RunStatus.WAITING
    assert not did


def test_a_place_where_it_never_was_is_none(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.going_shopping, "may")

    for at in ("sell", "buy#2", "undo/may", "ma", "", "999"):
        with pytest.raises(ForkRefusedError, match=f"a step or wait called '{at}'"):
            backend.fork(run_id, at)


def test_what_people_said_of_a_step_in_doubt_is_a_fact(backend: Backend) -> None:
    run_id = doubtful(backend)
    for key, value in (("charge/doubt", "happened"), ("charge/result", '"so it was"')):
        answer(backend, run_id, key, value=value)
        backend.advance(run_id)
    answer(backend, run_id, "approve")
    backend.advance(run_id)

    fork = backend.fork(run_id, "more", keep_answers=False)
    backend.advance(fork)

    assert list(backend.open_waits(fork)) == ["approve"]
    answer(backend, fork, "approve")
    backend.advance(fork)
    assert result_of(backend, fork) == "so it was, charged"


def test_another_answer_than_what_was_done_after_it_is_for_an_operator(backend: Backend) -> None:
    run_id = carried_on(backend, procedures.going_shopping, "may")
    fork = backend.fork(run_id, "carry", keep_answers=False)
    backend.advance(fork)
    answer(backend, fork, "may", value=False)

    assert backend.advance(fork) == RunStatus.QUARANTINED
    assert "the journal has step buy here" in str(backend.error(fork))

    backend.override(fork)
    assert backend.advance(fork) == RunStatus.SUCCEEDED
    assert result_of(backend, fork) == "no milk"
