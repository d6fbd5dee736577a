"""Held answers: what waits for them, what they make unneeded, and what an undo brings back."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from procedures.engine import Procedure
from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer, hold, result_of

SECOND = timedelta(seconds=1)


def suspended(backend: Backend, procedure: Procedure, **inputs: Any) -> str:
    run_id = backend.start(procedure, **inputs)
    assert backend.advance(run_id) == RunStatus.WAITING
    return run_id


def closings(backend: Backend, run_id: str) -> list[dict[str, Any]]:
    events = backend.events(run_id)
    return [event.content for event in events if event.kind == EventKind.WAIT_CLOSED]


def test_a_held_answer_takes_effect_when_it_can_no_longer_be_undone(backend: Backend) -> None:
    run_id = suspended(backend, procedures.question)
    before = len(backend.events(run_id))

    assert hold(backend, run_id, "approve")
    backend.travel(9 * SECOND)

    assert backend.status(run_id) == RunStatus.WAITING
    assert len(backend.events(run_id)) == before
    backend.travel(2 * SECOND)
    assert backend.status(run_id) == RunStatus.QUEUED
    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert result_of(backend, run_id) is True


def test_it_counts_since_it_was_given(backend: Backend) -> None:
    run_id = suspended(backend, procedures.question)
    opened = backend.events(run_id)[-1].at

    hold(backend, run_id, "approve", seconds=60)
    backend.travel(61 * SECOND)
    backend.advance(run_id)

    [closed] = closings(backend, run_id)
    assert datetime.fromisoformat(closed["at"]) - opened < 30 * SECOND


def test_nobody_else_can_answer_meanwhile(backend: Backend) -> None:
    run_id = suspended(backend, procedures.question)
    hold(backend, run_id, "approve")

    assert not answer(backend, run_id, "approve", value=False)
    assert not hold(backend, run_id, "approve", value=False)


def test_undone_it_leaves_no_trace_and_the_question_is_open(backend: Backend) -> None:
    run_id = suspended(backend, procedures.question)
    before = len(backend.events(run_id))
    hold(backend, run_id, "approve")

    assert backend.undo(run_id, "approve")

    backend.travel(11 * SECOND)
    assert backend.status(run_id) == RunStatus.WAITING
    assert len(backend.events(run_id)) == before
    assert answer(backend, run_id, "approve", value=False)
    backend.advance(run_id)
    assert result_of(backend, run_id) is False


def test_it_can_be_held_again_after_an_undo(backend: Backend) -> None:
    run_id = suspended(backend, procedures.question)
    hold(backend, run_id, "approve", value=False)
    backend.undo(run_id, "approve")

    hold(backend, run_id, "approve")

    backend.travel(11 * SECOND)
    backend.advance(run_id)
    assert result_of(backend, run_id) is True


def test_an_undo_is_too_late_even_if_nobody_has_looked(backend: Backend) -> None:
    run_id = suspended(backend, procedures.question)
    hold(backend, run_id, "approve")

    backend.pass_time(10 * SECOND)

    assert not backend.undo(run_id, "approve")
    backend.travel(SECOND)
    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert not backend.undo(run_id, "approve")


def test_nothing_is_held_that_could_be_undone(backend: Backend) -> None:
    run_id = suspended(backend, procedures.question)

    assert not backend.undo(run_id, "approve")


def test_a_deadline_that_passes_meanwhile_closes_nothing(backend: Backend) -> None:
    run_id = suspended(backend, procedures.held_question)
    backend.travel(25 * SECOND)
    hold(backend, run_id, "approve")

    backend.travel(8 * SECOND)
    assert backend.status(run_id) == RunStatus.WAITING
    backend.travel(3 * SECOND)
    backend.advance(run_id)

    assert result_of(backend, run_id) == [True, False, "bob"]


def test_a_deadline_that_has_passed_meanwhile_takes_effect_with_the_undo(backend: Backend) -> None:
    run_id = suspended(backend, procedures.held_question)
    backend.travel(25 * SECOND)
    hold(backend, run_id, "approve")
    backend.travel(8 * SECOND)

    assert backend.undo(run_id, "approve")

    assert backend.status(run_id) == RunStatus.QUEUED
    backend.advance(run_id)
    assert result_of(backend, run_id) == [False, True, "system: deadline"]


def test_a_timer_of_its_set_does_not_elapse(backend: Backend) -> None:
    run_id = suspended(backend, procedures.answer_or_time)
    backend.travel(timedelta(hours=2) - 5 * SECOND)
    hold(backend, run_id, "ask", value="this")

    backend.travel(8 * SECOND)
    assert backend.status(run_id) == RunStatus.WAITING
    backend.travel(3 * SECOND)
    backend.advance(run_id)

    assert result_of(backend, run_id) == "ask"
    assert not backend.open_waits(run_id)


def test_a_timer_of_its_set_elapses_with_the_undo(backend: Backend) -> None:
    run_id = suspended(backend, procedures.answer_or_time)
    backend.travel(timedelta(hours=2) - 5 * SECOND)
    hold(backend, run_id, "ask", value="this")
    backend.travel(8 * SECOND)

    assert backend.undo(run_id, "ask")

    backend.advance(run_id)
    assert result_of(backend, run_id) == "timer"
    assert not backend.open_waits(run_id)


def test_of_deadlines_that_passed_the_earliest_comes_first(backend: Backend) -> None:
    run_id = suspended(backend, procedures.three_deadlines)
    backend.travel(10 * SECOND)
    hold(backend, run_id, "c", value="this", seconds=60)
    backend.travel(15 * SECOND)
    assert backend.status(run_id) == RunStatus.WAITING

    assert backend.undo(run_id, "c")

    backend.advance(run_id)
    assert result_of(backend, run_id) == ["b", "b is late"]


def test_what_it_makes_unneeded_is_held_too(backend: Backend) -> None:
    run_id = suspended(backend, procedures.three_opinions, need=1)

    hold(backend, run_id, "ann")

    assert not answer(backend, run_id, "ben")
    assert not hold(backend, run_id, "cem")
    backend.undo(run_id, "ann")
    assert answer(backend, run_id, "ben")
    backend.advance(run_id)
    assert result_of(backend, run_id) == ["ben"]


def test_two_held_answers_decide_a_set_together(backend: Backend) -> None:
    run_id = suspended(backend, procedures.three_opinions, need=2)
    hold(backend, run_id, "cem")
    backend.pass_time(SECOND)
    hold(backend, run_id, "ann")

    assert not answer(backend, run_id, "ben")
    backend.travel(9.5 * SECOND)
    assert backend.status(run_id) == RunStatus.WAITING
    backend.travel(SECOND)
    backend.advance(run_id)

    assert result_of(backend, run_id) == ["cem", "ann"]


def test_without_one_of_two_the_others_are_needed_again(backend: Backend) -> None:
    run_id = suspended(backend, procedures.three_opinions, need=2)
    hold(backend, run_id, "ann", seconds=60)
    backend.pass_time(SECOND)
    hold(backend, run_id, "ben")

    assert backend.undo(run_id, "ann")

    backend.pass_time(SECOND)
    assert answer(backend, run_id, "cem")
    assert not answer(backend, run_id, "ann")
    assert backend.status(run_id) == RunStatus.WAITING
    backend.travel(10 * SECOND)
    backend.advance(run_id)
    assert result_of(backend, run_id) == ["ben", "cem"]


def test_who_was_first_is_decided_by_when_they_answered(backend: Backend) -> None:
    run_id = suspended(backend, procedures.three_opinions, need=2)
    hold(backend, run_id, "cem")
    backend.pass_time(SECOND)

    answer(backend, run_id, "ann")

    assert not answer(backend, run_id, "ben")
    assert backend.status(run_id) == RunStatus.WAITING
    backend.travel(10 * SECOND)
    backend.advance(run_id)
    assert result_of(backend, run_id) == ["cem", "ann"]


def test_a_signal_that_came_meanwhile_is_received_with_the_undo(backend: Backend) -> None:
    run_id = suspended(backend, procedures.answer_or_payment)
    hold(backend, run_id, "ask", value="this")
    assert backend.signal(run_id, "paid", 31, "p-1")
    assert backend.status(run_id) == RunStatus.WAITING

    assert backend.undo(run_id, "ask")

    backend.advance(run_id)
    assert result_of(backend, run_id) == ["paid"]


def test_a_signal_that_came_meanwhile_loses_to_the_answer(backend: Backend) -> None:
    run_id = suspended(backend, procedures.answer_or_payment)
    hold(backend, run_id, "ask", value="this")
    backend.signal(run_id, "paid", 31, "p-1")

    backend.travel(11 * SECOND)

    backend.advance(run_id)
    assert result_of(backend, run_id) == ["ask"]


@pytest.mark.parametrize("is_undone", [True, False])
def test_a_child_that_ends_meanwhile_counts_after_the_answer(
    backend: Backend,
    is_undone: bool,  # noqa: FBT001
) -> None:
    run_id = suspended(backend, procedures.answer_or_child)
    hold(backend, run_id, "ask", value="this")
    backend.pass_time(SECOND)
    backend.advance_all()
    assert backend.status(run_id) == RunStatus.WAITING

    if is_undone:
        assert backend.undo(run_id, "ask")
    backend.travel(10 * SECOND)

    backend.advance(run_id)
    assert result_of(backend, run_id) == ["doubled" if is_undone else "ask"]
    assert not backend.open_waits(run_id)


def test_what_stays_open_anyway_can_be_answered_meanwhile(backend: Backend) -> None:
    run_id = suspended(backend, procedures.answers_kept_open)
    hold(backend, run_id, "a", value="first")
    backend.pass_time(SECOND)

    assert answer(backend, run_id, "b", value="second")

    assert backend.status(run_id) == RunStatus.WAITING
    backend.travel(10 * SECOND)
    backend.advance(run_id)
    assert result_of(backend, run_id) == ["a", "first", "second"]


def test_a_set_that_opens_later_is_decided_by_it(backend: Backend) -> None:
    run_id = suspended(backend, procedures.answer_before_its_set)
    hold(backend, run_id, "a", value="first", seconds=60)
    answer(backend, run_id, "approve")
    assert backend.advance(run_id) == RunStatus.WAITING

    assert not answer(backend, run_id, "b", value="second")

    backend.travel(61 * SECOND)
    backend.advance(run_id)
    assert result_of(backend, run_id) == ["a", "answered", "withdrawn"]


@pytest.mark.parametrize("end", ["cancel", "force_end"])
def test_a_run_that_ends_meanwhile_uses_no_answer(backend: Backend, end: str) -> None:
    run_id = suspended(backend, procedures.question)
    hold(backend, run_id, "approve")

    getattr(backend, end)(run_id)

    assert backend.status(run_id) == RunStatus.CANCELLED
    assert not backend.undo(run_id, "approve")
    backend.travel(11 * SECOND)
    assert closings(backend, run_id) == []
    assert not backend.open_waits(run_id)


def test_it_takes_effect_in_a_paused_run(backend: Backend) -> None:
    run_id = suspended(backend, procedures.question)
    hold(backend, run_id, "approve")
    backend.pause(run_id)

    backend.travel(11 * SECOND)
    assert backend.status(run_id) == RunStatus.PAUSED
    backend.unpause(run_id)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED


def test_a_fork_asks_again(backend: Backend) -> None:
    run_id = suspended(backend, procedures.question)
    hold(backend, run_id, "approve")

    fork = backend.fork(run_id, "approve")

    assert backend.advance(fork) == RunStatus.WAITING
    assert answer(backend, fork, "approve", value=False)
    assert not backend.undo(fork, "approve")
    assert backend.undo(run_id, "approve")


def test_the_journal_tells_all_of_it_in_order(backend: Backend) -> None:
    run_id = suspended(backend, procedures.three_opinions, need=1)
    hold(backend, run_id, "ben")
    backend.travel(11 * SECOND)
    backend.advance(run_id)

    told = [(one["outcome"], one["responder"]) for one in closings(backend, run_id)]
    assert sorted(told) == [
        ("approved", "bob"),
        ("decided", "system: set"),
        ("withdrawn", "system: no longer needed"),
        ("withdrawn", "system: no longer needed"),
    ]
    words = "bob answered the related question “Pay?” with “Approve”."
    assert {one["comment"] for one in closings(backend, run_id)} == {"", "Fine.", words}
