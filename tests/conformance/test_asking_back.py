"""Questions that people send back: what the run gets, and what it asks then."""

from datetime import timedelta
from typing import Any

from procedures.engine import Procedure
from procedures.engine.journal.events import EventKind, RunStatus, closing
from procedures.engine.kinds.questions import Question
from procedures.engine.kinds.responses import AskedBack
from tests import procedures
from tests.conformance.backends import Backend, answer, result_of

SECOND = timedelta(seconds=1)


def suspended(backend: Backend, procedure: Procedure, **inputs: Any) -> str:
    run_id = backend.start(procedure, **inputs)
    assert backend.advance(run_id) == RunStatus.WAITING
    return run_id


def asked_back(text: str, by: str = "ann") -> dict[str, Any]:
    return closing("changes_requested", None, responder=by, comment=text)


def questions(backend: Backend, run_id: str) -> list[Question]:
    opened = [one for one in backend.events(run_id) if one.kind == EventKind.WAIT_OPENED]
    return [Question.from_json(one.content) for one in opened]


def test_the_run_gets_the_words_and_asks_again(backend: Backend) -> None:
    run_id = suspended(backend, procedures.revised)

    assert backend.resolve(run_id, "approve", asked_back("Say which lamp."))
    assert backend.advance(run_id) == RunStatus.WAITING
    assert backend.resolve(run_id, "approve#2", asked_back("Say where.", by="ben"))
    assert backend.advance(run_id) == RunStatus.WAITING

    first, second, third = questions(backend, run_id)
    assert [one.body for one in (first, second, third)] == [
        "A lamp.",
        "A lamp. Say which lamp.",
        "A lamp. Say which lamp. Say where.",
    ]
    assert first.follows == ()
    assert [(one.by, one.text) for one in second.follows] == [("ann", "Say which lamp.")]
    assert third.follows[0] == second.follows[0]
    assert isinstance(third.follows[1], AskedBack)
    assert third.follows[1][:3] == ("Publish it?", "ben", "Say where.")
    assert answer(backend, run_id, "approve#3")
    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert result_of(backend, run_id)[:2] == ["A lamp. Say which lamp. Say where.", True]


def test_each_question_is_asked_back_once(backend: Backend) -> None:
    run_id = suspended(backend, procedures.revised)
    assert backend.resolve(run_id, "approve", asked_back("Say which."))

    assert not backend.resolve(run_id, "approve", asked_back("Say where."))
    assert not answer(backend, run_id, "approve")

    backend.advance(run_id)
    assert list(backend.open_waits(run_id)) == ["approve#2"]
    steps = [one for one in backend.events(run_id) if one.kind == EventKind.STEP_SUCCEEDED]
    assert len(steps) == 1


def test_a_held_ask_back_can_be_undone(backend: Backend) -> None:
    run_id = suspended(backend, procedures.revised)
    assert backend.hold(run_id, "approve", asked_back("Say which."), 10 * SECOND)

    assert backend.undo(run_id, "approve")
    assert answer(backend, run_id, "approve")

    backend.advance(run_id)
    assert result_of(backend, run_id)[:2] == ["A lamp.", True]


def test_in_a_set_it_closes_its_question_and_says_so_to_the_others(backend: Backend) -> None:
    run_id = suspended(backend, procedures.asked_back_in_pair)

    backend.resolve(run_id, "b", asked_back("Which what?"))
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    why = "ann sent the related question “Which?” back."
    assert result_of(backend, run_id) == ["b", "changes_requested", why, "Which what?"]


def test_a_fork_keeps_what_was_asked_back(backend: Backend) -> None:
    run_id = suspended(backend, procedures.revised)
    backend.resolve(run_id, "approve", asked_back("Say which."))
    backend.advance(run_id)

    forked = backend.fork(run_id, "approve#2")
    assert backend.advance(forked) == RunStatus.WAITING

    assert list(backend.open_waits(forked)) == ["approve#2"]
    assert questions(backend, forked)[-1].follows[0].text == "Say which."


def test_a_cancelled_run_asks_no_more(backend: Backend) -> None:
    run_id = suspended(backend, procedures.revised)
    backend.cancel(run_id)

    assert not backend.resolve(run_id, "approve", asked_back("Say which."))
    assert backend.status(run_id) == RunStatus.CANCELLED
