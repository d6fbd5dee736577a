"""Shortcuts of one key, which press the buttons that show them."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from dashboard.models import Preferences
from tests.browser.conftest import PHONE, OpenPage
from tests.browser.test_every_page import sideways, violations_of, visit
from tests.integration.test_irreversible import ask as ask_irreversible
from tests.integration.test_irreversible import is_open
from tests.pages import ask, ask_in
from tests.processes import Web

KEYS = """() => [...document.querySelectorAll("[data-key]")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }))
    .map((one) => one.dataset.key)"""
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
    press(page, "?")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.locator(".nav__person > summary").click()
    page.get_by_role("link", name="Keyboard shortcuts", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("Single-key shortcuts are switched off.")
    page.get_by_role("link", name="Switch them on in your profile").click()
    expect(page.get_by_label("Use single-key shortcuts")).to_be_in_viewport()


def test_a_question_mark_lists_all_keys_of_the_page_and_gives_back_the_focus(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask("choice", by=alice)
    page = open_request(open_page, bob, request.pk)
    option, help_ = page.get_by_role("radio").first, page.get_by_role("dialog")
    option.focus()
    keys = page.evaluate(KEYS)
    words = option.get_attribute("data-key-name")

    press(page, "?")

    expect(help_.get_by_role("listitem")).to_have_count(len(set(keys)))
    for line in (f"1 {words}", "c Comment", "g i Inbox", "/ Ctrl K Search or do…"):
        expect(
            help_.get_by_role("listitem").filter(has_text=re.compile(spaced(line)))
        ).to_be_visible()
    press(page, "1", "?", "Escape")
    expect(help_).to_be_hidden()
    expect(option).to_be_focused()
    expect(option).not_to_be_checked()
    press(page, "c", "?")
    expect(page.get_by_label("Comment")).to_have_value("?")
    expect(help_).to_be_hidden()


def spaced(line: str) -> str:
    """A pattern for words that stand apart on the page, whatever is between them."""
    return r"^\s*" + r"\s*".join(map(re.escape, line.split()))


def test_the_keys_are_listed_by_links_on_a_phone_and_violate_no_rule_of_axe(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    first = ask("approval", by=alice)
    ask_in(first.session, "approval", by=alice)
    page = open_page(bob, width=PHONE, bypass_csp=True)
    visit(page, f"/chat/{first.session_id}")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")

    page.locator(".nav__person > summary").click()
    page.get_by_role("link", name="Keyboard shortcuts", exact=True).click()
    expect(keys).to_contain_text(
        re.compile("Keep the money.?, for the row or button that is highlighted")
    )
    assert [*sideways(page), *violations_of(page)] == []
    keys.get_by_role("button", name="Close").click()
    expect(keys).to_be_hidden()
    visit(page, "/")
    page.get_by_role("link", name="Search or do…").click()
    page.get_by_role("link", name="Keyboard shortcuts").click()

    expect(keys).to_contain_text("Everywhere")
    expect(page.get_by_role("combobox")).to_be_hidden()
