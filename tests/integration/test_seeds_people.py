"""SEEDS.md: the faults that people would meet, as it is right.

| fault (whose)                                             | its test here                        |
|-----------------------------------------------------------|--------------------------------------|
| a plain-text reply crashes (Plexus)                       | a_plain_text_reply, ..._no_answer    |
| one reply answers every later question (Plexus)           | a_reply_never_answers_the_next       |
| the responder is dropped (Tactus)                         | the_responder_reaches_the_procedure  |
| a bad reply to a schema fails the run (Tactus)            | a_bad_reply_is_refused_and_the_run   |
| timeouts are never enforced (Tactus)                      | a_deadline_closes_the_card           |
| a step reached by fan-out asks nobody (litestar-workflows)| every_branch_and_child_asks_people   |
| the human's data is lost (litestar-workflows)             | what_was_answered_is_kept            |
| `completed_by` is what the body says (litestar-workflows) | the_responder_is_who_signed_in       |
| two processes answering both win (AbstractRuntime)        | the_second_of_two_learns_who         |
| answers outside `choices` are accepted (AbstractRuntime)  | an_answer_outside_the_choices        |
| answers after a cancel complete the run (AbstractRuntime) | a_cancelled_run_takes_no_answer      |
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import HumanRequest, HumanResponse
from chat.services import reply
from procedures.models import Procedure, Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import cancel_run, sweep
from tests.calls import caller, grant, request_of, respond, run_until_it_waits


@pytest.fixture(autouse=True)
def finance_answers(finance: Group, bob: User) -> None:
    for name in Procedure.objects.values_list("name", flat=True):
        grant(name, finance, "answer")


@pytest.fixture
def bobs(bob: User) -> Client:
    return caller(bob)


def carried_on(run: Run) -> Run:
    advance_run(run.pk)
    run.refresh_from_db()
    return run


def result_of(run: Run) -> Any:
    assert carried_on(run).status == "succeeded", run.error
    return json.loads(run.result or "")


def prompts() -> list[str]:
    return sorted(HumanRequest.objects.open().values_list("prompt", flat=True))


def test_a_plain_text_reply_is_an_answer_where_a_text_is_asked_for(bob: User) -> None:
    run = run_until_it_waits("agent_asks")

    said = reply(request_of(run), 'no JSON: {"a": ü', by=bob)

    assert said.response
    assert result_of(run) == 'no JSON: {"a": ü'


def test_a_plain_text_that_is_no_answer_says_so_and_the_question_stays(bob: User) -> None:
    run = run_until_it_waits("deletions")

    said = reply(request_of(run), "let me think", by=bob)

    assert (said.response, said.reason) == (None, "Answer yes or no.")
    assert prompts() == ["Delete the test data?"]
    assert reply(request_of(run), "yes", by=bob).response


def test_a_reply_never_answers_the_next_question(bobs: Client) -> None:
    run = run_until_it_waits("deletions")
    first = request_of(run)

    respond(bobs, first, value=True)
    assert carried_on(run).status == "waiting"
    respond(bobs, first, value=True)

    assert carried_on(run).status == "waiting"
    assert prompts() == ["Delete PRODUCTION?"]
    respond(bobs, request_of(run), value=False)
    assert result_of(run) == ["the test data"]


def test_the_responder_reaches_the_procedure_with_the_comment(bobs: Client) -> None:
    run = run_until_it_waits("parcel")
    respond(bobs, request_of(run), 7, "Weighed twice.")
    carried_on(run)
    respond(bobs, request_of(run), value=True)

    assert result_of(run) == [7, "bob", "Weighed twice."]


@pytest.mark.parametrize("name", ["completed_by", "responder", "user", "user_id"])
def test_the_responder_is_who_signed_in_and_never_what_the_body_says(
    bobs: Client, alice: User, name: str
) -> None:
    run = run_until_it_waits("parcel")
    path = f"/api/requests/{request_of(run).pk}/response"

    told = bobs.post(path, {"value": 7, name: "alice"}, "application/json")

    assert told.status_code == 422
    assert request_of(run).is_open
    assert respond(bobs, request_of(run), 7).json()["user"] == "bob"
    assert HumanResponse.objects.get().user.username == "bob"


@pytest.mark.parametrize("value", ["heavy", 7.5, None, {"value": 7}, True])
def test_a_bad_reply_is_refused_and_the_run_waits_on(bobs: Client, value: Any) -> None:
    run = run_until_it_waits("parcel")

    told = respond(bobs, request_of(run), value)

    assert told.status_code == 422
    assert told.json()["detail"] == "The answer must be a whole number."
    assert carried_on(run).status == "waiting"
    assert respond(bobs, request_of(run), 7).status_code == 201
    assert carried_on(run).status == "waiting"
    assert prompts() == ["Send it?"]


def test_an_answer_outside_the_choices_is_refused_with_the_choices(bobs: Client) -> None:
    run = run_until_it_waits("pays_on_condition", needs="choice")

    told = respond(bobs, request_of(run), "maybe")

    assert (told.status_code, told.json()["detail"]) == (422, "Choose one of: true, false.")
    assert respond(bobs, request_of(run), "false").status_code == 201
    assert result_of(run) == "refuse"


def test_a_deadline_closes_the_card_and_says_who(bobs: Client) -> None:
    run = run_until_it_waits("agent_waits")

    clock.ahead += timedelta(seconds=61)
    sweep()

    request = request_of(run)
    assert (request.status, request.outcome) == ("expired", "defaulted")
    assert request.closed_by == "system: deadline"
    assert respond(bobs, request, value=False).status_code == 409
    assert result_of(run) == [True, True, "system: deadline"]


def test_every_branch_and_child_asks_people(bobs: Client) -> None:
    run = run_until_it_waits("asks_on_every_level")
    child = Run.objects.get(parent_wait__run=run)
    carried_on(child)

    assert prompts() == ["Go?", "One?", "Other?", "Which word?"]
    values = {"Go?": True, "One?": "one", "Other?": "other", "Which word?": "child"}
    for request in HumanRequest.objects.open():
        assert respond(bobs, request, values[request.prompt]).status_code == 201
    carried_on(child)
    assert result_of(run) == [True, "child", "one", "other"]


def test_what_was_answered_is_kept_beside_what_was_shown(bobs: Client) -> None:
    run = run_until_it_waits("parcel")
    respond(bobs, request_of(run), 7, "Weighed twice.")

    kept = HumanResponse.objects.get()

    assert (kept.value, kept.comment, kept.user.username) == ("7", "Weighed twice.", "bob")
    assert kept.shown == request_of(run).question


def test_the_second_of_two_learns_who_was_first(bobs: Client, finance: Group, alice: User) -> None:
    alice.groups.add(finance)
    run = run_until_it_waits("pays_on_condition", needs="approval")
    respond(bobs, request_of(run), value=False)

    told = respond(caller(alice), request_of(run), value=True)

    assert told.status_code == 409
    assert told.json()["answered_by"] == "bob"
    assert result_of(run) == "refuse"


def test_a_cancelled_run_takes_no_answer_and_does_nothing_more(bobs: Client, dave: User) -> None:
    run = run_until_it_waits("pays_on_condition", needs="approval")
    request = request_of(run)

    cancel_run(run.pk, by=dave, reason="Ordered twice.")

    assert respond(bobs, request, value=True).status_code == 409
    assert carried_on(run).status == "cancelled"
    assert not run.events.filter(kind="step.succeeded").exists()
