"""Requests as pages: each kind answered, each refusal in words, nothing lost that was typed."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape

from chat.models import HumanRequest, HumanResponse
from procedures.models.clock import clock
from procedures.services import cancel_run, sweep
from tests.pages import HTMX, ask, browser, queries_of, shown, writes
from tests.runs import answer

pytestmark = pytest.mark.usefixtures("bob")
DRAFT = "Dear bob,\nthe parcel comes.\n"
DATA = '{\r\n  "total": 7,\r\n  "items": [\r\n    "lamp"\r\n  ]\r\n}'


def post(client: Client, request: HumanRequest, *, htmx: bool = True, **fields: Any) -> Any:
    headers = HTMX if htmx else {}
    return client.post(f"/requests/{request.pk}/response", fields, headers=headers)


def page(client: Client, request: HumanRequest) -> str:
    return shown(client.get(f"/requests/{request.pk}"))


def run_page(client: Client, request: HumanRequest) -> str:
    return shown(client.get(f"/runs/{request.wait.run_id}"))


@pytest.mark.parametrize(
    ("kind", "fields", "value", "outcome"),
    [
        ("approval", {"value": "true"}, True, "approved"),
        ("approval", {"value": "false"}, False, "rejected"),
        ("text", {"value": "Snow white"}, "Snow white", "answered"),
        ("whole", {"value": "12"}, 12, "answered"),
        ("decimal", {"value": "31.20"}, "31.20", "answered"),
        ("date", {"value": "2026-12-24"}, "2026-12-24", "answered"),
        ("boolean", {"value": "false"}, False, "answered"),
        ("choice", {"value": "b"}, "b", "answered"),
        ("many", {"value": ["a", "c"]}, ["a", "c"], "answered"),
        ("review", {"decision": "approved", "text": DRAFT}, {"decision": "approved"}, "approved"),
        (
            "review",
            {"decision": "approved", "text": "Dear bob,\r\nit is lost.\r\n"},
            {"decision": "approved", "text": "Dear bob,\nit is lost.\n"},
            "edited",
        ),
        ("review", {"decision": "rejected", "text": DRAFT}, {"decision": "rejected"}, "rejected"),
        ("data", {"decision": "items", "text": DATA}, {"decision": "items"}, "approved"),
        (
            "data",
            {"decision": "request_changes", "text": '{"total": 8}'},
            {"decision": "request_changes", "text": '{"total": 8}'},
            "rejected",
        ),
    ],
)
def test_every_kind_is_answered_by_its_form(
    alice: User, bob: User, kind: str, fields: dict[str, Any], value: Any, outcome: str
) -> None:
    request = ask(kind, by=alice)

    receipt = post(browser(bob), request, comment="As discussed.", **fields)

    assert receipt.status_code == 200
    assert "by bob" in shown(receipt)
    assert "As discussed." in shown(receipt)
    assert "<form" not in shown(receipt)
    request.refresh_from_db()
    response = request.responses.get()
    assert (response.plain_value, request.outcome) == (value, outcome)
    assert (response.channel, response.address) == ("page", "127.0.0.1")


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        ("approval", {}, "yes or no"),
        ("text", {"value": "  "}, "Write something."),
        ("whole", {"value": "0"}, "The answer must be at least 1."),
        ("whole", {"value": "a dozen"}, "a whole number"),
        ("decimal", {"value": "31,20"}, "a number like 31.20"),
        ("date", {"value": "tomorrow"}, "a date like"),
        ("boolean", {"value": "perhaps"}, "yes or no"),
        ("choice", {"value": "z"}, "Choose one of"),
        ("many", {}, "Choose at least 1."),
        ("review", {"decision": "rejected", "text": "Mine."}, "can't have an edited text"),
        ("review", {"text": DRAFT}, "Choose one of"),
        ("data", {"decision": "approved", "text": DATA}, "Choose one of"),
        ("data", {"decision": "items", "text": '{"total": 8,}'}, "isn't valid JSON: "),
        ("data", {"decision": "drop", "text": "[8]"}, "must be a JSON object in { }"),
    ],
)
@pytest.mark.parametrize("htmx", [True, False])
def test_what_is_no_answer_comes_back_with_all_that_was_typed(
    alice: User, bob: User, kind: str, fields: dict[str, Any], sentence: str, *, htmx: bool
) -> None:
    request = ask(kind, by=alice)

    again = post(browser(bob), request, htmx=htmx, comment="My comment.", **fields)

    assert again.status_code == 422
    assert sentence in unescape(shown(again))
    assert "My comment." in shown(again)
    if kind == "data" and fields["text"] != DATA:
        assert escape(fields["text"]) in again.content.decode()
    if kind in {"whole", "decimal", "date"}:
        assert f'value="{fields["value"]}"' in shown(again)
    assert ("<!doctype html>" in shown(again)) is not htmx
    assert not HumanResponse.objects.exists()


def test_each_decision_has_its_button_and_the_receipt_its_words(alice: User, bob: User) -> None:
    request, client = ask("data", by=alice), browser(bob)

    text = page(client, request)
    receipt = shown(post(client, request, decision="request_changes", text='{"total": 8}'))

    for name, label in (("items", "Send"), ("request_changes", "Request changes")):
        assert re.search(rf'name="decision" value="{name}"[^>]*>{label}<', text)
    assert "“Request changes” by bob" in receipt
    assert "Request changes" in run_page(client, request)


def test_a_comment_that_is_too_long_is_refused(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)

    refusal = post(browser(bob), request, value="true", comment="x" * 10_001)

    assert refusal.status_code == 422
    assert "the limit is 10,000" in shown(refusal)
    assert not HumanResponse.objects.exists()


def test_buttons_say_the_authors_words_and_none_has_the_focus(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)

    text = page(browser(bob), request)

    assert "Pay 31.20 €</button>" in text
    assert "Keep the money</button>" in text
    assert "autofocus" not in text.split("</main>")[0]
    assert "signed in as <strong><bdi>bob</bdi></strong>" in text


def test_who_sees_but_is_not_asked_reads_who_is(alice: User) -> None:
    request, client = ask("approval", by=alice), browser(alice)

    assert "Finance can answer it." in page(client, request)
    refusal = post(client, request, value="true", comment="Please.")
    assert refusal.status_code == 403
    assert "This request isn&#x27;t assigned to you" in shown(refusal)
    assert not HumanResponse.objects.exists()


def test_a_stranger_finds_nothing(alice: User, carol: User) -> None:
    request, client = ask("approval", by=alice), browser(carol)

    assert client.get(f"/requests/{request.pk}").status_code == 404
    assert client.get(f"/requests/{request.pk}/form").status_code == 404
    assert post(client, request, value="true").status_code == 404
    assert browser(alice).get(f"/requests/{uuid4()}").status_code == 404


def test_the_loser_learns_who_was_faster_and_keeps_the_own_words(
    alice: User, bob: User, admin_user: User
) -> None:
    request = ask("review", by=alice)
    answer(request, value={"decision": "approved"}, by=bob)

    late = post(
        browser(admin_user), request, decision="approved", text="My text.", comment="My comment."
    )

    assert late.status_code == 409
    assert "bob has already answered this" in shown(late)
    assert "My text." in shown(late)
    assert "My comment." in shown(late)
    assert "Approved by bob" in shown(late)
    assert HumanResponse.objects.count() == 1


def test_a_page_says_in_words_why_the_system_has_withdrawn_a_request(
    alice: User, bob: User, admin_user: User
) -> None:
    request = ask("approval", by=alice)
    cancel_run(request.wait.run_id, by=admin_user, reason="Not needed.")

    page = shown(browser(bob).get(f"/requests/{request.pk}"))

    assert ": the run has ended" in page
    assert "system: " not in page


def test_a_receipt_says_once_what_was_decided(alice: User, bob: User) -> None:
    usual, named = ask("told", by=alice), ask("approval", by=alice)
    for request in (usual, named):
        answer(request, value=True, by=bob)
    client = browser(bob)

    assert "receipt__value" not in shown(client.get(f"/requests/{usual.pk}"))
    page = shown(client.get(f"/requests/{named.pk}"))
    assert '<p class="receipt__value">Pay 31.20 €</p>' in page


def test_the_same_form_twice_is_one_response(alice: User, bob: User) -> None:
    request, client = ask("approval", by=alice), browser(bob)

    first, second = (post(client, request, value="true") for _ in range(2))

    assert first.status_code == second.status_code == 200
    assert HumanResponse.objects.count() == 1


def test_without_javascript_the_page_shows_what_was_decided(alice: User, bob: User) -> None:
    request, client = ask("approval", by=alice), browser(bob)

    sent = post(client, request, htmx=False, value="false")

    assert sent.status_code == 302
    assert "Rejected by bob" in shown(client.get(sent.url))
    assert "Rejected by bob" in page(browser(alice), request)


def test_a_link_from_a_mail_leads_back_after_signing_in(alice: User) -> None:
    request = ask("approval", by=alice)

    away = Client().get(f"/requests/{request.pk}")

    assert away.status_code == 302
    assert away.headers["Location"] == f"/sign-in?next=/requests/{request.pk}"


def test_what_a_run_says_is_drawn_and_never_obeyed(alice: User, bob: User) -> None:
    text = page(browser(bob), ask("told", by=alice))

    assert "<strong>Bold</strong>" in text
    assert "<script>alert" not in text
    assert 'href="javascript' not in text
    assert "<img" not in text
    assert "&lt;b&gt;bob&lt;/b&gt;" in text
    assert '<td data-kind="number">2.50</td>' in text
    assert "If nobody answers by" in text
    assert "that counts as <strong>Reject</strong>" in text


def test_evidence_stands_in_the_authors_order_before_and_after_the_answer(
    alice: User, bob: User
) -> None:
    request = ask("told", by=alice)
    for_bob = page(browser(bob), request)
    answer(request, by=bob)

    pages = [for_bob, page(browser(bob), request), run_page(browser(bob), request)]
    detail = browser(bob).get(f"/api/requests/{request.pk}")

    for text in pages:
        names = re.findall(r'<th scope="row">([^<]+)</th>', text)
        assert names == ["Who", "Parts", "Is new"]
    assert list(detail.json()["evidence"]) == ["who", "parts", "is_new"]


def test_silence_has_a_receipt_too(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    request = ask("told", by=alice)

    monkeypatch.setattr(clock, "ahead", timedelta(hours=2))
    sweep()

    text = page(browser(bob), request)
    assert "Nobody answered in time" in text
    assert "<strong>Reject</strong>" in text
    assert "</form>" not in text.split('id="page"')[1].split("</main>")[0]


def test_silence_that_withdraws_is_told_as_silence(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask("fleeting", by=alice)
    assert "the run <strong>continues without an answer</strong>" in page(browser(bob), request)

    monkeypatch.setattr(clock, "ahead", timedelta(hours=2))
    sweep()

    text = page(browser(bob), request)
    assert "No answer in time" in text
    assert "The run continued without an answer" in text
    assert "Withdrawn" not in text


def test_looking_changes_nothing(alice: User, bob: User) -> None:
    request, client = ask("approval", by=alice), browser(bob)
    paths = ["", "/form"]

    for path in paths:
        assert not writes(queries_of(client, f"/requests/{request.pk}{path}"))
    assert client.get(f"/requests/{request.pk}/response").status_code == 405
    assert client.head(f"/requests/{request.pk}").status_code == 200


def test_a_pushed_card_fetches_what_is_for_one_person(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)

    for_bob = shown(browser(bob).get(f"/requests/{request.pk}/form", headers=HTMX))
    for_alice = shown(browser(alice).get(f"/requests/{request.pk}/form", headers=HTMX))

    assert "<form" in for_bob
    assert "csrfmiddlewaretoken" in for_bob
    assert "<form" not in for_alice
