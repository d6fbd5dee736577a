"""Forms, problems and alerts: several answers at once, a call for help, and what only is told."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from procedures.engine import Outcome
from procedures.engine.journal.events import EventKind, RunStatus, closing
from procedures.engine.kinds.questions import Question
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import Carrier, Shipping, Visit, saw


def opened(backend: Backend, run_id: str) -> dict[str, Any]:
    return next(
        event.content
        for event in reversed(backend.events(run_id))
        if event.kind == EventKind.WAIT_OPENED
    )


def test_a_form_is_kept_with_all_that_its_answer_is_checked_by(backend: Backend) -> None:
    run_id = backend.start(procedures.form_of, model="Shipping")

    assert backend.advance(run_id) == RunStatus.WAITING

    kept = opened(backend, run_id)
    assert (kept["kind"], kept["fields"]) == (
        "form",
        ["sender", "amount", "due", "carrier", "items"],
    )
    assert Question.from_json(kept).fields == ["Sender", "Amount", "Due", "Carrier", "Items"]
    assert kept["schema"]["required"] == ["amount", "sender"]
    assert kept["schema"]["properties"]["carrier"]["default"] == "post"


@pytest.mark.parametrize(
    ("model", "sent", "value"),
    [
        (
            "Shipping",
            {"sender": "bob", "amount": "31.20", "due": "2026-12-24", "carrier": "own_van"},
            Shipping(
                sender="bob",
                amount=Decimal("31.20"),
                due=date(2026, 12, 24),
                carrier=Carrier.OWN_VAN,
            ),
        ),
        ("Visit", {"day": "2026-12-24"}, Visit(date(2026, 12, 24))),
        ("Note", {"text": "Soon."}, {"text": "Soon."}),
    ],
)
def test_an_answer_is_the_models_own_the_first_time_and_on_replay(
    backend: Backend, model: str, sent: dict[str, Any], value: object
) -> None:
    run_id = backend.start(procedures.form_of, model=model)
    backend.advance(run_id)
    given = Question.from_json(opened(backend, run_id)).check(sent)

    assert backend.resolve(run_id, "form", closing("answered", given, responder="bob"))
    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, "approve")
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert saw == [value, value]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("Nested", "shipping.sender can't be a field of a form"),
        ("Endless", "contains itself"),
        ("Nothing", "has no fields"),
        ("Validated", "it has a validator, which isn't supported"),
        ("int", "has no fields"),
    ],
)
def test_a_model_that_is_no_form_fails_before_anything_opens(
    backend: Backend, model: str, words: str
) -> None:
    run_id = backend.start(procedures.form_of, model=model)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert words in str(backend.error(run_id))
    assert "QuestionError" in str(backend.error(run_id))
    assert EventKind.WAIT_OPENED not in {event.kind for event in backend.events(run_id)}


def test_an_answer_serves_no_form_that_has_changed(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = backend.start(procedures.form_of, model="Note")
    backend.advance(run_id)
    backend.resolve(run_id, "form", closing("answered", {"text": "Soon."}, responder="bob"))
    monkeypatch.setitem(procedures.MODELS, "Note", Visit)

    assert backend.advance(run_id) == RunStatus.QUARANTINED

    assert "The schema of the wait form" in str(backend.error(run_id))


def test_silence_may_answer_a_form(backend: Backend) -> None:
    run_id = backend.start(procedures.form_with_default)
    backend.advance(run_id)

    backend.travel(timedelta(hours=2))
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    [said] = saw
    assert (said.outcome, said.timed_out) == (Outcome.DEFAULTED, True)
    assert said.value == Shipping(sender="the shop", amount=Decimal(5))
    assert json.loads(backend.result(run_id) or "")["carrier"] == "post"


def test_a_form_is_one_of_several_waits(backend: Backend) -> None:
    run_id = backend.start(procedures.form_or_signal)
    backend.advance(run_id)

    backend.resolve(run_id, "what", closing("answered", {"text": "Soon."}, responder="bob"))
    backend.advance(run_id)

    assert backend.result(run_id) == '"form"'


@pytest.mark.parametrize(
    ("inputs", "assigned"), [({}, ["role:operate"]), ({"whom": ["finance"]}, ["finance"])]
)
def test_a_problem_is_the_operators_unless_it_is_anothers(
    backend: Backend, inputs: dict[str, Any], assigned: list[str]
) -> None:
    run_id = backend.start(procedures.troubled, **inputs)
    backend.advance(run_id)

    kept = opened(backend, run_id)
    assert (kept["kind"], kept["assign"], kept["due_at"]) == ("escalation", assigned, None)
    backend.travel(timedelta(days=365))
    assert list(backend.open_waits(run_id)) == ["escalate"]
    backend.resolve(run_id, "escalate", closing("answered", "Called them.", responder="dave"))
    backend.advance(run_id)

    assert backend.result(run_id) == '"dave: Called them."'


def test_a_problem_may_go_away_when_its_author_says_so(backend: Backend) -> None:
    run_id = backend.start(procedures.troubled_for_an_hour)
    backend.advance(run_id)

    backend.travel(timedelta(hours=2))
    backend.advance(run_id)

    assert backend.result(run_id) == "false"


def test_an_alert_is_told_once_with_its_level(backend: Backend) -> None:
    run_id = backend.start(procedures.alarmed)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert [e.content for e in backend.events(run_id) if e.kind == EventKind.NOTICE] == [
        {"text": "Two orders have no price.", "level": "warning"},
        {"text": "Somebody was paid twice.", "level": "critical"},
    ]


def test_a_level_that_is_none_is_an_error_at_once(backend: Backend) -> None:
    run_id = backend.start(procedures.alarmed, level="grave")

    assert backend.advance(run_id) == RunStatus.FAILED

    assert "'critical', not 'grave'" in str(backend.error(run_id))
    assert not backend.open_waits(run_id)
