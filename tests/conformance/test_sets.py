"""Several waits at once: all of them, any, some; what is left over is withdrawn."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from procedures.engine import Outcome
from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did, saw


def test_questions_are_asked_at_once_while_the_run_goes_on(backend: Backend) -> None:
    run_id = backend.start(procedures.three_opinions)

    assert backend.advance(run_id) == RunStatus.WAITING

    assert did == ["meanwhile"]
    assert {*backend.open_waits(run_id)} == {"ann", "ben", "cem", "wait_all"}


def test_all_of_them_wake_the_run_once(backend: Backend) -> None:
    run_id = backend.start(procedures.three_opinions)
    backend.advance(run_id)

    for key, value in (("cem", True), ("ann", False)):
        assert answer(backend, run_id, key, value=value)
        assert backend.status(run_id) == RunStatus.WAITING
    answer(backend, run_id, "ben")
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert backend.result(run_id) == "[false,true,true]"
    resumed = [event for event in backend.events(run_id) if event.kind == EventKind.RUN_RESUMED]
    assert len(resumed) == 1


def test_all_of_nothing_is_there_at_once(backend: Backend) -> None:
    run_id = backend.start(procedures.nothing_to_wait_for)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert backend.result(run_id) == "[[],[]]"


def test_some_of_them_count_in_the_order_of_their_answers(backend: Backend) -> None:
    run_id = backend.start(procedures.three_opinions, need=2)
    backend.advance(run_id)

    answer(backend, run_id, "cem")
    assert backend.status(run_id) == RunStatus.WAITING
    answer(backend, run_id, "ann")

    assert not answer(backend, run_id, "ben")
    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == '["cem","ann"]'


def test_time_wins_and_the_question_is_withdrawn(backend: Backend) -> None:
    run_id = backend.start(procedures.answer_or_time)
    backend.advance(run_id)

    backend.travel(timedelta(hours=2))

    assert not answer(backend, run_id, "ask", value="late")
    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == '"timer"'
    assert saw == [Outcome.WITHDRAWN]


def test_an_answer_wins_and_the_timer_is_gone(backend: Backend) -> None:
    run_id = backend.start(procedures.answer_or_time)
    backend.advance(run_id)

    answer(backend, run_id, "ask", value="this")
    assert not backend.open_waits(run_id)
    backend.travel(timedelta(hours=2))

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == '"ask"'


def test_what_was_answered_before_is_the_first_at_once(backend: Backend) -> None:
    run_id = backend.start(procedures.answered_before_it_is_waited_for)
    backend.advance(run_id)
    answer(backend, run_id, "a", value="first")
    backend.advance(run_id)

    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == '["a","withdrawn","a"]'
    assert not backend.open_waits(run_id)


def test_a_signal_wins_and_the_timer_is_gone(backend: Backend) -> None:
    run_id = backend.start(procedures.payment_or_time)
    backend.advance(run_id)

    backend.signal(run_id, "paid", 31, "p-1")
    assert not backend.open_waits(run_id)
    backend.travel(timedelta(hours=2))

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == '["paid","31"]'


def test_time_wins_and_the_signal_is_not_waited_for(backend: Backend) -> None:
    run_id = backend.start(procedures.payment_or_time)
    backend.advance(run_id)

    backend.travel(timedelta(hours=2))
    backend.signal(run_id, "paid", 31, "p-1")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == '["timer"]'


PEOPLE = "bob answered the related question "


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (lambda backend, run: answer(backend, run, "may"), PEOPLE + "“Pay?” with “Pay 31 €”."),
        (
            lambda backend, run: answer(backend, run, "how", ["sea", "air"]),
            PEOPLE + "“How?” with “By ship, By air”.",
        ),
        (lambda backend, run: answer(backend, run, "why", "secret"), PEOPLE + "“Why?”."),
        (
            lambda backend, run: backend.signal(run, "paid", 31, "p-1"),
            "The signal paid arrived first",
        ),
        (
            lambda backend, _: backend.travel(timedelta(hours=1)),
            "Nobody answered the related question",
        ),
        (lambda backend, _: backend.advance_all(), "The child run doubled ended first."),
    ],
)
def test_who_is_not_needed_any_more_reads_what_decided(
    backend: Backend, happens: Callable[[Backend, str], object], words: str
) -> None:
    run_id = backend.start(procedures.first_come)
    backend.advance(run_id)

    happens(backend, run_id)
    backend.advance(run_id)

    assert saw[0].startswith(words)
    closed = [one for one in backend.events(run_id) if one.key == "left"][-1]
    assert closed.content["responder"] == "system: no longer needed"


def test_what_was_decided_before_is_told_too(backend: Backend) -> None:
    run_id = backend.start(procedures.answered_before_it_is_waited_for)
    backend.advance(run_id)
    answer(backend, run_id, "a", value="first")
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    backend.advance(run_id)

    told = {e.key: e.content["comment"] for e in backend.events(run_id) if e.kind == "wait.closed"}
    assert told["b"] == told["c"] == "bob answered the related question “Which?”."


def test_a_set_is_decided_anew_in_every_generation(backend: Backend) -> None:
    run_id = backend.start(procedures.chosen_anew)
    backend.advance_all()
    answer(backend, run_id, "a", "first")
    backend.advance_all()

    assert {*backend.open_waits(run_id)} == {"a", "b", "wait_any"}
    answer(backend, run_id, "b", "second")
    backend.advance_all()
    assert backend.result(run_id) == '"b"'


def changed_in_a_set(backend: Backend, *, need: int = 1, answered: tuple[str, ...] = ()) -> str:
    """A run whose operator has the first question of its set asked again."""
    run_id = backend.start(procedures.chosen_with_care, need=need)
    backend.advance(run_id)
    for key in answered:
        answer(backend, run_id, key, "before")
    saw.append("changed")
    answer(backend, run_id, "beside", "nothing")
    assert backend.advance(run_id) == RunStatus.QUARANTINED
    backend.override(run_id)
    return run_id


@pytest.mark.parametrize("key", ["a", "b"])
def test_a_question_of_a_set_that_is_asked_again_is_waited_for(backend: Backend, key: str) -> None:
    run_id = changed_in_a_set(backend)
    assert backend.advance(run_id) == RunStatus.WAITING
    assert {*backend.open_waits(run_id)} == {"a", "b", "wait_n"}

    answer(backend, run_id, key, "now")

    assert not backend.open_waits(run_id)
    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == f'[["{key}","now"]]'


@pytest.mark.parametrize("answered", ["a", "b"])
def test_an_answer_to_what_is_asked_again_does_not_count(backend: Backend, answered: str) -> None:
    run_id = changed_in_a_set(backend, need=2, answered=(answered,))
    assert backend.advance(run_id) == RunStatus.WAITING

    for key in ("b", "a") if answered == "a" else ("a",):
        assert backend.status(run_id) == RunStatus.WAITING
        answer(backend, run_id, key, "now")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert '["a","now"]' in str(backend.result(run_id))


def test_a_set_may_be_decided_before_a_part_is_asked_again(backend: Backend) -> None:
    run_id = changed_in_a_set(backend)

    answer(backend, run_id, "b", "now")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == '[["b","now"]]'
    told = [one for one in backend.events(run_id) if (one.kind, one.key) == ("wait.closed", "a")]
    assert [one.content["responder"] for one in told] == ["system: no longer needed"]
