"""Waits: a run leaves its worker, and goes on from there when somebody or the clock says so."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from procedures.engine import Outcome, Procedure
from procedures.engine.journal.events import Batch, EventKind, Handoff, NewEvent, RunStatus, closing
from tests import procedures
from tests.conformance.backends import Backend, answer, result_of
from tests.procedures import did, saw

DRAFT = {"lines": [{"order": "A-1"}], "total": 7}


def test_a_question_lets_the_worker_go(backend: Backend) -> None:
    run_id = backend.start(procedures.question)

    assert backend.advance(run_id) == RunStatus.WAITING

    assert did == ["before"]
    assert list(backend.open_waits(run_id)) == ["approve"]
    opened = backend.events(run_id)[-2]
    assert opened.kind == EventKind.WAIT_OPENED
    assert opened.content["prompt"] == "Pay 31.20 €?"
    assert opened.content["evidence"] == {"order": 7}


def test_an_answer_lets_the_run_go_on(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)

    assert answer(backend, run_id, "approve")
    assert backend.status(run_id) == RunStatus.QUEUED
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    [decision] = saw
    assert (decision.value, decision.outcome) == (True, Outcome.APPROVED)
    assert (decision.responder, decision.comment, decision.timed_out) == ("bob", "Fine.", False)
    assert backend.result(run_id) == "true"


def test_a_rejection_is_an_answer_and_not_a_yes(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)

    answer(backend, run_id, "approve", value=False)
    backend.advance(run_id)

    assert saw[0].outcome == Outcome.REJECTED
    assert backend.result(run_id) == "false"


def test_without_an_answer_nothing_goes_on(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)
    events = list(backend.events(run_id))

    assert backend.advance(run_id) == RunStatus.WAITING

    assert backend.events(run_id) == events


def test_only_the_first_answer_counts(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)

    assert answer(backend, run_id, "approve", value=False)
    assert not answer(backend, run_id, "approve", value=True)
    backend.advance(run_id)

    assert backend.result(run_id) == "false"


def test_a_wait_that_nobody_opened_takes_no_answer(backend: Backend) -> None:
    run_id = backend.start(procedures.question)

    assert not answer(backend, run_id, "approve")

    backend.advance(run_id)
    assert list(backend.open_waits(run_id)) == ["approve"]


def test_equal_questions_are_two_waits(backend: Backend) -> None:
    run_id = backend.start(procedures.equal_questions)
    backend.advance(run_id)
    answer(backend, run_id, "approve", value=True)

    assert backend.advance(run_id) == RunStatus.WAITING
    assert list(backend.open_waits(run_id)) == ["approve#2"]
    assert not answer(backend, run_id, "approve", value=True)
    answer(backend, run_id, "approve#2", value=False)
    backend.advance(run_id)

    assert backend.result(run_id) == "[true,false]"


def test_an_answer_that_comes_before_the_worker_lets_go_is_not_lost(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    journal = backend.claim(run_id)
    assert journal
    opening = backend.events(run_id)[2].content
    journal.commit(Batch((NewEvent(EventKind.WAIT_OPENED, "other", "other", opening),)))

    assert answer(backend, run_id, "other")
    assert backend.status(run_id) == RunStatus.RUNNING
    suspended = NewEvent(EventKind.RUN_SUSPENDED, data={"on": "other"})
    journal.commit(Batch((suspended,), handoff=Handoff(RunStatus.WAITING)))

    assert backend.status(run_id) == RunStatus.QUEUED
    assert backend.claim(run_id)
    closed = [event.key for event in backend.events(run_id) if event.kind == EventKind.WAIT_CLOSED]
    assert closed == ["approve", "other"]


def test_answers_come_back_in_their_types(backend: Backend) -> None:
    run_id = backend.start(procedures.typed_answers)
    given = {
        "ask": "31.20",
        "ask#2": "2026-03-01",
        "choose": ["b", "a"],
        "review": {"decision": "approved", "text": "Dear Bob"},
    }
    for key, value in given.items():
        assert backend.advance(run_id) == RunStatus.WAITING
        content = closing("answered", value, responder="bob")
        assert backend.resolve(run_id, key, content)

    backend.advance(run_id)

    assert backend.result(run_id) == '["31.20","2026-03-01",["b","a"],"Dear Bob"]'
    assert saw == [Decimal("31.20"), date(2026, 3, 1), ["b", "a"], "Dear Bob"]


@pytest.mark.parametrize(
    ("value", "outcome", "result"),
    [
        ({"decision": "send"}, "approved", ["send", DRAFT, True, "approved"]),
        (
            {"decision": "send", "text": '{"total": 8}'},
            "edited",
            ["send", {"total": 8}, True, "edited"],
        ),
        (
            {"decision": "request_changes", "text": "{}"},
            "rejected",
            ["request_changes", {}, False, "rejected"],
        ),
    ],
)
def test_an_answer_carries_the_decision_and_the_data(
    backend: Backend, value: Any, outcome: str, result: list[Any]
) -> None:
    run_id = backend.start(procedures.decided_data)
    assert backend.advance(run_id) == RunStatus.WAITING
    assert backend.resolve(run_id, "review", closing(outcome, value, responder="bob"))

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert result_of(backend, run_id) == result


@pytest.mark.parametrize(
    ("silence", "result"),
    [
        (None, ["late", DRAFT, False, "defaulted"]),
        ({"decision": "send", "text": {"a": 1}}, ["send", {"a": 1}, True, "defaulted"]),
    ],
)
def test_the_default_of_a_review_is_kept_as_it_is_written(
    backend: Backend, silence: Any, result: list[Any]
) -> None:
    run_id = backend.start(procedures.decided_data, silence=silence)
    backend.advance(run_id)
    backend.travel(timedelta(hours=2))

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert result_of(backend, run_id) == result


def test_a_default_may_be_what_people_may_not_say(backend: Backend) -> None:
    run_id = backend.start(procedures.default_beyond_the_rules)
    for _ in range(2):
        backend.advance(run_id)
        backend.travel(timedelta(hours=2))

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert result_of(backend, run_id) == [0, True, ""]


@pytest.mark.parametrize(
    ("procedure", "outcome", "result"),
    [
        (procedures.deadline_with_default, Outcome.DEFAULTED, "true"),
        (procedures.deadline_that_withdraws, Outcome.WITHDRAWN, "false"),
    ],
)
def test_silence_does_what_the_author_said(
    backend: Backend, procedure: Procedure, outcome: Outcome, result: str
) -> None:
    run_id = backend.start(procedure)
    backend.advance(run_id)

    backend.travel(timedelta(minutes=59))
    assert backend.advance(run_id) == RunStatus.WAITING
    backend.travel(timedelta(minutes=2))
    assert not answer(backend, run_id, "approve")
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    [decision] = saw
    assert (decision.outcome, decision.timed_out) == (outcome, True)
    assert decision.responder == "system: deadline"
    assert backend.result(run_id) == result


def test_silence_may_be_a_failure_that_the_procedure_catches(backend: Backend) -> None:
    run_id = backend.start(procedures.deadline_that_fails)
    backend.advance(run_id)

    backend.travel(timedelta(hours=2))
    backend.advance(run_id)

    assert backend.result(run_id) == "\"Nobody answered 'Go?' in time.\""


def test_an_answer_in_time_is_not_undone_by_the_deadline(backend: Backend) -> None:
    run_id = backend.start(procedures.deadline_with_default)
    backend.advance(run_id)

    assert answer(backend, run_id, "approve", value=False)
    backend.travel(timedelta(hours=2))
    backend.advance(run_id)

    assert backend.result(run_id) == "false"


def test_sleeping_holds_no_worker(backend: Backend) -> None:
    run_id = backend.start(procedures.nap)

    assert backend.advance(run_id) == RunStatus.WAITING
    backend.travel(timedelta(minutes=59))
    assert backend.advance(run_id) == RunStatus.WAITING
    backend.travel(timedelta(minutes=2))
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert did == ["awake"]


def test_a_run_that_ends_closes_its_waits(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)
    opening = backend.events(run_id)[2].content
    answer(backend, run_id, "approve")
    journal = backend.claim(run_id)
    assert journal
    journal.commit(Batch((NewEvent(EventKind.WAIT_OPENED, "other", "other", opening),)))
    assert list(backend.open_waits(run_id)) == ["other"]

    ended = NewEvent(EventKind.RUN_SUCCEEDED)
    journal.commit(Batch((ended,), handoff=Handoff(RunStatus.SUCCEEDED, result="true")))

    assert not backend.open_waits(run_id)
    assert not answer(backend, run_id, "other")
