"""What can be asked, on its page and over the API: nested forms, files, own words, evidence."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from chat.models import HumanRequest, HumanResponse
from chat.services import reply
from dashboard.channels.letter import letter_about
from procedures.models import Artifact, Run
from procedures.runner import advance_run
from procedures.services import verify_journal
from tests.calls import caller, respond
from tests.configured import configure
from tests.pages import HTMX, ask, browser, shown

pytestmark = pytest.mark.usefixtures("bob")


def page(client: Client, request: HumanRequest) -> str:
    return shown(client.get(f"/requests/{request.pk}"))


def send(client: Client, request: HumanRequest, **fields: Any) -> Any:
    return client.post(f"/requests/{request.pk}/response", fields, headers=HTMX)


def value_of(request: HumanRequest) -> Any:
    return request.responses.get().plain_value


def result_of(request: HumanRequest) -> str:
    advance_run(request.wait.run_id)
    run = Run.objects.get(pk=request.wait.run_id)
    assert run.status == "succeeded", run.error
    return run.result or ""


def paper(name: str = "a.txt", content: bytes = b"one") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/plain")


# Single values


@pytest.mark.parametrize(
    ("kind", "fields", "value", "words"),
    [
        (
            "moment",
            {"value": "2026-12-31T09:30", "value~zone": "Europe/Berlin"},
            "2026-12-31T09:30+01:00",
            "2026-12-31 09:30 +01:00",
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
        ("money", {"value": "31.205"}, "In steps of 0.01."),
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


# Nested forms

NESTED = {
    "field-to.city": "Ulm",
    "field-to.floor": "3",
    "field-lines": ["0", "2"],
    "field-lines.0.thing": "lamp",
    "field-lines.0.price": "31.20",
    "field-lines.2.thing": "shade",
    "field-lines.2.price": "2",
    "field-at": "2026-07-01T09:30",
    "field-at~zone": "Europe/Berlin",
    "field-lasts": "3h",
    "field-counts": "1\r\n2",
}


def test_a_nested_form_is_drawn_and_filled_in(alice: User, bob: User) -> None:
    request, client = ask("nested", by=alice), browser(bob)

    text = page(client, request)
    assert '<legend class="field__label">To</legend>' in text
    assert 'name="field-to.city"' in text
    assert 'name="field-pickup" value="true"> Pickup</label>' in text
    assert 'name="add-row" value="lines" formnovalidate>Add to Lines</button>' in text
    assert 'enctype="multipart/form-data"' in text

    receipt = shown(send(client, request, **NESTED))
    value = value_of(request)
    assert value["to"] == {"city": "Ulm", "floor": 3}
    assert (value["pickup"], value["scan"], value["photos"]) == (None, None, [])
    assert value["lines"] == [
        {"thing": "lamp", "price": "31.20"},
        {"thing": "shade", "price": "2"},
    ]
    assert (value["at"], value["lasts"]) == ("2026-07-01T09:30+02:00", "PT3H")
    assert value["counts"] == [1, 2]
    assert '<th scope="row">Lines 1 / Price</th><td>31.20 EUR</td>' in receipt
    assert '<th scope="row">Lasts</th><td>3 h</td>' in receipt
    assert "Ulm" in result_of(request)


def test_an_optional_group_counts_once_its_box_is_ticked(alice: User, bob: User) -> None:
    request = ask("nested", by=alice)
    refused = send(browser(bob), request, **NESTED, **{"field-pickup": "true"})
    assert refused.status_code == 422
    assert '<p class="field__fault">This is missing.</p>' in shown(refused)

    send(browser(bob), request, **NESTED, **{"field-pickup": "true", "field-pickup.city": "Bonn"})
    assert value_of(request)["pickup"] == {"city": "Bonn", "floor": None}


def test_rows_are_added_and_dropped_without_answering(alice: User, bob: User) -> None:
    request, client = ask("nested", by=alice), browser(bob)

    more = send(client, request, **NESTED, **{"add-row": "lines"})
    assert more.status_code == 200
    assert 'name="field-lines" value="3"' in shown(more)
    assert 'name="field-lines.0.thing" type="text" value="lamp"' in shown(more)
    assert "Add to Lines" not in shown(more)  # three are the most

    less = shown(send(client, request, **NESTED, **{"drop-row": "lines.0"}))
    assert 'name="field-lines.0.thing"' not in less
    assert 'name="field-lines.2.thing" type="text" value="shade"' in less
    assert not HumanResponse.objects.exists()


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("field-to.city", "", "This is missing."),
        ("field-to.floor", "top", "The answer must be a whole number."),
        ("field-lines.2.price", "2.505", "In steps of 0.01."),
        ("field-lines.2.thing", " ", "This is missing."),
        ("field-lasts", "soon", "The answer must be a duration like 90 min, 2 hours or 3 days."),
        ("field-counts", "1\nx", "1: The answer must be a whole number."),
        ("field-at", "soon", "The answer must be a date and time with its zone"),
    ],
)
def test_the_fault_of_a_nested_field_stands_beside_it(
    alice: User, bob: User, name: str, typed: str, sentence: str
) -> None:
    request = ask("nested", by=alice)

    refused = send(browser(bob), request, **NESTED | {name: typed})

    text = shown(refused)
    assert refused.status_code == 422
    assert text.count("field__fault") == 1
    after = text.partition(f'name="{name}"')[2]
    assert f'<p class="field__fault">{sentence}' in after.partition('class="field"')[0]
    assert "shade" in text or name == "field-lines.2.thing"


def test_too_many_rows_are_refused(alice: User, bob: User) -> None:
    request = ask("nested", by=alice)
    rows = {"field-lines": ["0", "1", "2", "3"]}
    things = {f"field-lines.{one}.thing": "x" for one in range(4)}
    refused = send(browser(bob), request, **{**NESTED, **rows, **things})
    assert refused.status_code == 422
    assert "Give at most 3." in shown(refused)


def test_the_api_takes_a_nested_form(alice: User, bob: User) -> None:
    request = ask("nested", by=alice)
    refused = respond(caller(bob), request, {"to": {}, "lines": [{"thing": "x", "price": "y"}]})
    faults = {one["field"]: one["message"] for one in refused.json()["faults"]}
    assert faults == {
        "to.city": "This is missing.",
        "lines.0.price": "The answer must be a number like 31.20.",
    }

    first, second = (
        respond(caller(bob), request, {"to": {"city": "Ulm"}, "lasts": "3h"}) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["value"]["lasts"] == "PT3H"


def test_a_form_from_a_schema_is_drawn_and_filled_in(alice: User, bob: User) -> None:
    request, client = ask("schema", by=alice), browser(bob)
    text = page(client, request)
    assert ">Which zone?</label>" in text
    assert "As on the map." in text
    assert '<option value="s">By ship</option>' in text
    assert 'type="email"' in text

    receipt = shown(send(client, request, **{"field-zone": "north", "field-speed": "s"}))
    assert value_of(request) == {"zone": "north", "speed": "s"}
    assert '<th scope="row">Speed</th><td>By ship</td>' in receipt


# Files


def test_a_file_is_sent_by_the_form(alice: User, bob: User) -> None:
    request, client = ask("upload", by=alice), browser(bob)
    text = page(client, request)
    assert 'type="file" accept="text/*"' in text
    assert "Accepted: text/*. At most 1 kB." in text

    receipt = send(client, request, value=paper())

    file = Artifact.objects.get(run=request.wait.run)
    assert (file.name, file.size) == ("a.txt", 3)
    assert value_of(request)["digest"] == file.digest
    assert f'href="/requests/{request.pk}/files/{file.digest}"' in shown(receipt)
    assert '"name":"a.txt"' in result_of(request)
    assert verify_journal(request.wait.run) == []


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (SimpleUploadedFile("a.pdf", b"x", content_type="application/pdf"), "Send text/*."),
        (paper(content=b"x" * 1025), "the limit is 1 kB"),
        ("", "This must be an uploaded file."),
        ("forged", "This must be an uploaded file."),
    ],
)
def test_what_is_no_such_file_is_refused(alice: User, bob: User, sent: Any, sentence: str) -> None:
    request = ask("upload", by=alice)
    refused = send(browser(bob), request, value=sent)
    assert refused.status_code == 422
    assert sentence in shown(refused)
    assert not Artifact.objects.filter(run=request.wait.run).exists()


def test_a_file_beyond_the_sites_limit_is_refused(
    settings: Settings, alice: User, bob: User
) -> None:
    configure(settings, MAX_UPLOAD_MB=1)
    request = ask("uploads", by=alice)
    refused = send(browser(bob), request, value=paper(content=b"x" * (1024**2 + 1)))
    assert refused.status_code == 413
    assert "the limit is 1 MB" in shown(refused)


def test_files_are_kept_when_something_else_is_wrong(alice: User, bob: User) -> None:
    request, client = ask("nested", by=alice), browser(bob)
    fields = {**NESTED, "field-to.city": ""}
    files = {"field-scan": paper(), "field-photos": [paper("b.txt"), paper("c.txt", b"two")]}

    refused = send(client, request, **fields, **files)
    text = shown(refused)
    assert refused.status_code == 422
    for name in ("a.txt", "b.txt", "c.txt"):
        assert f"<strong>{name}</strong> was sent." in text
    tokens = re.findall(r'name="(field-[a-z]+)" value="([^"]+)" checked', text)
    assert [name for name, _ in tokens] == ["field-scan", "field-photos", "field-photos"]

    kept = {"field-scan": tokens[0][1], "field-photos": [token for _, token in tokens[1:]]}
    send(client, request, **NESTED, **kept)
    assert [one["name"] for one in value_of(request)["photos"]] == ["b.txt", "c.txt"]
    assert value_of(request)["scan"]["name"] == "a.txt"
    assert Artifact.objects.filter(run=request.wait.run).count() == 3


def test_programs_send_files_first_and_answer_with_their_tokens(alice: User, bob: User) -> None:
    request, api = ask("uploads", by=alice), caller(bob)
    path = f"/api/requests/{request.pk}/files"
    sent = [api.post(path, {"file": paper(name)}) for name in ("a.txt", "b.txt")]
    assert [one.status_code for one in sent] == [201, 201]
    assert (sent[0].json()["name"], sent[0].json()["size"]) == ("a.txt", 3)

    tokens = [one.json()["token"] for one in sent]
    first, second = respond(api, request, tokens), respond(api, request, tokens)
    assert (first.status_code, second.status_code) == (201, 200)
    assert [one["name"] for one in first.json()["value"]] == ["a.txt", "b.txt"]
    got = api.get(f"{path}/{sent[0].json()['digest']}")
    assert (got.status_code, got.content) == (200, b"one")
    assert got["Content-Disposition"].startswith("attachment")


def test_a_token_counts_for_its_person_and_its_request(
    alice: User, bob: User, admin_user: User
) -> None:
    mine, other = ask("uploads", by=alice), ask("uploads", by=alice)
    sent = caller(bob).post(f"/api/requests/{mine.pk}/files", {"file": paper()}).json()

    assert respond(caller(admin_user), mine, [sent["token"]]).status_code == 422
    assert respond(caller(bob), other, [sent["token"]]).status_code == 422
    described = {name: sent[name] for name in ("name", "digest", "size", "content_type")}
    assert respond(caller(bob), mine, [described]).status_code == 422
    assert respond(caller(bob), mine, [sent["token"]]).status_code == 201


def test_who_is_not_asked_sends_no_files(alice: User, carol: User, bob: User) -> None:
    request = ask("upload", by=alice)
    path = f"/api/requests/{request.pk}/files"
    assert caller(alice).post(path, {"file": paper()}).status_code == 403
    assert caller(carol).post(path, {"file": paper()}).status_code == 404
    approval = ask("approval", by=alice)
    wrong = caller(bob).post(f"/api/requests/{approval.pk}/files", {"file": paper()})
    assert (wrong.status_code, wrong.json()["detail"]) == (
        422,
        "This request doesn't ask for a file.",
    )
    send(browser(bob), request, value=paper())
    assert caller(bob).post(path, {"file": paper()}).status_code == 409


def test_a_file_is_reviewed_and_replaced(alice: User, bob: User) -> None:
    request, client = ask("file", by=alice), browser(bob)
    old = Artifact.objects.get(run=request.wait.run)
    text = page(client, request)
    assert f'href="/requests/{request.pk}/files/{old.digest}" download="paper.csv"' in text
    preview = shown(client.get(f"/requests/{request.pk}/files/{old.digest}/preview"))
    assert '<th scope="col">name</th><th scope="col">count</th>' in preview
    assert "<td>lamp</td><td>2</td>" in preview
    assert "There is a file to review: paper.csv" in letter_about(request, to=bob).text

    receipt = shown(send(client, request, decision="approved", file=paper("new.csv", b"a;b")))
    assert "Edited" in receipt or "edited" in receipt
    assert "new.csv" in receipt
    assert '"name":"new.csv"' in result_of(request)


def test_only_files_that_a_request_shows_are_served(alice: User, bob: User, carol: User) -> None:
    request, other = ask("file", by=alice), ask("approval", by=alice)
    digest = Artifact.objects.get(run=request.wait.run).digest
    for path in ("", "/preview"):
        assert browser(bob).get(f"/requests/{request.pk}/files/{digest}{path}").status_code == 200
        assert browser(bob).get(f"/requests/{other.pk}/files/{digest}{path}").status_code == 404
        assert browser(carol).get(f"/requests/{request.pk}/files/{digest}{path}").status_code == 404
    for odd in ("0" * 64, "x", "%00", digest[:-1]):
        assert browser(bob).get(f"/requests/{request.pk}/files/{odd}").status_code == 404


# Drafts and evidence


@pytest.mark.parametrize(
    ("kind", "drawn"),
    [
        ("markdown", "<h1>Title</h1>"),
        ("markdown", "&lt;b&gt;x&lt;/b&gt;"),
        ("code", "<li><code>x = 1</code></li><li><code>y = 2</code></li>"),
        ("table", '<td>lamp</td><td data-kind="number">2</td>'),
    ],
)
def test_a_draft_is_drawn_in_its_format_and_edited_as_its_source(
    alice: User, bob: User, kind: str, drawn: str
) -> None:
    request = ask(kind, by=alice)
    text = page(browser(bob), request)
    assert drawn in text
    assert '<textarea class="field__input answer__text" name="text"' in text
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


def test_a_picture_that_could_run_code_is_only_downloaded(
    alice: User, bob: User, finance: Group
) -> None:
    request = ask("uploads", by=alice)
    svg = SimpleUploadedFile("a.svg", b"<svg onload='x'/>", content_type="image/svg+xml")
    receipt = shown(send(browser(bob), request, value=svg))
    assert "<img" not in receipt
    (link,) = set(re.findall(rf'href="(/requests/{request.pk}/files/[0-9a-f]+)"', receipt))
    got = browser(bob).get(link)
    assert got["Content-Type"] == "application/octet-stream"
    assert got["Content-Disposition"].startswith("attachment")
