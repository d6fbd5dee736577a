"""An answer that did not arrive: nobody believes to have decided, no word is lost."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect

from chat.models import HumanRequest
from tests.browser.conftest import OpenPage
from tests.pages import ask
from tests.processes import Web

WORDS = "With thanks to Mrs Blum."


@pytest.fixture
def asked(alice: User) -> HumanRequest:
    return ask("approval", by=alice)


@pytest.fixture
def page(running_web: Web, open_page: OpenPage, asked: HumanRequest, bob: User) -> Page:
    page = open_page(bob)
    page.goto("/")
    page.get_by_label("Comment").fill(WORDS)
    return page


@pytest.mark.parametrize("status", [None, 502])
def test_an_answer_that_is_lost_on_its_way_says_so(page: Page, status: int | None) -> None:
    def lose(route: Route) -> None:
        route.fulfill(status=status) if status else route.abort("internetdisconnected")

    page.route("**/response", lose)
    page.get_by_role("button", name="Pay 31.20 €").click()
    expect(page.get_by_role("alert")).to_contain_text("Your answer may not have arrived")
    expect(page.get_by_label("Comment")).to_have_value(WORDS)

    page.unroute("**/response")
    page.get_by_role("button", name="Pay 31.20 €").click()
    expect(page.get_by_role("article", name="Pay 31.20 €?")).to_contain_text("Approved by bob")


def test_a_page_that_was_too_old_says_so_when_it_is_there_again(page: Page) -> None:
    page.context.clear_cookies(name="csrftoken")

    page.get_by_role("button", name="Pay 31.20 €").click()

    expect(page.get_by_role("alert")).to_contain_text("The page was out of date")
    expect(page.get_by_label("Comment")).to_have_value(WORDS)
    page.reload()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_words_are_still_there_after_one_had_to_sign_in_again(
    page: Page, asked: HumanRequest
) -> None:
    cookies: Any = page.context.cookies()

    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Pay 31.20 €").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.context.add_cookies(cookies)
    page.goto("/")
    expect(page.get_by_label("Comment")).to_have_value(WORDS)
    page.goto(f"/chat/{asked.session_id}")
    field = page.get_by_label("Your message")
    field.fill("Who is Mrs Blum?")
    page.context.clear_cookies(name="sessionid")
    field.press("Enter")
    expect(page.get_by_label("Password")).to_be_visible()
    page.context.add_cookies(cookies)
    page.goto(f"/chat/{asked.session_id}")
    expect(field).to_have_value("Who is Mrs Blum?")


def test_a_chosen_option_is_still_chosen_when_the_page_is_opened_again(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    asked, page = ask("choice", by=alice), open_page(bob)
    page.goto(f"/requests/{asked.pk}")
    page.get_by_label("Apples").check()
    page.get_by_label("Bread").check()

    page.reload()

    expect(page.get_by_label("Bread")).to_be_checked()
    expect(page.get_by_label("Apples")).not_to_be_checked()
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_role("article", name="Which one?")).to_contain_text("by bob")
    assert asked.responses.get().plain_value == "b"
