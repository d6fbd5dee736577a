"""Answering over the API: what is an answer, what is refused, and what is kept."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import HumanRequest, HumanResponse
from procedures.engine.values import canonical
from procedures.models import Run, Wait
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import resolve_wait
from tests.calls import caller, grant, request_of, respond, run_until_it_waits


@pytest.fixture
def bobs(bob: User, finance: Group) -> Client:
    grant("any_question", finance, "answer")
    return caller(bob)


def asked(kind: str = "approval") -> HumanRequest:
    return request_of(run_until_it_waits("any_question", kind=kind))


def result_of(request: HumanRequest) -> Any:
    """The procedure's result for the answer."""
    advance_run(request.wait.run_id)
    run = Run.objects.get(pk=request.wait.run_id)
    assert run.status == "succeeded", run.error
    return json.loads(run.result or "")


# What is an answer


@pytest.mark.parametrize(
    ("kind", "value", "outcome"),
    [
        ("approval", True, "approved"),
        ("approval", False, "rejected"),
        ("text", "Thursday, \u0000 ü", "answered"),
        ("whole", 42, "answered"),
        ("amount", "31.20", "answered"),
        ("day", "2026-12-31", "answered"),
        ("one", "b", "answered"),
        ("many", ["b", "a"], "answered"),
        ("review", {"decision": "approved"}, "approved"),
        ("review", {"decision": "approved", "text": "Dear alice"}, "edited"),
        ("review", {"decision": "rejected"}, "rejected"),
    ],
)
def test_an_answer_that_fits_is_taken(bobs: Client, kind: str, value: Any, outcome: str) -> None:
    request = asked(kind)

    response = respond(bobs, request, value, "Fine.")

    assert response.status_code == 201, response.content
    told = response.json()
    assert (told["value"], told["comment"], told["user"]) == (value, "Fine.", "bob")
    assert told["request_id"] == str(request.pk)
    request.refresh_from_db()
    assert (request.status, request.outcome, request.closed_by) == ("answered", outcome, "bob")
    result_of(request)


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        ("approval", "yes", "The answer must be yes or no (true or false)."),
        ("approval", 1, "The answer must be yes or no (true or false)."),
        ("approval", None, "The answer must be yes or no (true or false)."),
        ("text", " ", "Write something."),
        ("text", 7, "The answer must be text."),
        ("whole", 1.5, "The answer must be a whole number."),
        ("whole", "42", "The answer must be a whole number."),
        ("amount", "much", "The answer must be a number like 31.20."),
        ("amount", [], "The answer must be a number like 31.20."),
        ("day", "tomorrow", "The answer must be a date like 2026-12-31."),
        ("day", 20261231, "The answer must be text."),
        ("one", "c", "Choose one of: a, b."),
        ("one", ["a"], "Choose one of: a, b."),
        ("many", [], "Choose at least 1."),
        ("many", ["a", "a"], "An option was chosen more than once. Choose each only once."),
        ("many", ["a", "c"], "1: Choose one of: a, b."),
        ("many", "a", "The answer must be a list."),
        ("review", True, "The answer must be an object with named fields."),
        ("review", {}, "Fill in decision."),
        ("review", {"decision": "maybe"}, "decision: Choose one of: approved, rejected."),
        (
            "review",
            {"decision": "approved", "x": 1},
            "Unknown field. The fields are: decision, text.",
        ),
        ("review", {"decision": "approved", "text": ""}, "text: Write something."),
        (
            "review",
            {"decision": "rejected", "text": "x"},
            "A rejected draft can't have an edited text",
        ),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_in_words(
    bobs: Client, kind: str, value: Any, sentence: str
) -> None:
    request = asked(kind)

    response = respond(bobs, request, value)

    assert response.status_code == 422, response.content
    assert response.json()["detail"].startswith(sentence)
    assert not HumanResponse.objects.exists()
    request.refresh_from_db()
    assert (request.is_open, request.version) == (True, 1)


# What is kept


def test_a_response_keeps_who_when_from_where_and_what_was_shown(bobs: Client, bob: User) -> None:
    request = asked()
    before = clock.now()

    respond(bobs, request, value=True, comment="ok")

    response = HumanResponse.objects.get()
    assert (response.user, response.value, response.comment) == (bob, "true", "ok")
    assert before <= response.at <= clock.now()
    assert (response.channel, response.address) == ("api", "127.0.0.1")
    assert canonical.plain(response.shown)["prompt"] == "Go?"
    assert response.shown == request.question
    assert response.evidence_digest == request.asked.evidence_digest
    request.refresh_from_db()
    assert (request.version, request.closed_at) == (2, request.wait.closed_at)
    told = bobs.get(f"/api/requests/{request.pk}").json()
    assert [answer["comment"] for answer in told["responses"]] == ["ok"]


# The second answer


def test_the_same_answer_again_gives_the_first_response(bobs: Client) -> None:
    request = asked()

    first, again = (respond(bobs, request, value=True, comment="ok") for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert HumanResponse.objects.count() == 1


@pytest.mark.parametrize(("value", "comment"), [(False, "ok"), (True, "other"), (1, "ok")])
def test_another_answer_by_the_same_person_is_too_late(
    bobs: Client, value: object, comment: str
) -> None:
    request = asked()
    first = respond(bobs, request, value=True, comment="ok").json()

    response = respond(bobs, request, value, comment)

    assert response.status_code == 409
    assert response.json()["detail"] == "bob has already answered this (approved)."
    assert response.json()["answered_by"] == "bob"
    assert response.json()["answered_at"] == first["at"]
    assert HumanResponse.objects.get().value == "true"


def test_somebody_elses_answer_is_too_late(bobs: Client, alice: User, finance: Group) -> None:
    alice.groups.add(finance)
    request = asked()
    respond(bobs, request, value=False)

    response = respond(caller(alice), request, value=False)

    assert response.status_code == 409
    assert response.json()["detail"] == "bob has already answered this (rejected)."
    assert response.json()["answered_by"] == "bob"


def test_an_answer_after_the_deadline_is_too_late_also_unswept(bob: User, finance: Group) -> None:
    grant("deadline_with_default", finance, "answer")
    request = request_of(run_until_it_waits("deadline_with_default"))
    Wait.objects.filter(pk=request.wait_id).update(due_at=clock.now() - timedelta(seconds=1))

    response = respond(caller(bob), request, value=False)

    assert response.status_code == 409
    assert response.json()["detail"] == "The deadline of this request has passed (defaulted)."
    assert response.json()["answered_by"] == "system: deadline"
    assert response.json()["answered_at"]
    request.refresh_from_db()
    assert request.status == "expired"
    assert result_of(request) is True


def test_what_is_not_asked_any_more_takes_no_answer(bobs: Client) -> None:
    request = asked()
    content = {"outcome": "withdrawn", "value": None, "responder": "system: run ended"}
    resolve_wait(request.wait, {**content, "comment": "", "timed_out": False}, at=clock.now())

    response = respond(bobs, request, value=True)

    assert response.status_code == 409
    assert response.json()["detail"] == "This request was withdrawn."
    assert response.json()["answered_by"] == "system: run ended"


# Who may


def test_who_may_see_but_is_not_asked_is_refused_in_words(
    bobs: Client, alice: User, support: Group
) -> None:
    grant("any_question", support, "start")
    run = run_until_it_waits("any_question", by=alice, kind="approval")

    response = respond(caller(alice), request_of(run), value=True)

    assert response.status_code == 403
    assert response.json()["detail"] == (
        "This request isn't assigned to you. finance can answer it."
    )
    assert respond(bobs, request_of(run), value=True).status_code == 201
