"""Commands in the chat, by keyboard and by touch: the list, the draft, the start, the question."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from chat.models import Session
from procedures.models import Run
from tests.browser.conftest import DESK, PHONE, OpenPage, first_of, hold_back
from tests.browser.test_every_page import violations_of
from tests.browser.test_talking import composer, open_session, said
from tests.calls import grant
from tests.conftest import create_person, group
from tests.pages import ask, ask_in
from tests.talks import begin_talk

SLASH = "\N{FULLWIDTH SOLIDUS}"
NAMED = re.compile("/named_refund")
pytestmark = pytest.mark.usefixtures("running_web")


@pytest.fixture
def session(alice: User) -> Session:
    grant("named_refund", group("support"), "start")
    return ask("approval", by=alice).session


def options(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Commands").get_by_role("option")


def chosen(page: Page) -> Locator:
    return page.locator("#command-options [aria-selected=true]")


def cards(page: Page) -> Locator:
    return page.locator(".transcript__list .message[data-kind=run]")


def shown_options(page: Page) -> Locator:
    return options(page).filter(visible=True)


def start_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Start", exact=True)


def test_by_keyboard_a_command_is_found_chosen_and_completed(
    open_page: OpenPage, session: Session, alice: User
) -> None:
    page = open_page(alice, width=DESK, bypass_csp=True)  # axe needs it
    open_session(page, session)
    keys, field = page.keyboard, composer(page)
    field.focus()

    keys.type("/")
    expect(shown_options(page).nth(5)).to_be_visible()
    expect(field).to_have_attribute("aria-controls", "command-options")
    keys.type("refund")
    expect(shown_options(page)).to_have_text([NAMED, re.compile("/refund")])
    expect(chosen(page)).to_contain_text("Refund orders")
    assert violations_of(page) == []
    keys.press("ArrowUp")
    expect(chosen(page)).to_contain_text("Refund an order")
    expect(field).to_have_attribute("aria-activedescendant", re.compile("command-"))
    keys.press("Escape")
    expect(shown_options(page)).to_have_count(0)
    expect(field).to_have_value("/refund")
    field.fill("/named_ref")
    keys.press("Tab")
    expect(field).to_have_value("/named_refund ")
    expect(field).to_be_focused()
    expect(shown_options(page)).to_have_count(0)
    keys.type("100")
    keys.press("Enter")
    expect(page.get_by_label("Amount")).to_have_value("100")
    expect(page.get_by_label("Amount")).to_be_focused()
    expect(field).to_have_value("")


def test_enter_means_what_was_typed_and_never_a_longer_command(
    open_page: OpenPage, session: Session, alice: User
) -> None:
    grant("named_refunds", group("support"), "start")
    page = open_page(alice, width=DESK)
    held = hold_back(page, "**/commands")
    open_session(page, session)
    field, keys, opened = composer(page), page.keyboard, page.locator("#command-title")

    field.focus()
    keys.type("/named_refund")
    keys.press("Enter")  # the list is on its way
    expect(opened).to_have_text("/named_refund")
    first_of(page, held).continue_()
    field.focus()
    for typed, marked in (
        ("/named_ref", ["/named_refunds"]),
        ("/Named-Refund", ["/named_refund"]),
        ("/efund", []),
        ("/", []),
    ):
        field.fill(typed)
        expect(shown_options(page).filter(has_text="Refund an order")).to_be_visible()
        expect(chosen(page).locator("code")).to_have_text(marked)
    expect(field).not_to_have_attribute("aria-activedescendant", re.compile("."))
    shown_options(page).last.hover()
    field.press_sequentially("named_refund")
    keys.press("Enter")
    expect(opened).to_have_text("/named_refund")
    expect(field).to_have_value("")
    field.fill("/efund")
    expect(shown_options(page)).not_to_have_count(0)
    keys.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent.")


def test_enter_sends_a_whole_name_and_takes_only_the_name_that_is_marked(
    open_page: OpenPage, alice: User, bob: User
) -> None:
    talk = begin_talk(alice, bob, create_person("bobby"))
    page = open_page(alice, width=DESK)
    open_session(page, talk)
    field, keys = composer(page), page.keyboard
    people = page.get_by_role("listbox", name="People").get_by_role("option").filter(visible=True)
    marked = page.locator("#mention-options [aria-selected=true]")

    field.focus()
    keys.type("Hello @bob")
    expect(people).to_have_text(["@bob", "@bobby"])
    expect(marked).to_have_count(0)
    keys.press("Enter")
    expect(said(page)).to_have_text(["Hello @bob"])
    expect(field).to_be_editable()
    keys.type("@b")
    expect(people).to_have_text(["@bob", "@bobby"])
    expect(marked).to_have_text("@bob")
    held = hold_back(page, "**/people?*")
    with page.expect_request("**/people?*"):
        keys.type("o")
    keys.press("ArrowDown")
    expect(marked).to_have_text("@bobby")
    with page.expect_response("**/people?*"):
        first_of(page, held).continue_()
    expect(marked).to_have_text("@bobby")
    keys.press("Enter")
    expect(field).to_have_value("@bobby ")
    field.fill("@bobb")
    keys.press("Enter")  # the list is on its way
    expect(said(page).last).to_have_text("@bobb")


def test_a_draft_survives_a_reload_and_starts_once(
    open_page: OpenPage, session: Session, alice: User
) -> None:
    page = open_page(alice, width=DESK)
    open_session(page, session)
    amount, order = page.get_by_label("Amount"), page.get_by_label("Order")

    composer(page).fill("/named_refund 100 B-7")
    composer(page).press("Enter")
    order.fill("B-8")
    page.reload()
    expect(order).to_have_value("B-8")
    expect(amount).to_have_value("100")
    expect(page.get_by_text("only you see this")).to_be_visible()
    # What another command shows takes its place for a while only.
    for command, button in (("/help", "Close"), ("/named_refund 5", "Discard")):
        composer(page).fill(command)
        composer(page).press("Enter")
        expect(page.locator("#command-title")).to_have_text(command)
        page.locator("#command").get_by_role("link", name=button).click()
        expect(order).to_have_value("B-8")
    amount.fill("much")
    amount.press("Enter")
    expect(page.get_by_text("The run wasn't started.")).to_be_visible()
    expect(amount).to_be_focused()
    amount.fill("100")
    amount.press("Enter")

    expect(cards(page)).to_have_count(2)
    expect(cards(page).last).to_contain_text("Refund 100.00 € for B-8")
    expect(composer(page)).to_be_focused()
    expect(start_button(page)).to_have_count(0)
    page.reload()
    expect(cards(page)).to_have_count(2)
    expect(start_button(page)).to_have_count(0)
    assert Run.objects.filter(procedure__name="named_refund").count() == 1


def test_on_a_phone_a_tap_opens_the_form_and_a_typo_is_asked_about(
    open_page: OpenPage, session: Session, alice: User
) -> None:
    page = open_page(alice, width=PHONE, scheme="dark")
    open_session(page, session)
    field, send = composer(page), page.get_by_role("button", name="Send", exact=True)

    field.fill("/refnud 100")
    send.tap()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent.")
    expect(field).to_have_value("/refnud 100")
    field.fill("/refnud 10")
    expect(page.get_by_role("alert")).to_have_count(0)
    send.tap()
    page.get_by_role("button", name="Send as a message").tap()
    expect(said(page)).to_have_text(["/refnud 10"])
    expect(field).to_have_value("")
    field.fill("Hello")
    send.tap()
    expect(said(page)).to_have_text(["/refnud 10", "Hello"])
    expect(field).to_have_value("")
    field.press_sequentially("/named_ref")
    shown_options(page).first.tap()
    expect(page.get_by_label("Amount")).to_be_focused()
    page.get_by_label("Amount").fill("7")
    start_button(page).tap()
    expect(cards(page).last).to_contain_text("Refund 7.00 € for A-1")
    field.fill("/status")
    send.tap()
    expect(page.locator("#command")).to_contain_text("Refund 7.00 € for A-1")
    page.get_by_role("link", name="Close").tap()
    expect(page.locator("#command")).to_be_empty()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_without_a_connection_a_command_waits_in_the_field_and_a_message_in_the_outbox(
    open_page: OpenPage, session: Session, alice: User
) -> None:
    page = open_page(alice, width=PHONE)
    open_session(page, session)
    field, send = composer(page), page.get_by_role("button", name="Send", exact=True)

    field.fill("/refnud 10")
    send.tap()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent.")
    page.context.set_offline(True)
    page.get_by_role("button", name="Send as a message").tap()
    expect(page.locator("chat-outbox")).to_contain_text("/refnud 10")
    field.fill("\N{RIGHT-TO-LEFT MARK}/status")
    send.tap()
    expect(page.get_by_text("Commands need a connection.")).to_be_visible()
    page.context.set_offline(False)

    expect(said(page)).to_have_text(["/refnud 10"])
    expect(field).to_have_value("\N{RIGHT-TO-LEFT MARK}/status")
    field.fill("/help")
    send.tap()
    expect(page.locator("#command-title")).to_have_text("/help")
    expect(page.get_by_role("link", name="Close")).to_be_focused()
    expect(page.locator("#command-title")).to_be_in_viewport()  # it is longer than the view


def test_tab_walks_the_requests_in_the_empty_field_and_leaves_it(
    open_page: OpenPage, session: Session, alice: User, bob: User
) -> None:
    first, second = session.requests.get(), ask_in(session, "text", by=alice)
    page = open_page(bob, width=DESK)
    open_session(page, session)
    keys, field, to = page.keyboard, composer(page), page.get_by_label("Replying to")

    field.focus()
    chosen_ids = list[str]()
    for place in ("1 of 2", "2 of 2"):
        keys.press("Tab")
        expect(page.locator(".composer__count")).to_contain_text(place)
        expect(page.locator(".composer__walked")).to_contain_text(place)
        expect(field).to_be_focused()
        chosen_ids.append(to.input_value())
    assert set(chosen_ids) == {str(first.pk), str(second.pk)}
    keys.press("Shift+Tab")
    expect(to).to_have_value(chosen_ids[0])
    keys.press("Tab")
    keys.press("Tab")
    expect(to).to_have_value("")
    keys.press("Shift+Tab")
    keys.press("Tab")
    keys.press("Escape")
    keys.press("Tab")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_focused()
    keys.press("Shift+Tab")
    keys.press("Tab")
    keys.type("Let me think")
    keys.press("Tab")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_focused()
    expect(to).to_have_value(chosen_ids[0])


class InputMethod:
    """A method that writes Japanese, as Chromium hears it."""

    def __init__(self, page: Page) -> None:
        self._send = page.context.new_cdp_session(page).send

    def compose(self, text: str) -> None:
        at = {"selectionStart": len(text), "selectionEnd": len(text)}
        self._send("Input.imeSetComposition", {"text": text, **at})

    def press(self, key: str) -> None:
        """The method takes the key itself, so that it writes nothing."""
        told = {"key": key, "code": key, "windowsVirtualKeyCode": 229}
        self._send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **told})

    def commit(self, text: str) -> None:
        self._send("Input.insertText", {"text": text})


def test_what_an_input_method_composes_is_neither_sent_nor_a_command(
    open_page: OpenPage, session: Session, bob: User
) -> None:
    request, page = session.requests.get(), open_page(bob, width=DESK)
    open_session(page, session)
    field, to = composer(page), page.get_by_label("Replying to")
    keyboard = InputMethod(page)

    field.focus()
    keyboard.compose("はい")
    expect(field).to_have_value("はい")
    keyboard.press("Enter")
    expect(to).to_have_value(str(request.pk))
    expect(said(page)).to_have_count(0)
    keyboard.commit("はい")
    expect(field).to_have_value("はい")
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text(["はい"])
    expect(page.get_by_text("Your message didn't answer “Pay 31.20 €?”")).to_be_visible()
    keyboard.compose(f"{SLASH}たす")
    keyboard.press("Escape")
    expect(to).to_have_value(str(request.pk))
    keyboard.commit(f"{SLASH}stauts")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent.")
    page.get_by_role("button", name="/status").click()
    expect(page.locator("#command")).to_contain_text("Waiting for Finance")
    expect(said(page)).to_have_text(["はい"])
    request.refresh_from_db()
    assert request.is_open
