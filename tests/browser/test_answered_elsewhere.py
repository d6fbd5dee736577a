"""Two people are asked; one is slower."""

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from chat.models import HumanRequest
from chat.services import Answer, reassign_request, respond
from tests.browser.conftest import PHONE, OpenPage, first_of, hold_back
from tests.browser.test_live_lists import SOON
from tests.calls import grant
from tests.conftest import create_person
from tests.pages import ask
from tests.processes import Web

DRAFT = "I would rather ask Mrs Blum first."


@pytest.fixture
def erin(finance: Group) -> User:
    """Answers too, and is slower."""
    return create_person("erin", finance)


@pytest.fixture
def asked(alice: User) -> HumanRequest:
    return ask("approval", by=alice)


def card(page: Page) -> Locator:
    return page.get_by_role("article", name="Pay 31.20 €?")


def test_the_slower_ones_card_turns_into_a_receipt_and_keeps_the_draft(
    running_web: Web, open_page: OpenPage, asked: HumanRequest, bob: User, erin: User
) -> None:
    home, chat = open_page(erin), open_page(erin, width=PHONE)
    home.goto("/")
    chat.goto(f"/chat/{asked.session_id}")
    for page in (home, chat):
        card(page).get_by_label("Comment").fill(DRAFT)
        expect(page.locator("html")).to_have_attribute("data-live", "live")

    respond(asked.pk, Answer(value=False), by=bob)

    for page in (home, chat):
        expect(card(page)).to_contain_text("by bob", timeout=SOON)
        expect(card(page).locator(".kept-words__text")).to_have_text(DRAFT)
        expect(card(page).get_by_role("button", name="Copy", exact=True)).to_be_visible()
        expect(card(page).get_by_role("button", name="Pay 31.20 €")).to_have_count(0)


def test_a_question_is_answered_by_its_key_on_the_page_of_its_run(
    running_web: Web,
    open_page: OpenPage,
    asked: HumanRequest,
    bob: User,
    admin_user: User,
) -> None:
    grant("one_of_each", bob.groups.get(), "see")
    page, link = open_page(bob, width=PHONE), "Open the question"
    run = asked.wait.run_id
    reassign_request(asked.pk, to="@admin", by=admin_user, reason="Away.")
    page.goto(f"/runs/{run}")
    expect(page.locator("html")).to_have_attribute("data-live", "live")

    reassign_request(asked.pk, to="@bob", by=admin_user, reason="Back.")
    expect(page.locator("waiting-list")).to_have_attribute("data-news", "")
    expect(card(page)).to_have_count(0)
    page.locator(".run-now__head").get_by_role("link", name=link).click()
    expect(page.locator(".run-now__head").get_by_role("link", name=link)).to_be_hidden()
    card(page).get_by_label("Comment").fill(DRAFT)
    page.keyboard.press("Escape")

    page.keyboard.press("a")

    expect(card(page).locator(".receipt")).to_contain_text("by bob")
    expect(page.locator(".run-now__sentence")).to_contain_text("was answered by bob")
    assert [response.comment for response in asked.responses.all()] == [DRAFT]


def test_a_button_that_came_too_late_does_nothing(
    running_web: Web, open_page: OpenPage, asked: HumanRequest, bob: User, erin: User
) -> None:
    page = open_page(erin)
    page.route_web_socket("**/live", hear_nothing)
    page.goto("/")
    card(page).get_by_label("Comment").fill(DRAFT)
    respond(asked.pk, Answer(value=False), by=bob)

    with page.expect_response(f"**/requests/{asked.pk}/response") as refused:
        card(page).get_by_role("button", name="Pay 31.20 €").click()

    assert refused.value.status == 409
    expect(card(page)).to_contain_text("by bob")
    expect(card(page).locator(".kept-words__text")).to_have_text(DRAFT)
    assert [response.user for response in asked.responses.all()] == [bob]


def test_an_answer_on_its_way_keeps_its_card_until_it_is_told_what_became_of_it(
    running_web: Web, open_page: OpenPage, asked: HumanRequest, bob: User, erin: User
) -> None:
    page = open_page(erin)
    posts = hold_back(page, f"**/requests/{asked.pk}/response")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    card(page).get_by_label("Comment").fill(DRAFT)
    card(page).get_by_role("button", name="Pay 31.20 €").click()
    post = first_of(page, posts)
    respond(asked.pk, Answer(value=False), by=bob)
    expect(page.locator("#waiting-requests")).to_have_attribute("data-count", "0")
    post.continue_()

    expect(card(page).locator(".kept-words__text")).to_have_text(DRAFT)
    expect(card(page).locator(".receipt")).to_contain_text("by bob")
    expect(card(page).locator(".receipt")).to_be_focused()


def hear_nothing(socket: WebSocketRoute) -> None:
    """Open as far as the page knows, and silent."""
