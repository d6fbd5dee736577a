"""Requests that people send back: on the page, over the API, and what becomes of them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import HumanRequest
from chat.services import (
    AlreadyAnsweredError,
    AlreadyVotedError,
    Answer,
    ClaimedError,
    NotAskedError,
    claim_request,
    respond,
    undo_response,
)
from dashboard.channels.letter import letter_about
from procedures.engine.errors import AnswerError
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import sweep
from procedures.services.ledger import examine
from tests.calls import JSON, caller, detail, grant, request_of, run_until_it_waits
from tests.conftest import create_person
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db
WISH = "Say which lamp."


@pytest.fixture(autouse=True)
def granted(finance: Group) -> None:
    for name in ("revised", "explained", "final_answers"):
        grant(name, finance, "answer")


@pytest.fixture
def vera(finance: Group) -> User:
    return create_person("vera", finance)


@pytest.fixture
def victor(finance: Group) -> User:
    return create_person("victor", finance)


def ask(name: str = "revised", **inputs: Any) -> HumanRequest:
    return request_of(run_until_it_waits(name, **inputs))


def ask_back(request: HumanRequest, by: User, text: str = WISH, channel: str = "page") -> bool:
    answer = Answer(comment=text, channel=channel, asks_back=True)
    return respond(request.pk, answer, by=by)[1]


def asked_next(request: HumanRequest) -> HumanRequest:
    advance_run(request.wait.run_id)
    return HumanRequest.objects.open().get(wait__run=request.wait.run_id)


def kinds(request: HumanRequest) -> list[str]:
    return list(request.events.values_list("kind", flat=True))


def faults(request: HumanRequest) -> list[str]:
    return examine(Run.objects.get(pk=request.wait.run_id)).faults


def result_of(request: HumanRequest) -> Any:
    advance_run(request.wait.run_id)
    run = Run.objects.get(pk=request.wait.run_id)
    assert run.status == "succeeded", run.error
    return json.loads(run.result or "")


def test_the_run_asks_again_and_shows_what_was_asked_back(vera: User, victor: User) -> None:
    request = ask()

    ask_back(request, vera)

    request.refresh_from_db()
    assert (request.status, request.outcome) == ("answered", "changes_requested")
    assert (request.closed_by, kinds(request)) == ("vera", ["created", "asked_back"])
    second = asked_next(request)
    assert second.asked.body == "A lamp. Say which lamp."
    page = shown(browser(victor).get(f"/requests/{second.pk}"))
    assert "Sent back by <strong><bdi>vera</bdi></strong>" in page
    assert WISH in page
    assert "Sent back by vera: “Say which lamp.”" in letter_about(second, to=victor).text
    assert faults(request) == []
    respond(second.pk, Answer(value=True), by=victor)
    assert result_of(second) == ["A lamp. Say which lamp.", True, []]


def test_of_two_who_decide_the_second_one_is_told(vera: User, victor: User) -> None:
    request = ask()
    ask_back(request, vera)

    with pytest.raises(AlreadyAnsweredError, match="vera has sent this back"):
        respond(request.pk, Answer(value=True), by=victor)
    with pytest.raises(AlreadyAnsweredError, match="vera has sent this back"):
        ask_back(request, victor)
    assert not ask_back(request, vera)  # the same again is the first one
    with pytest.raises(AlreadyAnsweredError):
        ask_back(request, vera, "Something else.")


def test_whoever_may_not_answer_may_not_ask_back(vera: User, victor: User, carol: User) -> None:
    request = ask()
    with pytest.raises(NotAskedError):
        ask_back(request, carol)
    claim_request(request.pk, by=vera)

    with pytest.raises(ClaimedError):
        ask_back(request, victor)
    ask_back(request, vera)


def test_only_where_the_procedure_allows_it_and_with_words(vera: User) -> None:
    with pytest.raises(AnswerError, match="This request can't be sent back"):
        ask_back(ask("explained"), vera)
    request = ask()

    with pytest.raises(AnswerError, match="Write what is missing"):
        ask_back(request, vera, "  ")

    request.refresh_from_db()
    assert request.is_open
    assert kinds(request) == ["created"]


def test_an_ask_back_can_be_undone_like_an_answer(vera: User, victor: User) -> None:
    request = ask(undo=True)
    ask_back(request, vera)
    undo_response(request.pk, by=vera)

    request.refresh_from_db()
    assert (request.status, kinds(request)) == ("open", ["created", "asked_back", "undone"])
    ask_back(request, victor, "Say where.")
    assert not HumanRequest.objects.open().exists()
    clock.ahead += timedelta(seconds=11)
    sweep()

    assert asked_next(request).asked.follows[0].by == "victor"
    assert faults(request) == []


def test_one_ask_back_ends_a_vote(vera: User, victor: User) -> None:
    request = ask(quorum=2)
    respond(request.pk, Answer(value=True, channel="page"), by=vera)

    with pytest.raises(AlreadyVotedError):
        ask_back(request, vera)
    ask_back(request, victor)

    assert kinds(request) == ["created", "voted", "asked_back"]
    second = asked_next(request)
    assert second.responses.count() == 0
    assert faults(request) == []
    for person in (vera, victor):
        respond(second.pk, Answer(value=True), by=person)
    assert result_of(second) == ["A lamp. Say which lamp.", True, ["vera", "victor"]]


def test_after_its_deadline_nobody_asks_back(vera: User) -> None:
    request = ask(expires="1h")
    clock.ahead += timedelta(hours=1)

    with pytest.raises(AlreadyAnsweredError, match="The deadline of this request has passed"):
        ask_back(request, vera)
    assert result_of(request) == ["A lamp.", False, []]


def test_on_its_page_it_has_a_button_and_words_are_needed(vera: User) -> None:
    request, client = ask(), browser(vera)
    assert 'data-key="q"' in shown(client.get(f"/requests/{request.pk}"))
    path = f"/requests/{request.pk}/response"

    refused = client.post(path, {"ask_back": "true", "ask_back_text": " ", "comment": "Hm."})
    assert refused.status_code == 422
    assert "Write what is missing" in shown(refused)
    assert client.post(path, {"ask_back": "true", "ask_back_text": WISH}).status_code == 302

    page = shown(client.get(f"/requests/{request.pk}"))
    assert "<strong>Sent back by vera</strong>" in page
    assert WISH in page
    late = client.post(path, {"ask_back": "true", "ask_back_text": "My own words."})
    assert late.status_code == 409
    assert "My own words." in shown(late)


def test_a_page_of_a_request_that_takes_no_ask_back_has_no_button(vera: User) -> None:
    assert "ask_back" not in shown(browser(vera).get(f"/requests/{ask('explained').pk}"))


def test_what_is_asked_back_needs_no_confirmation(vera: User, finance: Group) -> None:
    grant("final_and_asked_back", finance, "answer")
    request = ask("final_and_asked_back")

    ask_back(request, vera)

    assert result_of(request) == ["changes_requested", WISH]


def test_over_the_api(vera: User, carol: User) -> None:
    request = ask()
    path, client = f"/api/requests/{request.pk}", caller(vera)
    assert client.get(path).json()["ask_back"] is True
    empty = client.post(f"{path}/ask-back", {"text": ""}, content_type=JSON)
    assert detail(empty, 422) == "Write what is missing, or what should be changed."
    assert _post(caller(carol), path).status_code == 404

    made = _post(client, path)

    assert (made.status_code, made.json()["asks_back"], made.json()["value"]) == (201, True, None)
    assert _post(client, path).status_code == 200
    told = client.get(path).json()
    assert (told["outcome"], told["responses"][0]["comment"]) == ("changes_requested", WISH)
    [earlier] = client.get(f"/api/requests/{asked_next(request).pk}").json()["follows"]
    assert (earlier["by"], earlier["text"], earlier["prompt"]) == ("vera", WISH, "Publish it?")
    other = client.post(f"{path}/response", {"value": True}, content_type=JSON)
    assert (other.status_code, other.json()["answered_by"]) == (409, "vera")


def test_a_forged_ask_back_is_found(vera: User) -> None:
    request = ask()
    ask_back(request, vera)
    asked_next(request)

    request.responses.update(asks_back=False)

    assert any("the field asks_back was changed" in one for one in faults(request))


def _post(client: Client, path: str) -> Any:
    return client.post(f"{path}/ask-back", {"text": WISH}, content_type=JSON)
