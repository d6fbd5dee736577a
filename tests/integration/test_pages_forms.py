"""Forms and problems as pages and over the API: each field, each refusal, what was answered."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import HumanRequest, HumanResponse
from chat.services import reply
from dashboard.channels.letter import letter_about
from procedures.models import Run
from procedures.runner import advance_run
from tests.calls import caller, detail, grant, respond
from tests.pages import HTMX, ask, browser, grant_to_both, shown
from tests.runs import answer

pytestmark = pytest.mark.usefixtures("bob")
TYPED = {
    "amount": "31.20",
    "parcels": "2",
    "weight": "",
    "due": "2026-12-24",
    "carrier": "own_van",
    "packing": "crate",
    "extras": ["gift_wrap", "insurance"],
    "items": " lamp\r\n\r\nshade ",
    "sender": "Mrs Blum",
    "note": "Ring twice.\r\nThe dog is kind.",
    "is_broken": ["false", "true"],
}
KEPT = {
    "amount": "31.20",
    "parcels": 2,
    "weight": None,
    "due": "2026-12-24",
    "carrier": "own_van",
    "packing": "crate",
    "extras": ["gift_wrap", "insurance"],
    "items": ["lamp", "shade"],
    "sender": "Mrs Blum",
    "note": "Ring twice.\nThe dog is kind.",
    "is_broken": True,
}
LEAST = {"amount": "5", "due": "2026-12-24", "carrier": "post", "sender": "bob"}
DEFAULTS = {
    "parcels": 1,
    "weight": None,
    "packing": "carton",
    "extras": [],
    "items": ["lamp"],
    "note": "",
    "is_broken": False,
}


def fill_in(client: Client, request: HumanRequest, *, htmx: bool = True, **typed: Any) -> Any:
    fields = {f"field-{name}": value for name, value in (TYPED | typed).items()}
    fields = {name: value for name, value in fields.items() if value is not None}
    path, headers = f"/requests/{request.pk}/response", HTMX if htmx else {}
    return client.post(path, {"comment": "As discussed.", **fields}, headers=headers)


def page(client: Client, request: HumanRequest) -> str:
    return shown(client.get(f"/requests/{request.pk}"))


def field(text: str, number: int) -> str:
    """The text under the label of a field."""
    return text.split('class="field"')[number + 1]


def test_a_form_shows_labels_limits_and_defaults(alice: User, bob: User) -> None:
    text = page(browser(bob), ask("form", by=alice))

    amount, parcels, weight, due, carrier, packing, extras, items = (
        field(text, number) for number in range(8)
    )
    assert ">Amount to pay back</label>" in amount
    assert "<p>In euros.</p><p>More than 0. At most 500. In steps of 0.01.</p>" in amount
    assert 'inputmode="decimal"' in amount
    assert " required>" in amount
    assert 'type="text" value="1" inputmode="numeric"' in parcels
    assert 'optional</span></label> <input class="field__input"' in weight
    assert 'type="date"' in due
    assert '<option value="">Choose…</option> <option value="post">Post</option>' in carrier
    assert '<option value="carton" selected>Carton</option>' in packing
    assert "Choose…" not in packing
    assert extras.count('type="checkbox"') == 2
    assert ">\nlamp</textarea>".replace("\n", " ") in items
    assert "novalidate" in text


def test_fields_of_two_cards_on_one_page_are_told_apart(alice: User, bob: User) -> None:
    first, second = ask("form", by=alice), ask("form", by=alice)

    text = shown(browser(bob).get("/"))

    for request in (first, second):
        assert text.count(f'for="in-{request.pk}-0"') == text.count(f'id="in-{request.pk}-0"') == 1


@pytest.mark.parametrize("htmx", [True, False])
def test_a_form_is_filled_in_and_told_by_its_labels(alice: User, bob: User, *, htmx: bool) -> None:
    request, client = ask("form", by=alice), browser(bob)

    sent = fill_in(client, request, htmx=htmx)

    receipt = shown(sent) if htmx else shown(client.get(sent.url))
    assert request.responses.get().plain_value == KEPT
    assert "Answered by bob" in receipt
    assert '<th scope="row">Amount to pay back</th><td>31.20</td>' in receipt
    assert '<th scope="row">Weight</th><td>—</td>' in receipt
    assert '<th scope="row">Extras</th><td>Gift wrap Insurance</td>' in receipt
    assert '<th scope="row">Carrier</th><td>Own van</td>' in receipt
    assert '<th scope="row">Is broken</th><td>yes</td>' in receipt
    assert "As discussed." in receipt
    on_run = shown(client.get(f"/runs/{request.wait.run_id}"))
    assert "<dt>Amount to pay back</dt><dd>31.20 </dd>" in on_run
    assert "<dt>Extras</dt><dd>Gift wrap · Insurance </dd>" in on_run


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("amount", "31,20", "The answer must be a number like 31.20."),
        ("amount", "0", "The answer must be more than 0."),
        ("amount", "500.01", "The answer must be at most 500."),
        ("amount", "1.001", "The answer must be a multiple of 0.01."),
        ("amount", " ", "This is missing."),
        ("parcels", "a dozen", "The answer must be a whole number."),
        ("parcels", "10", "The answer must be at most 9."),
        ("parcels", "", "The answer must be a whole number."),
        ("weight", "heavy", "The answer must be a number."),
        ("due", "tomorrow", "The answer must be a date like 2026-12-31."),
        ("due", None, "This is missing."),
        ("carrier", "", "This is missing."),
        ("carrier", "drone", "Choose one of: post, own_van."),
        ("packing", "", "Choose one of: carton, crate."),
        ("extras", ["gift_wrap", "bow"], "1: Choose one of: gift_wrap, insurance."),
        ("sender", "", "This is missing."),
        ("note", "x" * 401, "The answer must have at most 400 characters."),
        ("is_broken", "perhaps", "The answer must be yes or no (true or false)."),
    ],
)
@pytest.mark.parametrize("htmx", [True, False])
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(
    alice: User, bob: User, name: str, typed: Any, sentence: str, *, htmx: bool
) -> None:
    request = ask("form", by=alice)

    again = fill_in(browser(bob), request, htmx=htmx, **{name: typed})

    text = shown(again)
    assert again.status_code == 422
    assert "Please correct the marked fields." in text
    wrong = field(text, list(TYPED).index(name))
    assert f'<p class="field__fault">{sentence}</p>' in wrong
    assert 'aria-invalid="true"' in wrong
    assert text.count("field__fault") == 1
    assert "Mrs Blum" in text or name == "sender"
    assert "The dog is kind." in text or name == "note"
    assert "As discussed." in text
    if isinstance(typed, str) and name in {"amount", "parcels", "weight", "due"}:
        assert f'value="{typed}"' in wrong
    assert not HumanResponse.objects.exists()


def test_all_faults_are_told_at_once_and_the_first_has_the_focus(alice: User, bob: User) -> None:
    request = ask("form", by=alice)

    text = shown(fill_in(browser(bob), request, sender="", due="", amount="much"))

    assert text.count("field__fault") == 3
    assert text.count(" autofocus") == 1
    assert " autofocus" in field(text, 0)


def test_what_must_not_be_blank_is_not_quietly_its_default(alice: User, bob: User) -> None:
    request = ask("form", by=alice)

    fill_in(browser(bob), request, note="", extras=[], items="", weight="")

    kept = request.responses.get().plain_value
    assert (kept["note"], kept["extras"], kept["items"], kept["weight"]) == ("", [], [], None)


def test_who_only_reads_along_sees_what_is_asked(alice: User) -> None:
    text = page(browser(alice), ask("form", by=alice))

    assert "Finance can answer it. The form asks for: Amount to pay back, Parcels, Weight" in text
    assert "novalidate" not in text


def test_who_is_late_keeps_what_was_filled_in(alice: User, bob: User, admin_user: User) -> None:
    request = ask("form", by=alice)
    answer(request, value=LEAST, by=bob)

    late = fill_in(browser(admin_user), request)

    assert late.status_code == 409
    assert "Your draft" in shown(late)
    assert "Amount to pay back: 31.20" in shown(late)
    assert "Note: Ring twice." in shown(late)


# Over the API


@pytest.fixture
def bobs(bob: User, finance: Group) -> Client:
    return caller(bob)


def test_the_api_takes_a_form_and_completes_it(alice: User, bobs: Client) -> None:
    request = ask("form", by=alice)
    found = bobs.get(f"/api/requests/{request.pk}").json()
    assert found["kind"] == "form"
    assert list(found["schema"]["properties"]) == list(TYPED)
    assert found["schema"]["properties"]["amount"]["title"] == "Amount to pay back"

    first, second = (respond(bobs, request, LEAST) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["value"] == LEAST | DEFAULTS
    advance_run(request.wait.run_id)
    assert Run.objects.get(pk=request.wait.run_id).status == "succeeded"


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        ({**LEAST, "amount": 0}, {"amount": "The answer must be more than 0."}),
        ({**LEAST, "amount": True}, {"amount": "The answer must be a number like 31.20."}),
        ({**LEAST, "due": None}, {"due": "The answer must be text."}),
        ({**LEAST, "parcels": "2"}, {"parcels": "The answer must be a whole number."}),
        ({**LEAST, "items": "lamp"}, {"items": "The answer must be a list."}),
        ({**LEAST, "items": [1]}, {"items": "0: The answer must be text."}),
        ({**LEAST, "colour": "red"}, {"colour": "This isn't a field of the form."}),
        ({**LEAST, "sender": " "}, {"sender": "Write something."}),
        (
            {"carrier": "drone"},
            {
                "amount": "This is missing.",
                "due": "This is missing.",
                "carrier": "Choose one of: post, own_van.",
                "sender": "This is missing.",
            },
        ),
    ],
)
def test_the_api_tells_faults_field_by_field(
    alice: User, bobs: Client, value: Any, faults: dict[str, str]
) -> None:
    refusal = respond(bobs, ask("form", by=alice), value)

    told = {fault["field"]: fault["message"] for fault in refusal.json()["faults"]}
    assert told == faults
    assert all(f"{name}: " in detail(refusal, 422) for name in faults)
    assert not HumanResponse.objects.exists()


@pytest.mark.parametrize("value", ["31.20", None, ["31.20"], 5])
def test_what_is_no_set_of_values_is_no_filled_in_form(
    alice: User, bobs: Client, value: Any
) -> None:
    refusal = respond(bobs, ask("form", by=alice), value)

    assert detail(refusal, 422) == "The answer must be an object with named fields."


# In the chat


def test_words_do_not_fill_in_a_form_and_that_is_said(alice: User, bob: User) -> None:
    request = ask("form", by=alice)

    said = reply(request, "31.20", by=bob)

    assert said.response is None
    assert said.reason == "This request asks for several values. Fill in its form."
    assert 'placeholder="a message (answer in the form above)"' in shown(
        browser(bob).get(f"/chat/{request.session_id}")
    )


def test_a_mail_names_what_is_to_be_filled_in(alice: User, bob: User) -> None:
    text = letter_about(ask("form", by=alice), to=bob).text

    assert "  The form asks for: Amount to pay back, Parcels, Weight, Due" in text


# Problems


def test_a_problem_waits_for_the_operators(
    alice: User, bob: User, dave: User, operators: Group
) -> None:
    grant("one_of_each", operators, "operate")
    request = ask("problem", by=alice)

    for_dave, for_bob = page(browser(dave), request), page(browser(bob), request)
    sent = browser(dave).post(
        f"/requests/{request.pk}/response", {"value": " Called them. "}, headers=HTMX
    )

    assert [str(one) for one in request.assignments.all()] == ["operators"]
    assert "</svg> Problem</span>" in for_dave
    assert "The request stays open until somebody answers." in for_dave
    assert ">Resolve</button>" in for_dave
    assert ">Resolve</button>" not in for_bob
    assert "Resolved by dave" in shown(sent)
    assert request.responses.get().plain_value == "Called them."


def test_where_nobody_operates_the_answerers_are_asked(alice: User, bob: User) -> None:
    request = ask("problem", by=alice)

    assert [str(one) for one in request.assignments.all()] == ["finance"]
    refusal = browser(bob).post(f"/requests/{request.pk}/response", {"value": " "}, headers=HTMX)
    assert refusal.status_code == 422
    assert "Write something." in shown(refusal)


@pytest.mark.parametrize(
    ("words", "is_solved"),
    [
        ("Resolved: the line was down.", True),
        ("done, called them", True),
        ("Who looks after this?", False),
        ("I resolved another one", False),
    ],
)
def test_only_who_says_that_it_is_solved_solves_it_in_the_chat(
    alice: User, bob: User, words: str, *, is_solved: bool
) -> None:
    said = reply(ask("problem", by=alice), words, by=bob)

    assert (said.response is not None) is is_solved
    assert said.reason == ("" if is_solved else "Begin with “resolved” and say what was done.")


# Alerts


def test_alerts_are_told_in_the_chat_with_their_level(alice: User) -> None:
    grant_to_both("one_of_each")
    session = ask("told of trouble", by=alice).session

    text = shown(browser(alice).get(f"/chat/{session.pk}"))

    told = list(session.messages.exclude(level="").values_list("level", flat=True))
    assert told == ["info", "warning", "error", "critical"]
    for level in told:
        assert f'class="alert" data-level="{level}"' in text
        assert f'<span class="alert__level">{level.capitalize()}</span>' in text
