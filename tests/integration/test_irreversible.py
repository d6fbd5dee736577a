"""Answers that can't be undone: a button arms first, a program confirms, words never answer."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.models import HumanRequest, Message
from chat.services import Answer, NotConfirmedError
from chat.services import reply as typed_reply
from chat.services import respond as answer_it
from dashboard.channels.letter import letter_about
from procedures.engine.errors import QuestionError
from procedures.engine.kinds.questions import new_question
from tests.calls import caller, request_of, respond, run_until_it_waits
from tests.integration.test_pages_chat import say
from tests.pages import browser, grant_to_both, shown

pytestmark = pytest.mark.django_db
Fields = dict[str, str | list[str]]
PRESSES: dict[str, tuple[Fields, Any, str]] = {
    "approval": ({"value": "true"}, True, "Delete ALL files"),
    "unlabelled": ({"value": "false"}, False, "reject"),
    "text": ({"value": "Blum"}, "Blum", "Blum"),
    "whole": ({"value": "7"}, 7, "7"),
    "decimal": ({"value": "31.20"}, "31.20", "31.20"),
    "boolean": ({"value": "false"}, False, "No"),
    "choice": ({"value": "b"}, "b", "Bread"),
    "many": ({"value": ["a", "b"]}, ["a", "b"], "a, b"),
    "review": ({"decision": "approved"}, {"decision": "approved"}, "approve"),
    "data": ({"decision": "pay"}, {"decision": "pay"}, "Pay it"),
    "form": (
        {"field-street": "Elm Road 1", "field-is_fragile": "false"},
        {"street": "Elm Road 1", "is_fragile": False},
        "Street: Elm Road 1 · Is fragile: no",
    ),
    "problem": ({"value": "Called them."}, "Called them.", "Called them."),
}
NAMED = {"approve": "Approve for good", "reject": "Reject for good"}
"""The words on the second button, where the author has named none."""
TYPED = {
    "approval": ["Delete ALL files", "Keep them", "yes", "ok", "no"],
    "text": ["Blum"],
    "whole": ["7"],
    "boolean": ["yes", "no"],
    "choice": ["Bread", "b", "2"],
    "many": ["a, b"],
    "review": ["approve", "yes"],
    "data": ["Pay it", "pay"],
    "problem": ["resolved: called them"],
}


def ask(kind: str, *, by: User) -> HumanRequest:
    grant_to_both("final_answers")
    return request_of(run_until_it_waits("final_answers", by=by, kind=kind))


def press(client: Client, request: HumanRequest, fields: Fields, **more: str) -> Any:
    return client.post(f"/requests/{request.pk}/response", {**fields, **more})


def armed(response: Any) -> dict[str, str]:
    """The fields that the armed button sends besides the others."""
    assert response.status_code == 422
    found = re.search(r'name="confirms" value="(\w+)"', response.content.decode())
    assert found, response.content
    return {"confirms": found[1]}


def is_open(request: HumanRequest) -> bool:
    return HumanRequest.objects.get(pk=request.pk).is_open


# The page


@pytest.mark.parametrize(("kind", "press_of"), PRESSES.items(), ids=PRESSES)
def test_the_first_press_arms_and_the_second_answers(
    kind: str, press_of: tuple[Fields, Any, str], alice: User, bob: User
) -> None:
    fields, value, words = press_of
    request, client = ask(kind, by=alice), browser(bob)
    page = client.get(f"/requests/{request.pk}")
    assert "An answer can't be undone." in shown(page)

    first = press(client, request, {**fields, "comment": "Seen."})
    assert is_open(request)
    told = re.search("Press again to (?:decide for good: )?<strong>(.+?)</strong>", shown(first))
    assert told
    assert told[1] == words
    assert f">{NAMED.get(words, f'For good: {words}')}</button>" in shown(first)
    assert "Seen.</textarea>" in shown(first)
    second = press(client, request, {**fields, "comment": "Seen."}, **armed(first))

    assert second.status_code == 302
    response = HumanRequest.objects.get(pk=request.pk).responses.get()
    assert (response.plain_value, response.comment) == (value, "Seen.")


def test_what_arms_one_answer_fires_no_other(alice: User, bob: User) -> None:
    request, client = ask("approval", by=alice), browser(bob)
    token = armed(press(client, request, {"value": "false"}))

    other = press(client, request, {"value": "true"}, **token)

    assert is_open(request)
    assert "<strong>Delete ALL files</strong>" in shown(other)
    press(client, request, {"value": "true"}, **armed(other))
    assert HumanRequest.objects.get(pk=request.pk).outcome == "approved"


def test_what_arms_one_request_fires_no_other(alice: User, bob: User) -> None:
    first, second, client = ask("approval", by=alice), ask("approval", by=alice), browser(bob)
    token = armed(press(client, first, {"value": "true"}))

    armed(press(client, second, {"value": "true"}, **token))

    assert is_open(first)
    assert is_open(second)


def test_an_armed_button_is_disarmed_and_the_words_stay(alice: User, bob: User) -> None:
    request, client = ask("text", by=alice), browser(bob)
    token = armed(press(client, request, {"value": "Blum"}))

    page = press(client, request, {"value": "Blum", "comment": "Hm."}, **token, disarm="true")

    assert page.status_code == 200
    assert is_open(request)
    assert "Press again" not in shown(page)
    assert "Blum" in shown(page)
    assert "Hm.</textarea>" in shown(page)


def test_a_wrong_answer_is_told_before_anything_is_armed(alice: User, bob: User) -> None:
    request = ask("whole", by=alice)

    page = press(browser(bob), request, {"value": "seven"})

    assert "must be a whole number" in shown(page)
    assert "Press again" not in shown(page)


def test_a_stranger_arms_nothing(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)

    page = press(browser(alice), request, {"value": "true"})

    assert page.status_code == 403
    assert "Press again" not in shown(page)


def test_without_the_option_one_press_answers(alice: User, bob: User) -> None:
    grant_to_both("one_of_each")
    request = request_of(run_until_it_waits("one_of_each", by=alice, kind="approval"))
    client = browser(bob)
    assert "can't be undone" not in shown(client.get(f"/requests/{request.pk}"))

    assert press(client, request, {"value": "true"}).status_code == 302
    assert not is_open(request)


# Words in the chat, and mails


@pytest.mark.parametrize(
    ("kind", "words"), [(kind, words) for kind, some in TYPED.items() for words in some]
)
def test_typed_words_answer_nothing_and_say_where(
    kind: str, words: str, alice: User, bob: User
) -> None:
    request, client = ask(kind, by=alice), browser(bob)

    for confirms in ("", "0" * 64):
        page = say(client, request.session, words, to=request, confirms=confirms)
        assert "Send it again" not in shown(page)
        assert "Use the button on the request&#x27;s card." in shown(page)

    assert is_open(request)
    reply = typed_reply(request, words, by=bob)
    assert reply.response is None
    assert is_open(request)
    assert Message.objects.filter(session=request.session, text=words).exists()


def test_whoever_only_reads_along_is_told_that_they_are_not_asked(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)

    assert "isn't assigned to you" in typed_reply(request, "yes", by=alice).reason


def test_a_mail_says_it_and_decides_nothing(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)

    text = letter_about(request, to=bob).text

    assert "An answer can't be undone." in text
    browser(bob).get(f"/requests/{request.pk}?value=true&confirms=x")
    assert is_open(request)


# Programs


def test_an_answer_through_the_api_is_confirmed(alice: User, bob: User) -> None:
    """A person who is signed in can do it; a token is refused, confirmed or not."""
    request, program = ask("approval", by=alice), browser(bob)
    assert program.get(f"/api/requests/{request.pk}").json()["irreversible"] is True

    refused = respond(program, request, value=True)
    assert refused.status_code == 422
    assert refused.json()["faults"][0]["field"] == "confirm"
    assert is_open(request)

    body = {"value": True, "confirm": True}
    path = f"/api/requests/{request.pk}/response"
    assert caller(bob).post(path, body, "application/json").status_code == 403
    assert is_open(request)
    assert program.post(path, body, "application/json").status_code == 201
    assert respond(program, request, value=True).status_code == 200  # the same answer again


@pytest.mark.parametrize("confirm", ["true", 1, None, "yes", [True]])
def test_only_true_confirms(confirm: Any, alice: User, bob: User) -> None:
    request = ask("approval", by=alice)
    body = json.dumps({"value": True, "confirm": confirm})

    sent = caller(bob).post(f"/api/requests/{request.pk}/response", body, "application/json")

    assert sent.status_code == 422
    assert is_open(request)


def test_no_door_to_the_service_answers_unconfirmed(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)

    for channel in ("api", "chat", "mail", "page"):
        with pytest.raises(NotConfirmedError):
            answer_it(request.pk, Answer(value=True, channel=channel), by=bob)

    assert is_open(request)
    answer_it(request.pk, Answer(value=True, is_confirmed=True), by=bob)
    assert HumanRequest.objects.get(pk=request.pk).outcome == "approved"


# The option itself


def test_it_is_part_of_what_an_answer_is_given_to(alice: User, bob: User) -> None:
    plain, final = (
        new_question("approval", "Delete?"),
        new_question("approval", "Delete?", irreversible=True),
    )

    assert plain.digest != final.digest
    assert type(final).from_json(final.as_json()) == final
    request = ask("approval", by=alice)
    answer_it(request.pk, Answer(value=True, is_confirmed=True), by=bob)
    assert json.loads(request.responses.get().shown)["irreversible"] is True


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_it_is_true_or_false(value: Any) -> None:
    with pytest.raises(QuestionError, match="irreversible= must be True or False"):
        new_question("approval", "Delete?", irreversible=value)
