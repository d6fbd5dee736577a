"""The frame around every page: the search over it, the menu, the bar of a phone."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from chat.services import post_message
from tests.browser.conftest import DESK, PHONE, OpenPage, hold_back
from tests.browser.test_every_page import sideways, violations_of, visit
from tests.pages import ask, lines
from tests.processes import Web
from tests.talks import begin_talk

TOUCH = 44
"""Pixels, of the least target of a thumb."""
COVERS_NOTHING = """() => {
  scrollTo(0, document.documentElement.scrollHeight);
  const parts = [...document.querySelectorAll("main :is(a, button, p, input)")];
  const isSeen = (part) => part.checkVisibility() && part.getBoundingClientRect().height > 0;
  const {left, bottom} = parts.filter(isSeen).at(-1).getBoundingClientRect();
  return document.elementFromPoint(left + 2, bottom - 2)?.closest(".nav") === null;
}"""
"""Goes to the end of the page, and returns true if its last part is in view there, under no bar.

This is one script because the page may draw the part again at any time."""
NAMED = """field => {
  const chosen = document.querySelector("[role=option][aria-selected=true]");
  return field.getAttribute("aria-activedescendant") === chosen?.id;
}"""


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_search_is_used_by_keys_alone(
    width: int, running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    wanted, other = ask("told", by=alice), ask("approval", by=alice)
    page = open_page(bob, width=width, bypass_csp=True)
    visit(page, "/runs")

    page.keyboard.press("Control+k")
    field, options = page.get_by_role("combobox"), page.get_by_role("option")
    expect(field).to_be_focused()
    expect(options.filter(has_text=wanted.prompt).first).to_be_visible()
    for key, place in (("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0)):
        page.keyboard.press(key)
        expect(options.nth(place)).to_have_attribute("aria-selected", "true")
    page.keyboard.type(other.prompt[:8])
    expect(options.filter(has_text=wanted.prompt)).to_have_count(0)
    chosen = page.locator("[role=option][aria-selected=true]")
    expect(chosen).to_contain_text(other.prompt)
    page.wait_for_function(NAMED, arg=field.element_handle())
    assert [*violations_of(page), *sideways(page)] == []
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(f"/requests/{other.pk}$"))


def test_enter_in_the_search_never_goes_to_what_was_found_for_other_words(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    begin_talk(alice, bob, title="Inbox of May")
    page = open_page(bob)
    visit(page, "/runs")
    page.keyboard.press("Control+k")
    options, chosen = page.get_by_role("option"), page.locator("#palette-list [aria-selected=true]")
    expect(options.filter(has_text="Inbox of May")).to_be_visible()
    expect(chosen).to_have_count(0)

    page.keyboard.type("inbox")
    expect(options.filter(has_text="Inbox of May")).to_be_visible()
    expect(chosen.locator(".find__title")).to_have_text("Inbox")
    hold_back(page, "**/search/results*")
    page.keyboard.type(" of")
    expect(chosen).to_have_count(0)
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/search\?q=inbox\+of$"))


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_search_leads_to_the_very_message_however_far_back(
    width: int, running_web: Web, open_page: OpenPage, alice: User
) -> None:
    session = ask("told", by=alice).session
    wanted = post_message(session, "The parcel is at the neighbour's.", by=alice)
    lines(session, 150)
    page = open_page(alice, width=width, bypass_csp=True)
    visit(page, "/runs")

    page.keyboard.press("Control+k")
    page.keyboard.type("neighbour")
    option = page.get_by_role("option").filter(has_text="parcel").first
    expect(option.locator("mark")).to_have_text("neighbour")
    expect(option).to_have_attribute("aria-selected", "true")
    assert [*violations_of(page), *sideways(page)] == []
    page.keyboard.press("Enter")

    message = page.locator(f"#message-{wanted.pk}")
    expect(message).to_be_focused()
    expect(message).to_be_in_viewport(ratio=1)
    assert message.evaluate("(one) => one.matches(':target')")
    expect(page.get_by_role("link", name="Later messages")).to_be_attached()
    assert [*violations_of(page), *sideways(page)] == []


def test_the_search_closes_and_gives_back_the_focus(
    running_web: Web, open_page: OpenPage, bob: User
) -> None:
    page = open_page(bob)
    visit(page, "/")
    link = page.get_by_role("link", name="Search or do…")
    link.focus()

    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("nothing like this")
    expect(page.get_by_role("status").filter(has_text="No matches")).to_be_attached()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")  # the first one may only have emptied the field

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(link).to_be_focused()


def test_the_bar_of_a_phone_has_targets_for_thumbs_and_covers_nothing(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask("told", by=alice)
    page = open_page(bob, width=PHONE)
    for address in ("/", "/runs", "/procedures", "/profile", f"/requests/{request.pk}"):
        visit(page, address)
        page.wait_for_load_state("networkidle")  # parts of pages that are loaded after them
        page.wait_for_function(COVERS_NOTHING)

    names = ("Inbox", "Chat", "Runs", "Start", "Me")
    for item, name in zip(bar_of(page), names, strict=True):
        assert name in item.inner_text().split("\n")
        there = item.bounding_box()
        assert there
        assert min(there["width"], there["height"]) >= TOUCH
    page.get_by_text("Me", exact=True).click()
    expect(page.get_by_role("link", name="Profile")).to_be_in_viewport()


def bar_of(page: Page) -> list[Locator]:
    items = page.locator(".nav > .nav__item, .nav__person > .nav__item")
    return [one for one in items.all() if one.is_visible()]


def test_the_title_and_the_menu_say_how_much_waits(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    page = open_page(bob)
    visit(page, "/runs")
    expect(page).to_have_title("Runs · Countersign")

    ask("told", by=alice)
    expect(page).to_have_title("(1) Runs · Countersign")
    page.reload()

    expect(page).to_have_title("(1) Runs · Countersign")
    expect(page.get_by_role("link", name=re.compile("^Inbox 1"))).to_be_visible()
