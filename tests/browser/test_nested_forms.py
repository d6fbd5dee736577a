"""Forms with rows, files and pictures: by keyboard, on a phone, without scripts."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from chat.models import HumanRequest
from tests.asking import PICTURE
from tests.browser.conftest import DESK, PHONE, OpenPage
from tests.browser.test_irreversible import SIDEWAYS, card_of
from tests.pages import ask
from tests.processes import Web


def button(card: Locator, name: str) -> Locator:
    return card.get_by_role("button", name=name, exact=True)


def value_of(request: HumanRequest) -> object:
    return request.responses.get().plain_value


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "a.png"
    file.write_bytes(PICTURE)
    return file


def add_line(page: Page, card: Locator, thing: str) -> None:
    """Add a row by its button, and type into the field that has the focus then."""
    button(card, "Add a row to Lines").focus()
    page.keyboard.press("Enter")
    expect(card.get_by_label("Thing").last).to_be_focused()
    page.keyboard.type(thing)


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_rows_are_added_by_keyboard_and_what_was_typed_stays(
    width: int, running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask("nested", by=alice)
    page = open_page(bob, width=width)
    card = card_of(page, request)

    card.get_by_label("City").first.fill("Ulm")
    add_line(page, card, "lamp")
    add_line(page, card, "shade")
    expect(card.get_by_label("City").first).to_have_value("Ulm")
    expect(card.get_by_label("Thing")).to_have_count(2)
    assert page.evaluate(SIDEWAYS) == 0

    page.reload()
    expect(card.get_by_label("City").first).to_have_value("Ulm")
    add_line(page, card, "lamp")
    button(card, "Remove row 1 of Lines").click()
    expect(card.get_by_label("Thing")).to_have_count(0)
    add_line(page, card, "bulb")
    page.keyboard.press("Enter")

    expect(card.locator(".receipt")).to_contain_text("bulb")
    assert request.responses.get().plain_value["lines"] == [{"thing": "bulb", "price": "1.50"}]


def test_an_optional_group_opens_when_its_box_is_ticked(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask("nested", by=alice)
    page = open_page(bob)
    card = card_of(page, request)

    expect(card.get_by_label("City")).to_have_count(2)
    expect(card.get_by_label("City").last).to_be_hidden()
    card.get_by_label("Pickup").check()
    card.get_by_label("City").last.fill("Bonn")
    card.get_by_label("City").first.fill("Ulm")
    button(card, "Answer").click()

    expect(card.locator(".receipt")).to_contain_text("Bonn")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_file_is_sent_and_its_picture_shown(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, picture: Path, *, scripts: bool
) -> None:
    request = ask("uploads", by=alice)
    page = open_page(bob, scripts=scripts)
    card = card_of(page, request)

    card.get_by_label("Files").set_input_files(picture)
    button(card, "Send").click()

    shown = card.locator(".receipt img")
    expect(shown).to_be_visible()
    expect(shown).to_have_js_property("naturalWidth", 1)
    assert [one["name"] for one in value_of(request)] == ["a.png"]  # type: ignore[attr-defined]


def test_an_answer_of_ones_own_is_typed(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask("own words", by=alice)
    page = open_page(bob)
    card = card_of(page, request)

    card.get_by_role("radio", name="Another one").check()
    card.get_by_role("textbox", name="Another one").fill("c")
    button(card, "Answer").click()

    expect(card.locator(".receipt")).to_contain_text("c")
    assert value_of(request) == "c"


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_evidence_of_each_form_fits_the_page(
    width: int, running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask("evidence", by=alice)
    page = open_page(bob, width=width)
    card = card_of(page, request)

    expect(card.locator("img")).to_be_visible()
    card.get_by_text("Preview").click()
    expect(card.get_by_role("cell", name="lamp").last).to_be_visible()
    assert page.evaluate(SIDEWAYS) == 0
