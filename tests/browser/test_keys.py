"""Shortcuts of one key, which press the buttons that show them."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from dashboard.models import Preferences
from tests.browser.conftest import OpenPage
from tests.integration.test_irreversible import ask as ask_irreversible
from tests.integration.test_irreversible import is_open
from tests.pages import ask, ask_in
from tests.processes import Web

PRINTED = "element => getComputedStyle(element, '::after').content"


def open_request(open_page: OpenPage, user: User, key: object) -> Page:
    page = open_page(user)
    page.goto(f"/requests/{key}")
    return page


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.parametrize(("key", "words"), [("a", "Pay 31.20 €"), ("r", "Keep the money")])
def test_a_key_presses_the_button_that_shows_it(
    key: str, words: str, running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    page = open_request(open_page, bob, ask("approval", by=alice).pk)
    button = page.get_by_role("button", name=words, exact=True)
    assert button.evaluate(PRINTED) == f'"{key}" / ""'

    press(page, key)

    expect(page.locator(".receipt")).to_contain_text(words)


def test_keys_rest_while_somebody_types_and_until_escape(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    page = open_request(open_page, bob, ask("approval", by=alice).pk)

    press(page, "c", *"aara")
    expect(page.get_by_label("Comment")).to_have_value("aara")
    expect(page.get_by_role("button", name="Pay 31.20 €")).to_be_visible()
    press(page, "Escape", "a")

    expect(page.locator(".receipt")).to_contain_text("aara")


def test_a_number_chooses_and_enter_answers(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask("choice", by=alice)
    page = open_request(open_page, bob, request.pk)

    press(page, "2", "Enter")

    expect(page.locator(".receipt")).to_be_visible()
    assert request.responses.get().plain_value == list(request.asked.options)[1]


def test_one_key_arms_and_another_one_fires(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask_irreversible("approval", by=alice)
    page = open_request(open_page, bob, request.pk)

    press(page, "a")
    expect(page.get_by_role("alert").filter(has_text="can't be undone")).to_be_focused()
    press(page, "a", "a")
    assert is_open(request)
    press(page, "Escape")
    expect(page.get_by_role("button", name="For good")).to_have_count(0)
    press(page, "a")
    expect(page.get_by_role("button", name="For good")).to_be_visible()
    press(page, "Enter")

    expect(page.locator(".receipt")).to_be_visible()
    assert not is_open(request)


def test_of_two_cards_a_key_means_the_one_with_the_focus(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    first = ask("approval", by=alice)
    second = ask_in(first.session, "approval", by=alice)
    page = open_page(bob)
    page.goto("/")
    cards = [page.locator(f"#request-{one.pk}") for one in (first, second)]
    cards[1].get_by_role("button", name="Show or hide the request").click()
    expect(cards[1].get_by_role("button", name="Pay 31.20 €")).to_be_visible()
    page.get_by_role("heading", level=1).click()

    press(page, "a", "r")
    assert is_open(first)
    assert is_open(second)
    cards[1].get_by_role("button", name="Pay 31.20 €").focus()
    press(page, "r")

    expect(cards[1].locator(".receipt")).to_contain_text("Keep the money")
    assert is_open(first)


def test_the_profile_switches_keys_off(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask("approval", by=alice)
    page = open_page(bob)
    page.goto("/profile")
    page.get_by_label("Use single-key shortcuts").uncheck()
    page.locator("#keys").get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Single-key shortcuts are off.")

    page.goto(f"/requests/{request.pk}")
    button = page.get_by_role("button", name="Pay 31.20 €")
    assert button.evaluate(PRINTED) == "none"
    press(page, "a")

    assert is_open(request)
    assert Preferences.objects.get(user=bob).has_keys is False
