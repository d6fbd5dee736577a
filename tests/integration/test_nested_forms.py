"""Nested forms and forms from a JSON Schema, on their pages and over the API."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.models import HumanResponse
from tests.calls import caller, respond
from tests.kind_pages import NESTED, page, result_of, send, value_of
from tests.pages import ask, browser, shown

pytestmark = pytest.mark.usefixtures("bob")


def test_a_nested_form_is_drawn_and_filled_in(alice: User, bob: User) -> None:
    request, client = ask("nested", by=alice), browser(bob)

    text = page(client, request)
    assert '<legend class="field__label">To</legend>' in text
    assert 'name="field-to.city"' in text
    assert 'name="field-pickup" value="true"> Pickup</label>' in text
    assert 'value="lines" formnovalidate aria-label="Add a row to Lines">Add a row<' in text
    assert "Remove row 1" not in text
    assert 'enctype="multipart/form-data"' in text
    assert "<p>Give at most 3.</p>" in text

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
    assert 'aria-label="Remove row 3 of Lines">Remove row 3<' in shown(more)
    assert "Add a row" not in shown(more)  # three are the most
    assert re.search(r'name="field-lines.3.thing"[^>]* autofocus', shown(more))
    assert 'name="field-lines.3.price" type="text" value="1.50"' in shown(more)

    less = shown(send(client, request, **NESTED, **{"drop-row": "lines.0"}))
    assert 'name="field-lines.0.thing"' not in less
    assert 'name="field-lines.2.thing" type="text" value="shade"' in less
    assert 'value="lines" formnovalidate autofocus aria-label="Add a row to Lines"' in less
    assert not HumanResponse.objects.exists()


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("field-to.city", "", "This is missing."),
        ("field-to.floor", "top", "The answer must be a whole number."),
        ("field-lines.2.price", "2.505", "The answer must be a multiple of 0.01."),
        ("field-lines.2.price", "2.500", "“2.500” can mean 2500 or 2.50."),
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
    about = shown(refused).partition(f'id="about-{request.pk}-lines">')[2]
    assert about.startswith('<p class="field__fault">Give at most 3.</p>')


@pytest.mark.parametrize(
    "odd",
    [
        {"add-row": "nothing"},
        {"add-row": "<script>alert(1)</script>"},
        {"add-row": "lines.0"},
        {"drop-row": "lines"},
        {"drop-row": "lines.9"},
        {"drop-row": "."},
        {"add-row": "lines", "drop-row": "lines.0"},
    ],
    ids=str,
)
def test_odd_row_buttons_change_nothing_else(alice: User, bob: User, odd: Any) -> None:
    request = ask("nested", by=alice)
    answer = send(browser(bob), request, **NESTED, **odd)

    assert answer.status_code == 200
    assert "<script>alert" not in shown(answer)
    assert 'name="field-to.city" type="text" value="Ulm"' in shown(answer)
    assert not HumanResponse.objects.exists()


@pytest.mark.parametrize(
    "keys", [["x"], ["0", "0"], ["-1"], ["9" * 7], ["٣"], ["0.thing"]], ids=str
)
def test_odd_row_keys_are_no_rows(alice: User, bob: User, keys: list[str]) -> None:
    request = ask("nested", by=alice)
    send(browser(bob), request, **NESTED | {"field-lines": keys})
    things = [one["thing"] for one in value_of(request)["lines"]]
    assert things == (["lamp"] if "0" in keys else [])


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
