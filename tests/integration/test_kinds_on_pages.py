"""Values, choices, drafts and evidence on the pages of requests."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.services import reply
from dashboard.channels.letter import letter_about
from tests.calls import caller
from tests.kind_pages import page, send, value_of
from tests.pages import ask, browser, shown

pytestmark = pytest.mark.usefixtures("bob")


# Single values


@pytest.mark.parametrize(
    ("kind", "fields", "value", "words"),
    [
        (
            "moment",
            {"value": "2026-12-31T09:30", "value~zone": "Europe/Berlin"},
            "2026-12-31T09:30+01:00",
            "31 Dec 2026, 09:30 +01:00",
        ),
        ("length", {"value": "90 min"}, "PT1H30M", "1 h 30 min"),
        ("money", {"value": "31.20"}, "31.20", "31.20 EUR"),
        ("money", {"value": "31.20 EUR"}, "31.20", "31.20 EUR"),
    ],
)
def test_a_value_is_typed_as_people_write_it(
    alice: User, bob: User, kind: str, fields: Any, value: str, words: str
) -> None:
    request = ask(kind, by=alice)

    receipt = shown(send(browser(bob), request, **fields))

    assert value_of(request) == value
    assert words in receipt


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        ("moment", {"value": "2026-12-31T09:30"}, "a date and time with its zone"),
        (
            "moment",
            {"value": "2026-03-29T02:30", "value~zone": "Europe/Berlin"},
            "doesn&#x27;t exist in Europe/Berlin",
        ),
        ("length", {"value": "soon"}, "a duration like 90 min"),
        ("money", {"value": "31.205"}, "The answer must be a multiple of 0.01."),
        ("money", {"value": "1.000"}, "“1.000” can mean 1000 or"),
    ],
)
def test_what_is_no_value_is_refused_and_stays_typed(
    alice: User, bob: User, kind: str, fields: Any, sentence: str
) -> None:
    request = ask(kind, by=alice)

    refused = send(browser(bob), request, **fields)

    assert refused.status_code == 422
    assert sentence in shown(refused)
    assert f'value="{fields["value"]}"' in shown(refused)
    assert request.is_open


def test_the_page_says_how_a_duration_is_written(alice: User, bob: User) -> None:
    assert "For example 30 min, 2 h or 3 days." in page(browser(bob), ask("length", by=alice))


def test_the_page_says_in_which_zone_and_currency(alice: User, bob: User) -> None:
    moment = page(browser(bob), ask("moment", by=alice))
    assert 'type="datetime-local"' in moment
    assert re.search(r'<input type="hidden" name="value~zone" value="[^"]+">', moment)
    assert "Time zone: " in moment
    assert '<span class="field__currency">EUR</span>' in page(browser(bob), ask("money", by=alice))


# Choices


def test_a_choice_has_descriptions(alice: User, bob: User) -> None:
    request = ask("described", by=alice)

    assert '<span class="options__about">Baked today</span>' in page(browser(bob), request)
    (options, _) = caller(bob).get(f"/api/requests/{request.pk}").json()["controls"]
    assert [one["description"] for one in options["choices"]] == ["", "Baked today"]


@pytest.mark.parametrize(
    ("kind", "fields", "value"),
    [
        ("own words", {"value": "a"}, "a"),
        ("own words", {"value": "", "value-other": "c"}, "c"),
        ("own words", {"value": "a", "value-other": "c"}, "a"),
        ("own words too", {"value": ["a", ""], "value-other": "c"}, ["a", "c"]),
    ],
)
def test_people_can_answer_in_their_own_words(
    alice: User, bob: User, kind: str, fields: Any, value: Any
) -> None:
    request = ask(kind, by=alice)
    send(browser(bob), request, **fields)
    assert value_of(request) == value


def test_own_words_must_say_something(alice: User, bob: User) -> None:
    request = ask("own words", by=alice)
    refused = send(browser(bob), request, **{"value": "", "value-other": " "})
    assert (refused.status_code, request.is_open) == (422, True)
    assert reply(request, "Another one: cake", by=bob).response
    assert value_of(request) == "cake"


# Drafts and evidence


@pytest.mark.parametrize(
    ("kind", "drawn", "field"),
    [
        ("markdown", "<h1>Title</h1>", 'answer__text" spellcheck="true" name="text"'),
        ("markdown", "&lt;b&gt;x&lt;/b&gt;", "answer__text"),
        (
            "code",
            "<li><code>x = 1</code></li><li><code>y = 2</code></li>",
            'answer__text field__input--code" spellcheck="false" name="text"',
        ),
    ],
)
def test_a_draft_is_drawn_in_its_format_and_edited_as_its_source(
    alice: User, bob: User, kind: str, drawn: str, field: str
) -> None:
    request = ask(kind, by=alice)
    text = page(browser(bob), request)
    assert drawn in text
    assert f'<textarea class="field__input {field}' in text
    assert caller(bob).get(f"/api/requests/{request.pk}").json()["shown_as"] == kind


def test_evidence_is_drawn_as_what_it_is(alice: User, bob: User) -> None:
    request, client = ask("evidence", by=alice), browser(bob)
    text = page(client, request)

    assert '<h3 class="evidence__heading">Order</h3>' in text
    assert '<th scope="row">City</th><td>Ulm</td>' in text
    assert '<td data-kind="number">31.20</td>' in text
    assert '<div class="draft__line" data-kind="gone"><del>two</del>' in text
    assert '<div class="draft__line" data-kind="new"><ins>2</ins>' in text
    assert '<tr title="tax" data-changed><th scope="row">Tax</th><td><del>2</del></td>' in text
    assert '<tr title="net"><th scope="row">Net</th><td>1</td><td>1</td></tr>' in text
    (link,) = re.findall(r'<img class="attachment__picture" src="([^"]+)" alt="a.png"', text)
    got = client.get(link)
    assert (got.status_code, got["Content-Type"]) == (200, "image/png")
    assert got["Content-Disposition"].startswith("inline")
    assert "sandbox" in got["Content-Security-Policy"]
    assert "picture: a.png (" in letter_about(request, to=bob).text


def test_a_table_is_edited_field_by_field(alice: User, bob: User) -> None:
    request, client = ask("table", by=alice), browser(bob)
    text = page(client, request)
    assert '<td>lamp</td><td data-kind="number">2</td>' in text
    assert 'name="field-rows.0.count" type="text" value="2"' in text
    assert "<textarea" not in text.partition("Comment")[0].rpartition("<form")[2]

    sent = {"text": "rows", "field-rows": ["0", "1"], "field-rows.0.name": "lamp"}
    sent |= {"field-rows.0.count": "2", "field-rows.1.name": "shade", "decision": "approved"}
    refused = send(client, request, **sent, **{"field-rows.1.count": "x"})
    assert refused.status_code == 422
    assert '<p class="field__fault">The answer must be a whole number.</p>' in shown(refused)

    send(client, request, **sent, **{"field-rows.1.count": "3"})
    response = request.responses.get()
    assert json.loads(response.plain_value["text"])[1] == {"name": "shade", "count": 3}
    assert request.asked.outcome_of(response.plain_value) == "edited"
    assert response.changes


def test_enter_in_a_table_decides_nothing(alice: User, bob: User) -> None:
    request, client = ask("table", by=alice), browser(bob)
    unseen = page(client, request).partition('<div class="table-editor">')[2].partition(">")[0]
    assert 'name="unsent"' in unseen

    same = {"text": "rows", "field-rows": ["0"], "field-rows.0.name": "shade"}
    answer = send(client, request, **same, unsent="true")
    assert answer.status_code == 200
    assert 'value="shade"' in shown(answer)
    assert not request.responses.exists()


def test_a_table_that_nobody_changed_is_approved(alice: User, bob: User) -> None:
    request = ask("table", by=alice)
    same = {"text": "rows", "field-rows": ["0"], "field-rows.0.name": "lamp"}
    send(browser(bob), request, **same, **{"field-rows.0.count": "2", "decision": "approved"})
    assert value_of(request) == {"decision": "approved"}


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("described", "The options are: Apples · Bread"),
        ("own words", "The options are: a · b"),
        ("upload", "The request asks for a file."),
        ("nested", "The form asks for: To, Pickup, Lines, At, Lasts, Counts, Scan, Photos."),
        ("table", "There are 6 lines of data to review."),
    ],
)
def test_a_mail_says_what_is_asked(alice: User, bob: User, kind: str, line: str) -> None:
    assert f"  {line}\n" in letter_about(ask(kind, by=alice), to=bob).text


def test_own_words_need_no_button(alice: User, bob: User) -> None:
    request, client = ask("own words", by=alice), browser(bob)
    card = (
        page(client, request).partition('<fieldset class="options">')[2].partition("</fieldset>")[0]
    )
    assert " required" not in card

    nothing = send(client, request)
    assert (nothing.status_code, "Write something." in shown(nothing)) == (422, True)
    send(client, request, **{"value-other": "c"})
    assert value_of(request) == "c"
