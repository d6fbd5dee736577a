"""Two people in one session: what is new, who has read it, who is mentioned, here, or typing."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from chat.models import ReadMark
from chat.services import post_message
from tests.browser.conftest import PHONE, OpenPage
from tests.conftest import create_person
from tests.processes import wait_until
from tests.talks import begin_talk

pytestmark = pytest.mark.usefixtures("running_web")


def open_live(page: Page, path: str) -> Page:
    page.goto(path)
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    return page


def write_mentions(page: Page) -> None:
    """Mention Ana María from the list over the composer, and bob by hand."""
    field = page.get_by_label("Your message")
    field.press_sequentially("Is @ana", delay=10)
    field.press("Backspace")
    people = page.get_by_role("listbox", name="People").get_by_role("option")
    expect(people).to_have_text(["@Ana María"])
    field.press("Enter")
    expect(field).to_have_value("Is @Ana María ")
    field.press_sequentially("here, @bob?", delay=10)
    field.press("Enter")


def test_two_people_see_what_is_new_who_has_read_and_who_is_mentioned(
    open_page: OpenPage, alice: User, bob: User
) -> None:
    ana = create_person("Ana María")
    session = begin_talk(alice, bob, ana, title="Parcels of March")
    other = begin_talk(alice, bob, title="Another")
    post_message(other, "Later", by=alice)
    first = post_message(session, "Hello", by=alice)
    alices, bobs = open_page(alice), open_page(bob, width=PHONE)
    open_live(bobs, "/")
    dot = bobs.locator("unread-dot")
    expect(dot).to_be_visible()
    open_live(bobs, "/chat")
    row = bobs.get_by_role("link", name="Parcels of March")
    expect(row.locator(".session-row__unread")).to_have_text("1 new message")
    # The list of an open page learns of the next one, without being loaded again.
    bobs.evaluate("window.isSamePage = true")
    open_live(alices, f"/chat/{session.pk}")
    write_mentions(alices)
    expect(alices.locator(".mention")).to_have_text(["@Ana María", "@bob"])
    expect(row.locator(".session-row__unread")).to_have_text("2 new messages, you are mentioned")
    assert bobs.evaluate("window.isSamePage")

    ReadMark.objects.filter(session=session, user=bob).update(seq=first.seq)
    row.click()
    expect(bobs.locator(".transcript__new + .message")).to_contain_text("Is @Ana María")
    expect(bobs.locator(".mention[data-is-me]")).to_have_text("@bob")
    expect(alices.locator(".message").last.locator(".message__readers")).to_have_text(
        "Read by \u2068bob\u2069"
    )
    here = alices.locator("people-here")
    expect(here).to_have_text("\u2068bob\u2069 is here")
    bobs.get_by_label("Your message").press_sequentially("Yes")
    expect(here).to_have_text("\u2068bob\u2069 is typing…")
    # The other session is still new; this one isn't.
    expect(dot).to_be_visible()
    open_live(bobs, f"/chat/{other.pk}")
    expect(dot).to_be_hidden()


def test_a_link_to_an_old_message_marks_nothing_that_was_not_seen(
    open_page: OpenPage, alice: User, bob: User
) -> None:
    session = begin_talk(alice, bob, title="Parcels of April")
    said = [post_message(session, f"Message {number}", by=alice) for number in range(130)]
    ReadMark.objects.filter(session=session, user=bob).update(seq=said[1].seq)
    bobs = open_page(bob, width=PHONE)

    def read_to() -> int:
        return ReadMark.objects.get(session=session, user=bob).seq

    # One of the newest hundred: the page follows the session, and shows its end further below.
    linked = said[60]
    open_live(bobs, f"/chat/{session.pk}?message={linked.pk}#message-{linked.pk}")
    expect(bobs.locator(f"#message-{linked.pk}")).to_be_in_viewport()
    # One before these, from which the first new one is in reach.
    old = said[25]
    bobs.goto(f"/chat/{session.pk}?message={old.pk}#message-{old.pk}")
    expect(bobs.locator(f"#message-{old.pk}")).to_be_in_viewport()
    bobs.locator(f"#message-{said[2].pk}").scroll_into_view_if_needed()
    wait_until(lambda: read_to() > said[1].seq, what="the first new one to be marked")
    assert read_to() < said[24].seq
    # At the end, all is read.
    open_live(bobs, f"/chat/{session.pk}?message={linked.pk}#message-{linked.pk}")
    bobs.locator("transcript-view").evaluate("view => { view.scrollTop = view.scrollHeight }")
    wait_until(lambda: read_to() == said[-1].seq, what="all to be marked")
