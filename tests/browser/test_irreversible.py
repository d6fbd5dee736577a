"""A button that arms before it fires: with a mouse, with keys, with two quick taps."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from chat.models import HumanRequest
from tests.browser.conftest import DESK, PHONE, OpenPage
from tests.integration.test_irreversible import ask, is_open
from tests.processes import Web

ARM, FIRE = "Delete ALL files", "For good: Delete ALL files"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def button(card: Locator, name: str) -> Locator:
    return card.get_by_role("button", name=name, exact=True)


def card_of(page: Page, request: HumanRequest) -> Locator:
    page.goto(f"/requests/{request.pk}")
    return page.get_by_role("article", name=request.prompt)


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_press_arms_and_the_next_one_answers(
    width: int, running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask("approval", by=alice)
    page = open_page(bob, width=width)
    card = card_of(page, request)
    card.get_by_label("Comment").fill("Seen the list.")

    button(card, ARM).click()
    expect(card.get_by_role("alert")).to_contain_text(f"for good: {ARM}")
    expect(card.get_by_label("Comment")).to_have_value("Seen the list.")
    assert page.evaluate(SIDEWAYS) == 0
    assert is_open(request)
    button(card, "Go back").click()
    expect(button(card, ARM)).to_be_visible()
    button(card, ARM).click()
    button(card, FIRE).click()

    expect(card.locator(".receipt")).to_contain_text("Seen the list.")
    assert not is_open(request)


def test_keys_arm_and_fire_and_an_enter_too_much_does_nothing(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask("approval", by=alice)
    page = open_page(bob)
    card = card_of(page, request)

    button(card, ARM).focus()
    page.keyboard.press("Enter")
    expect(card.get_by_role("alert")).to_be_focused()
    page.keyboard.press("Enter")
    assert is_open(request)
    page.keyboard.press("Tab")
    expect(button(card, "Go back")).to_be_focused()
    page.keyboard.press("Tab")
    expect(button(card, FIRE)).to_be_focused()
    page.keyboard.press("Enter")

    expect(card.locator(".receipt")).to_be_visible()
    assert not is_open(request)


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("name", [ARM, "Keep them"])
def test_a_hasty_second_press_at_the_same_place_fires_nothing(
    width: int, name: str, running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask("approval", by=alice)
    page = open_page(bob, width=width)
    card = card_of(page, request)
    box = button(card, name).bounding_box()
    assert box
    place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    page.mouse.click(*place)
    expect(button(card, f"For good: {name}")).to_be_visible()
    page.mouse.click(*place)

    expect(button(card, f"For good: {name}").or_(button(card, name))).to_be_visible()
    assert is_open(request)
