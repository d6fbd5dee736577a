"""Talking in a session: what typing means, and what pages catch up with after a cut."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from chat.models import HumanRequest, Member, Session
from chat.services import post_message
from procedures.models.clock import clock
from tests.browser.conftest import DESK, PHONE, OpenPage, first_of, hold_back
from tests.browser.test_connection import POLL, Cable
from tests.pages import ask, ask_in

pytestmark = pytest.mark.usefixtures("running_web")
SEND_ECHO_AT_ONCE = """() => new MutationObserver((_, observer) => {
  const form = document.querySelector("#composer form");
  if (!form.elements.confirms) return;
  observer.disconnect();
  form.requestSubmit();
}).observe(document.body, { childList: true, subtree: true })"""

NOTE_READING = "() => addEventListener('htmx:afterRequest', () => { window.isRead = true; })"
NOTE_NEWEST = "() => addEventListener('live:newest', () => { window.isCaughtUp = true; })"

SCROLLED = 20
SCROLL_SESSIONS = f"""() => {{
  const list = document.getElementById("sessions");
  list.scrollTop = {SCROLLED};
  return list.scrollTop;
}}"""


@pytest.fixture
def asked(alice: User) -> HumanRequest:
    return ask("approval", by=alice)


@pytest.fixture
def session(asked: HumanRequest) -> Session:
    return asked.session


@pytest.fixture
def shared(session: Session, bob: User) -> Session:
    """Bob is a member, too, and reads what alice writes."""
    Member.join(session, bob, at=clock.now())
    return session


def composer(page: Page) -> Locator:
    return page.get_by_label("Your message")


def say(page: Page, text: str) -> None:
    composer(page).fill(text)
    page.get_by_role("button", name="Send").click()


def said(page: Page) -> Locator:
    return page.locator(".transcript__list .message[data-kind=person] .message__text")


def open_session(page: Page, session: Session) -> None:
    page.goto(f"/chat/{session.pk}")
    expect(page.locator("html")).to_have_attribute("data-live", "live")


def test_the_composer_says_what_typing_means_and_yes_answers(
    open_page: OpenPage, asked: HumanRequest, session: Session, bob: User
) -> None:
    page = open_page(bob)
    open_session(page, session)
    strip = page.locator("#composer-strip")

    expect(strip).to_contain_text("1 request for you")
    expect(page.get_by_label("Replying to")).to_have_value(str(asked.pk))
    expect(composer(page)).to_have_attribute("placeholder", "yes, no, or a message")
    composer(page).press("Escape")
    expect(page.get_by_label("Replying to")).to_have_value("")
    expect(composer(page)).to_have_attribute("placeholder", "Write a message")
    say(page, "yes")
    expect(said(page)).to_have_text(["yes"])
    asked.refresh_from_db()
    assert asked.is_open
    page.get_by_label("Replying to").select_option(str(asked.pk))
    say(page, "ok")
    expect(
        page.get_by_text("Send it again to answer “Pay 31.20 €?” with Pay 31.20 €.")
    ).to_be_visible()
    expect(composer(page)).to_have_value("ok")
    asked.refresh_from_db()
    assert asked.is_open
    composer(page).press("Enter")

    expect(page.get_by_text("Your message answered “Pay 31.20 €?”: Pay 31.20 €")).to_be_visible()
    expect(page.get_by_role("article", name="Pay 31.20 €?")).to_contain_text("by bob")
    expect(strip).to_contain_text("All members of this session can read your message")


def test_an_enter_in_the_moment_of_an_echo_is_no_reload_and_loses_nothing(
    open_page: OpenPage, asked: HumanRequest, session: Session, bob: User
) -> None:
    page = open_page(bob)
    open_session(page, session)
    page.evaluate("window.isSamePage = true")
    page.evaluate(SEND_ECHO_AT_ONCE)

    say(page, "ok")

    expect(page.get_by_text("Your message answered “Pay 31.20 €?”: Pay 31.20 €")).to_be_visible()
    assert page.evaluate("window.isSamePage")


def test_a_question_that_comes_while_somebody_types_changes_nothing_about_what_they_answer(
    open_page: OpenPage, asked: HumanRequest, session: Session, alice: User, bob: User
) -> None:
    page = open_page(bob)
    open_session(page, session)
    strips = hold_back(page, "**/replying")
    ask_in(session, "choice", by=alice)
    strip = first_of(page, strips)
    composer(page).fill("Pay 31.20 €")
    page.evaluate(NOTE_READING)
    strip.continue_()
    page.wait_for_function("() => window.isRead")

    expect(page.get_by_label("Replying to")).to_have_value(str(asked.pk))
    composer(page).press("Enter")

    expect(page.get_by_text("Your message answered “Pay 31.20 €?”: Pay 31.20 €")).to_be_visible()


def test_other_words_than_those_that_were_echoed_are_echoed_anew(
    open_page: OpenPage, asked: HumanRequest, session: Session, bob: User
) -> None:
    page = open_page(bob)
    open_session(page, session)
    told = page.locator(".composer__feedback")

    say(page, "yes")
    expect(told).to_contain_text("with Pay 31.20 €")
    composer(page).fill("no")
    expect(told).to_be_empty()
    composer(page).press("Enter")
    expect(told).to_contain_text("with Keep the money")
    composer(page).fill("not yet")
    composer(page).press("Enter")

    expect(said(page)).to_have_text(["not yet"])
    asked.refresh_from_db()
    assert asked.is_open


def test_what_is_confirmed_without_a_connection_answers_once_there_is_one(
    open_page: OpenPage, asked: HumanRequest, session: Session, bob: User
) -> None:
    page = open_page(bob)
    open_session(page, session)
    say(page, "yes")
    expect(page.locator(".composer__feedback")).to_contain_text("Send it again")

    page.route("**/messages", lambda route: route.abort("internetdisconnected"))
    composer(page).press("Enter")
    expect(page.locator(".outbox .message")).to_contain_text(["not sent yet"])
    page.unroute("**/messages")

    expect(page.get_by_text("Your message answered “Pay 31.20 €?”: Pay 31.20 €")).to_be_visible()
    expect(said(page)).to_have_text(["yes"])


@pytest.mark.parametrize("width", [1440, PHONE])
def test_several_questions_are_walked_one_by_one(
    width: int, open_page: OpenPage, asked: HumanRequest, session: Session, alice: User, bob: User
) -> None:
    other = ask_in(session, "choice", by=alice)
    page = open_page(bob, width=width)
    open_session(page, session)
    strip, walk = page.locator("#composer-strip"), page.locator(".composer__count")

    expect(page.get_by_label("Replying to")).to_have_value("")
    walk.click()
    expect(strip).to_contain_text("2 requests for you · 1 of 2")
    expect(page.get_by_role("article", name=asked.prompt)).to_be_in_viewport()
    walk.click()
    expect(strip).to_contain_text("2 requests for you · 2 of 2")
    expect(page.get_by_label("Replying to")).to_have_value(str(other.pk))
    expect(page.get_by_role("article", name=other.prompt)).to_be_in_viewport()
    say(page, "bread")

    expect(page.get_by_text("Your message answered “Which one?”: Bread")).to_be_visible()
    expect(page.get_by_label("Replying to")).to_have_value(str(asked.pk))


def test_a_line_tells_what_was_caught_up_with(
    open_page: OpenPage, shared: Session, alice: User, bob: User
) -> None:
    session, page = shared, open_page(bob)
    cable = Cable(page)
    open_session(page, session)

    cable.pull()
    expect(page.locator("html")).to_have_attribute("data-live", "polling")
    for text in ("one", "two", "three"):
        post_message(session, text, by=alice)
    cable.put_back()

    expect(said(page)).to_have_text(["one", "two", "three"])
    line = page.get_by_text("Reconnected · new messages from others: 3")
    expect(line).to_have_count(1)
    assert line.evaluate("line => line.nextElementSibling.textContent.includes('one')")
    post_message(session, "four", by=alice)
    expect(said(page)).to_have_text(["one", "two", "three", "four"])
    expect(line).to_have_count(1)


@pytest.mark.parametrize("with_sockets", [True, False])
def test_what_is_said_after_a_cut_isnt_caught_up_with(
    with_sockets: bool,  # noqa: FBT001
    open_page: OpenPage,
    shared: Session,
    alice: User,
    bob: User,
) -> None:
    page = open_page(bob)
    page.clock.install()
    cable = Cable(page)
    open_session(page, shared)

    cable.pull()
    expect(page.locator("html")).to_have_attribute("data-live", "polling")
    page.evaluate(NOTE_NEWEST)
    cable.put_back(with_sockets=with_sockets)
    page.clock.fast_forward(POLL)
    page.wait_for_function("() => window.isCaughtUp")
    post_message(shared, "later", by=alice)
    page.clock.fast_forward(POLL)

    expect(said(page)).to_have_text(["later"])
    expect(page.get_by_text("Reconnected")).to_have_count(0)


def test_a_line_tells_what_the_first_poll_after_a_cut_brought(
    open_page: OpenPage, shared: Session, alice: User, bob: User
) -> None:
    session, page = shared, open_page(bob)
    page.clock.install()
    cable = Cable(page)
    open_session(page, session)

    cable.pull()
    expect(page.locator("html")).to_have_attribute("data-live", "polling")
    post_message(session, "one", by=alice)
    cable.put_back(with_sockets=False)
    page.clock.fast_forward(POLL)

    expect(page.get_by_text("Reconnected · new messages from others: 1")).to_have_count(1)
    expect(said(page)).to_have_text(["one"])
    post_message(session, "two", by=alice)
    page.clock.fast_forward(POLL)
    expect(said(page)).to_have_text(["one", "two"])
    expect(page.get_by_text("Reconnected · new messages from others: 1")).to_have_count(1)


def test_a_list_that_is_read_again_stays_where_it_was_and_keeps_the_focus(
    open_page: OpenPage, session: Session, alice: User, bob: User
) -> None:
    other, page = ask("told", by=alice).session, open_page(bob)
    open_session(page, session)
    rows = page.locator(".session-row")
    row = page.locator(f".session-row[href*='{other.pk}']")
    expect(rows).to_have_count(2)
    page.set_viewport_size({"width": DESK, "height": 150})
    row.focus()
    assert page.evaluate(SCROLL_SESSIONS) == SCROLLED

    ask("told", by=alice)

    expect(rows).to_have_count(3)
    expect(row).to_be_focused()
    assert page.locator("#sessions").evaluate("list => list.scrollTop") == SCROLLED


def test_the_beginning_of_a_long_chat_is_read_by_keyboard(
    open_page: OpenPage, shared: Session, bob: User
) -> None:
    for number in range(101):
        post_message(shared, f"no {number}.", by=bob)
    page = open_page(bob)
    open_session(page, shared)

    page.get_by_role("link", name="Earlier messages").press("Enter")

    expect(said(page)).to_have_count(101)  # and no script has failed


def test_ones_own_message_stands_where_it_stands_for_everybody(
    open_page: OpenPage, shared: Session, alice: User, bob: User
) -> None:
    session, page = shared, open_page(bob)
    page.route_web_socket("**/live", lambda socket: socket.close())
    page.route("**/live/range*", lambda route: route.abort())
    page.goto(f"/chat/{session.pk}")
    post_message(session, "first", by=alice)

    composer(page).press("Escape")
    say(page, "second")

    expect(said(page)).to_have_text(["second"])
    page.unroute("**/live/range*")
    expect(said(page)).to_have_text(["first", "second"])
