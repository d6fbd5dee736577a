"""The texts that people are shown for a question of Plexus, clause by clause: see `test_plexus`."""

import json
from typing import Any

import pytest

from procedures.engine.agent_api import UNSAID
from procedures.engine.errors import AnswerError
from procedures.engine.journal.events import EventKind, RunStatus, closing
from procedures.engine.kinds.questions import Question
from tests import procedures
from tests.conformance.backends import Backend, answer


def opened_by(backend: Backend, run_id: str) -> Any:
    [opened] = [e for e in backend.events(run_id) if e.kind == EventKind.WAIT_OPENED]
    return opened.content


@pytest.mark.parametrize(
    ("message", "prompt", "body"),
    [
        ("Send it?", "Send it?", ""),
        ("Send it?\n\nTo **bob**.\n- now", "Send it?", "To **bob**.\n- now"),
        ("\n Send it?\r\nNow.", "Send it?", "Now."),
        ("", "What is your answer?", ""),
        (" \n ", "What is your answer?", ""),
    ],
)
def test_a_message_has_its_prompt_in_its_first_line(
    backend: Backend, message: str, prompt: str, body: str
) -> None:
    run_id = backend.start(procedures.agent_shows, kind="input", message=message)
    backend.advance(run_id)

    opened = opened_by(backend, run_id)

    assert (opened["prompt"], opened["body"]) == (prompt, body)


@pytest.mark.parametrize("message", ["", " \n\t"])
@pytest.mark.parametrize("kind", ["approval", "input", "review", "escalation"])
def test_an_empty_message_gets_a_sentence_by_its_kind(
    backend: Backend, kind: str, message: str
) -> None:
    run_id = backend.start(procedures.agent_shows, kind=kind, message=message)
    backend.advance(run_id)

    assert opened_by(backend, run_id)["prompt"] == UNSAID[kind]


def test_metadata_may_change_and_is_shown_to_nobody(backend: Backend) -> None:
    run_id = backend.start(procedures.agent_shows, kind="input", message="Well?", artifact="x")
    backend.advance(run_id)
    opened = opened_by(backend, run_id)

    answer(backend, run_id, "input", value="Fine.")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert (opened["evidence"], list(opened["metadata"])) == (None, ["read_at"])


@pytest.mark.parametrize("artifact", [{"to": "bob", "lines": [1, 2]}, [1, None], 7, None, True])
def test_an_artifact_may_be_data_and_comes_back_as_data(backend: Backend, artifact: Any) -> None:
    run_id = backend.start(
        procedures.agent_shows, kind="review", message="Well?", artifact=artifact
    )
    backend.advance(run_id)
    question = Question.from_json(opened_by(backend, run_id))
    assert json.loads(question.draft or "") == artifact

    for text in ("{'to': 'bob'}", "no data", '{"to": '):
        with pytest.raises(AnswerError, match="The edited draft isn't valid JSON"):
            question.check({"decision": "approved", "text": text})
    edited = question.check({"decision": "approved", "text": '{"to": "carol"}'})
    content = closing(question.outcome_of(edited), edited, responder="bob", comment="So.")
    backend.resolve(run_id, "review", content)
    backend.advance(run_id)

    said = {"decision": "approved", "feedback": "So.", "edited_artifact": {"to": "carol"}}
    assert json.loads(backend.result(run_id) or "") == [said, False]


@pytest.mark.parametrize(
    ("chosen", "decision"),
    [("go", "go"), ("request_changes", "request_changes"), ("go#2", "go")],
)
def test_the_options_of_a_review_are_its_buttons(
    backend: Backend, chosen: str, decision: str
) -> None:
    options = [{"label": "Send", "type": "go"}, {"label": "Request changes"}]
    options.append({"label": "Send twice", "type": "go"})
    run_id = backend.start(procedures.agent_shows, kind="review", message="?", options=options)
    backend.advance(run_id)
    question = Question.from_json(opened_by(backend, run_id))

    edited = question.check({"decision": chosen, "text": "Dear Bob"})
    content = closing(question.outcome_of(edited), edited, responder="bob", comment="So.")
    backend.resolve(run_id, "review", content)
    backend.advance(run_id)

    said = {"decision": decision, "feedback": "So.", "edited_artifact": "Dear Bob"}
    assert list(question.decisions.values()) == ["Send", "Request changes", "Send twice"]
    assert json.loads(backend.result(run_id) or "") == [said, False]


@pytest.mark.parametrize("text", ["{", "Dear bob"])
def test_an_artifact_that_is_a_text_may_become_any_text(backend: Backend, text: str) -> None:
    run_id = backend.start(
        procedures.agent_shows, kind="review", message="Well?", artifact='{"a": 1}'
    )
    backend.advance(run_id)

    question = Question.from_json(opened_by(backend, run_id))

    assert question.check({"decision": "approved", "text": text})
