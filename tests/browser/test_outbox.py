"""Messages that wait for a connection: they are sent once, or kept with the reason of a refusal."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, Route, expect

from chat.models import Session
from procedures.engine.values.sizes import Sizes
from tests.browser.conftest import OpenPage, first_of
from tests.browser.test_connection import Cable
from tests.browser.test_talking import composer, open_session, said, say
from tests.pages import ask

pytestmark = pytest.mark.usefixtures("running_web")
TOO_LONG = "x" * (Sizes().message + 1)


@pytest.fixture
def session(alice: User) -> Session:
    return ask("approval", by=alice).session


def test_what_is_said_without_a_connection_waits_and_is_sent_once(
    open_page: OpenPage, session: Session, bob: User
) -> None:
    page = open_page(bob)
    cable = Cable(page)
    open_session(page, session)
    composer(page).press("Escape")

    cable.pull()
    say(page, "Is anybody there?")
    waiting = page.locator(".outbox .message")
    expect(waiting).to_contain_text(["not sent yet"])
    expect(composer(page)).to_have_value("")
    say(page, "Hello?")
    expect(waiting).to_have_count(2)
    cable.put_back()

    expect(said(page)).to_have_text(["Is anybody there?", "Hello?"])
    expect(waiting).to_have_count(0)
    page.reload()
    expect(said(page)).to_have_text(["Is anybody there?", "Hello?"])


def test_a_message_whose_answer_was_lost_is_one_message(
    open_page: OpenPage, session: Session, bob: User
) -> None:
    page = open_page(bob)
    open_session(page, session)
    composer(page).press("Escape")

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort("internetdisconnected")

    page.route("**/messages", lose_the_answer, times=1)
    say(page, "Only once")

    expect(page.locator(".outbox .message")).to_have_count(0)
    expect(said(page)).to_have_text(["Only once"])
    assert session.messages.filter(text="Only once").count() == 1


def test_a_connection_that_comes_twice_loses_no_message(
    open_page: OpenPage, session: Session, bob: User
) -> None:
    page = open_page(bob)
    waiting = unsent(page, session, "First", "Second")
    held, lost = list[Route](), list[Route]()

    def hold_the_first(route: Route) -> None:
        if "First" in (route.request.post_data or ""):
            held.append(route)
        elif lost:
            route.continue_()
        else:
            lost.append(route)
            route.abort("internetdisconnected")

    page.route("**/messages", hold_the_first)
    with page.expect_request("**/messages"):
        come_online(page)
    come_online(page)
    first_of(page, held).continue_()
    for route in held[1:]:
        route.continue_()

    expect(said(page)).to_have_text(["First", "Second"])
    expect(waiting).to_have_count(0)
    assert session.messages.filter(kind="person").count() == 2


def unsent(page: Page, session: Session, *texts: str) -> Locator:
    """Say these texts while messages can't be sent; return the messages that wait.

    Afterwards messages can be sent again, but the page hasn't noticed it yet.
    """
    open_session(page, session)
    composer(page).press("Escape")
    page.route("**/messages", lambda route: route.abort("internetdisconnected"))
    for text in texts:
        say(page, text)
    waiting = page.locator(".outbox .message")
    expect(waiting).to_have_count(len(texts))
    page.unroute("**/messages")
    return waiting


def come_online(page: Page) -> None:
    """Tell the page as browsers do; return once everything that starts at once has started."""
    page.evaluate("""() => {
        dispatchEvent(new Event("online"));
        return new Promise((done) => setTimeout(done));
    }""")


def test_what_waits_for_a_connection_is_sent_after_the_page_was_closed(
    open_page: OpenPage, session: Session, bob: User
) -> None:
    page = open_page(bob)
    open_session(page, session)
    page.route("**/messages", lambda route: route.abort("internetdisconnected"))
    say(page, "See you later")
    expect(page.locator(".outbox .message")).to_have_count(1)

    page.unroute("**/messages")
    page.goto("/")
    open_session(page, session)

    expect(said(page)).to_have_text(["See you later"])


def test_what_was_refused_after_it_had_waited_stays_with_its_reason_until_it_is_discarded(
    open_page: OpenPage, session: Session, bob: User
) -> None:
    page = open_page(bob)
    kept = unsent(page, session, TOO_LONG, "Short")
    come_online(page)

    expect(said(page)).to_have_text(["Short"])
    for _ in ("as it was refused", "after a reload"):
        expect(kept).to_have_count(1)
        expect(kept).to_contain_text("This message couldn't be sent.")
        expect(kept).to_contain_text("characters")
        expect(kept.locator(".message__text")).to_have_text(TOO_LONG)
        page.reload()
    kept.get_by_role("button", name="Discard").click()
    expect(kept).to_have_count(0)
    page.reload()
    expect(page.locator("chat-outbox")).to_be_attached()
    expect(kept).to_have_count(0)
    expect(said(page)).to_have_text(["Short"])


def test_what_waits_in_two_tabs_is_kept_for_the_next_page(
    open_page: OpenPage, session: Session, bob: User
) -> None:
    first = open_page(bob)
    second = first.context.new_page()
    first.context.route("**/messages", lambda route: route.abort("internetdisconnected"))
    for page in (first, second):
        open_session(page, session)
        composer(page).press("Escape")
    for page, text in ((first, "one"), (second, "two"), (first, "three")):
        say(page, text)
        expect(page.locator(".outbox .message").last).to_contain_text(text)
    second.close()
    first.goto("/")

    first.context.unroute("**/messages")
    open_session(first, session)

    expect(said(first)).to_have_text(["one", "two", "three"])
    expect(first.locator(".outbox .message")).to_have_count(0)
    first.reload()
    expect(first.locator(".outbox .message")).to_have_count(0)
    assert session.messages.filter(kind="person").count() == 3
