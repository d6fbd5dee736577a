"""A kind of request that a site adds: one module, and a template for a control of its own.

Everything else (page, chat, API, mail, a test's people) takes it as it is.
"""

import json
import re
from copy import deepcopy
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django import Settings

from chat.models import HumanRequest
from dashboard.channels.letter import letter_about
from dashboard.environment.variables import CHECKOUT
from procedures.apps import register_request_kinds
from procedures.engine import Context, procedure
from procedures.engine.errors import OptionError, QuestionError
from procedures.engine.kinds import SHIPPED, Kind
from procedures.engine.kinds.kind import KINDS
from procedures.models import Run
from procedures.runner import advance_run
from procedures.testing import humans, reject_all, run_procedure, script
from tests.calls import caller, request_of, respond, run_until_it_waits
from tests.configured import configure
from tests.pages import HTMX, browser, grant_to_both, shown
from tests.procedures.ratings import rated

SITES_OWN = ["tests.procedures.ratings.Rating", "tests.procedures.ratings.StarRating"]


@pytest.fixture(autouse=True)
def registered(settings: Settings) -> None:
    configure(settings, REQUEST_KINDS=SITES_OWN)
    register_request_kinds()


@pytest.fixture
def asked(alice: User, bob: User) -> HumanRequest:
    return ask("delivery_rating", by=alice)


def ask(kind: str, *, by: User) -> HumanRequest:
    grant_to_both("rated")
    return request_of(run_until_it_waits("rated", by=by, kind=kind))


def result_of(request: HumanRequest) -> Any:
    advance_run(request.wait.run_id)
    run = Run.objects.get(pk=request.wait.run_id)
    assert run.status == "succeeded", run.error
    return json.loads(run.result or "")


def press(client: Client, request: HumanRequest, value: str) -> Any:
    return client.post(f"/requests/{request.pk}/response", {"value": value}, headers=HTMX)


def test_it_is_answered_on_its_page(asked: HumanRequest, bob: User) -> None:
    bobs = browser(bob)
    page = shown(bobs.get(f"/requests/{asked.pk}"))
    assert re.search('<button class="button" name="value" value="1"[^>]*>1 star<', page)
    assert re.search('name="value" value="5"[^>]*>5 stars<', page)
    assert page.count('name="value"') == 5

    refused = press(bobs, asked, "9")
    assert refused.status_code == 422
    assert "The answer must be a whole number." in shown(refused)

    receipt = shown(press(bobs, asked, "4"))
    assert "Rated by bob" in receipt
    assert "4 stars" in receipt
    assert result_of(asked) == [4, True, "bob", "answered"]


def test_it_is_answered_by_words_in_the_chat(asked: HumanRequest, bob: User) -> None:
    bobs = browser(bob)
    session = f"/chat/{asked.session_id}"
    assert 'placeholder="a number of stars"' in shown(bobs.get(session))

    for text in ("Fine.", "★★★"):
        fields = {"text": text, "client_key": text, "request": asked.pk}
        told = bobs.post(f"{session}/messages", fields, headers=HTMX)
        assert ("Say a number of stars." in shown(told)) == (text == "Fine.")

    assert result_of(asked) == [3, True, "bob", "answered"]


def test_it_is_answered_over_the_api(asked: HumanRequest, bob: User) -> None:
    api = caller(bob)
    found = api.get(f"/api/requests/{asked.pk}").json()
    assert (found["kind"], found["schema"]["maximum"]) == ("delivery_rating", 5)
    assert found["labels"]["1"] == "1 star"
    (buttons,) = found["controls"]
    assert (buttons["control"], buttons["at"]) == ("buttons", "")
    assert buttons["choices"][0] == {"value": 1, "label": "1 star", "description": ""}

    refused = respond(api, asked, 6)
    assert (refused.status_code, refused.json()["detail"]) == (422, "The answer must be at most 5.")
    assert respond(api, asked, 5).status_code == 201
    assert result_of(asked) == [5, True, "bob", "answered"]


def test_it_is_mailed(asked: HumanRequest, bob: User) -> None:
    letter = letter_about(asked, to=bob)

    assert "How was the delivery?" in letter.text
    assert "  order: A-7\n" in letter.text
    assert f"/requests/{asked.pk}\n" in letter.text


def test_its_run_tells_what_was_answered(asked: HumanRequest, alice: User, bob: User) -> None:
    respond(caller(bob), asked, 2)
    advance_run(asked.wait.run_id)

    page = shown(browser(alice).get(f"/runs/{asked.wait.run_id}"))
    assert "<strong>2 stars</strong>" in page


def test_a_test_s_people_answer_it() -> None:
    with humans(script({"delivery_rating": 4}), by="bob"):
        assert run_procedure(rated, {}).result == [4, True, "bob", "answered"]
    with humans(script({"How was *": 9})):
        (refused,) = run_procedure(rated, {}).refused
    assert (refused.asked.kind, refused.message) == (
        "delivery_rating",
        "The answer must be at most 5.",
    )
    with humans(reject_all), pytest.raises(AssertionError, match="has no answer"):
        run_procedure(rated, {})


def test_a_control_of_its_own_is_a_template(settings: Settings, alice: User, bob: User) -> None:
    templates = deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"].append(CHECKOUT / "tests" / "templates")
    settings.TEMPLATES = templates
    request = ask("delivery_stars", by=alice)
    bobs = browser(bob)

    page = shown(bobs.get(f"/requests/{request.pk}"))
    assert '<div class="stars"><button class="button" name="value" value="1">★</button>' in page

    press(bobs, request, "2")
    assert result_of(request)[0] == 2


@pytest.mark.parametrize(
    ("kind", "options", "error", "sentence"),
    [
        (
            "delivery_ratting",
            {},
            OptionError,
            "Unknown kind of request 'delivery_ratting'. Did you mean 'delivery_rating'",
        ),
        ("delivery_rating", {"moste": 3}, OptionError, "no option 'moste'. Did you mean 'most'"),
        ("delivery_rating", {"yes": "Fine"}, OptionError, "no option 'yes'"),
        ("delivery_rating", {"most": 99}, QuestionError, "most= is 2 to 10 stars"),
        (
            "delivery_rating",
            {"expires": "1h", "default": "many"},
            QuestionError,
            "default isn't a valid answer",
        ),
        ("choice", {}, OptionError, "missing a required argument: 'options'"),
    ],
)
def test_what_its_kind_does_not_know_is_refused_at_the_call(
    kind: str, options: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    found: list[Exception] = []

    @procedure
    def asks(ctx: Context) -> None:
        for verb in (ctx.request, ctx.later.request):
            with pytest.raises(error, match=sentence) as refusal:
                verb(kind, "How was it?", **options)
            found.append(refusal.value)

    run_procedure(asks, {})
    assert len(found) == 2


def test_the_shipped_kinds_are_asked_by_their_names() -> None:
    @procedure
    def asks(ctx: Context) -> list[Any]:
        go = ctx.request("approval", "Go?", yes="Go")
        which = ctx.later.request("choice", "Which?", {"a": "Apples", "b": "Bread"}, name="which")
        return [go.outcome, which.wait().value, which.key]

    with humans(script({"approve": True, "which": "Bread"})):
        assert run_procedure(asks, {}).result == ["approved", "b", "which"]


def test_a_request_whose_kind_is_gone_can_be_read_and_not_answered(
    asked: HumanRequest, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(KINDS, "delivery_rating")
    bobs = browser(bob)

    assert "How was the delivery?" in shown(bobs.get(f"/requests/{asked.pk}"))
    assert press(bobs, asked, "4").status_code == 422
    told = respond(caller(bob), asked, 4).json()["detail"]
    assert "Requests of the kind 'delivery_rating' can't be answered here." in told


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("tests.procedures.ratings.Nothing", "does not define"),
        ("tests.procedures.ratings.rated", "isn't a subclass of procedures.engine.kinds.Kind"),
        (
            "tests.integration.test_new_kind.Another",
            "Two kinds of requests have the name 'delivery_rating'",
        ),
        (
            "procedures.engine.kinds.Kind",
            "Invalid name None of Kind: use at most 40 lowercase letters, digits and _, beginning "
            "with a letter.",
        ),
    ],
)
def test_a_kind_that_cannot_be_used_stops_the_start(
    settings: Settings, path: str, told: str
) -> None:
    configure(settings, REQUEST_KINDS=[path])

    with pytest.raises(ImproperlyConfigured, match=f"REQUEST_KINDS names {path}") as refusal:
        register_request_kinds()

    assert told in str(refusal.value)


@pytest.mark.parametrize("folder", ["chat", "dashboard", "procedures", "templates"])
def test_nothing_but_the_kinds_and_the_verbs_tells_kinds_apart(folder: str) -> None:
    modules = "|".join(kind.__module__.rpartition(".")[2] for kind in SHIPPED)
    named = rf"engine\.kinds\.({modules})\b|\b(question|asked|request)\.kind\b *(==|!=|in\b|%}})"
    files = [*(CHECKOUT / folder).rglob("*.py"), *(CHECKOUT / folder).rglob("*.html")]
    others = [one for one in files if "engine/kinds" not in str(one)]

    assert [str(one) for one in others if re.search(named, one.read_text())] == []


class Another(Kind):
    name = "delivery_rating"
