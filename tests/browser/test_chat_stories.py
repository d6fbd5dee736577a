"""The chat as people use it together: each line of what it can do, as one story of two or ten."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from chat.models import Message, ReadMark, Session
from chat.services.sessions import invite
from procedures.models import Run
from procedures.runner import advance_run
from tests.browser.conftest import DESK, PHONE, OpenPage, Scheme
from tests.browser.test_calm import assert_calm, watch
from tests.browser.test_connection import Cable
from tests.browser.test_talking import composer, said
from tests.calls import grant
from tests.conftest import create_person, group
from tests.talks import begin_talk, said_long_ago

pytestmark = pytest.mark.usefixtures("running_web")
PEOPLE = 10
LONG = 10_000
TURNS = 3
TEN_PAGES = 60_000
"""Milliseconds in which ten pages on two cores catch up with each other."""
LATE = "שלום, 31.20 € — Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen"
SEQS = "all => all.map(one => Number(one.dataset.seq))"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def session(alice: User, bob: User) -> Session:
    grant("named_refund", group("support"), "start")
    grant("named_refund", group("finance"), "answer")
    return begin_talk(alice, bob, title="Returns of May")


def enter(page: Page, text: str) -> None:
    """Send a text by keyboard alone; the field has the focus after each message."""
    expect(composer(page)).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def say(page: Page, text: str) -> None:
    composer(page).fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


def talk_at_once(pages: list[Page], cut: list[Cable], turn: int) -> None:
    """Everybody says something, some of them while they have no connection."""
    for cable in cut:
        cable.pull()
    for number, page in enumerate(pages):
        say(page, f"{number} says {turn}")
    for cable in cut:
        cable.put_back()


def readers(page: Page) -> Locator:
    return page.locator(".message__readers")


def assert_same_and_once(*pages: Page) -> None:
    """Every page shows the same messages, in order, none twice, none too wide."""
    shown = [page.locator(".transcript__list .message").evaluate_all(SEQS) for page in pages]
    for page, seqs in zip(pages, shown, strict=True):
        assert seqs == sorted(set(seqs)) == shown[0]
        assert page.evaluate(WIDER) == 0


@pytest.mark.parametrize(
    ("schemes", "his"),
    [(("light", "dark"), PHONE), pytest.param(("dark", "light"), DESK, marks=pytest.mark.soak)],
)
def test_two_people_talk_start_answer_and_find_one_of_them_by_keyboard_alone(
    schemes: tuple[Scheme, Scheme],
    his: int,
    open_page: OpenPage,
    session: Session,
    alice: User,
    bob: User,
) -> None:
    alices = open_page(alice, width=DESK, scheme=schemes[0])
    bobs = open_page(bob, width=his, scheme=schemes[1])
    cable = Cable(bobs)
    for page in (alices, bobs):
        watch(page, f"/chat/{session.pk}")

    see_each_other(alices, bobs)
    talk_across_a_cut(alices, bobs, cable)
    start_by_a_command(alices, bobs)
    advance_run(Run.objects.get().pk)
    answer_in_words(alices, bobs)
    assert Message.objects.filter(session=session, text="ok").count() == 1
    assert_same_and_once(alices, bobs)
    assert_calm(alices)
    assert_calm(bobs)
    find_by_keyboard(alices)


def see_each_other(alices: Page, bobs: Page) -> None:
    """Show each of them that the other is here, types, mentions somebody, and has read."""
    for page in (alices, bobs):
        expect(page.locator("people-here")).to_contain_text("is here")
    composer(alices).focus()
    alices.keyboard.type("Is the parcel back, @bo")
    expect(bobs.locator("people-here")).to_contain_text("is typing")
    expect(alices.locator("#mention-options [aria-selected=true]")).to_have_text("@bob")
    alices.keyboard.press("Enter")
    alices.keyboard.type("?")
    alices.keyboard.press("Enter")
    expect(bobs.locator(".mention[data-is-me]")).to_have_text("@bob")
    expect(readers(alices)).to_have_text("Read by \u2068bob\u2069")


def talk_across_a_cut(alices: Page, bobs: Page, cable: Cable) -> None:
    """Show that the messages of both, sent while he has no connection, come once, in one order."""
    cable.pull()
    expect(bobs.locator("html")).to_have_attribute("data-live", "polling")
    composer(bobs).press_sequentially(LATE)  # what moves while somebody types is no shift
    bobs.get_by_role("button", name="Send", exact=True).click()
    expect(bobs.locator(".outbox .message")).to_contain_text([LATE])
    enter(alices, "I start it.")
    expect(said(alices)).to_have_count(2)
    cable.put_back()
    expect(said(bobs)).to_contain_text(["Is the parcel", "I start it.", LATE])
    expect(bobs.locator(".outbox .message")).to_have_count(0)
    expect(bobs.get_by_text("Reconnected · new messages from others: 1")).to_be_visible()
    expect(said(alices).last).to_have_text(LATE)


def start_by_a_command(alices: Page, bobs: Page) -> None:
    """A typo is asked about; the draft is hers alone, and its run stands in both transcripts."""
    enter(alices, "/nmaed_refund 31.20")
    expect(alices.get_by_role("alert")).to_contain_text("Nothing was sent.")
    alices.keyboard.press("Control+a")
    alices.keyboard.press("Backspace")
    enter(alices, "/named_refund 31.20 B-7")
    expect(alices.get_by_label("Amount")).to_be_focused()
    expect(bobs.get_by_label("Amount")).to_have_count(0)
    alices.keyboard.press("Enter")
    for page in (alices, bobs):
        card = page.locator(".transcript__list .message[data-kind=run]")
        expect(card).to_have_count(1)
        expect(card).to_contain_text("Refund 31.20 € for B-7")


def answer_in_words(alices: Page, bobs: Page) -> None:
    """Answer in ambiguous words: they are shown first, and count when they are sent again."""
    expect(bobs.locator("#composer-strip")).to_contain_text("1 request for you")
    say(bobs, "ok")
    expect(bobs.locator(".composer__feedback")).to_contain_text("Send it again to answer")
    bobs.get_by_role("button", name="Send", exact=True).click()
    for page in (alices, bobs):
        expect(page.get_by_role("article", name="Refund 31.20 €?")).to_contain_text("by bob")


def find_by_keyboard(page: Page) -> None:
    """Find a message by a part of a word, and go to it."""
    page.keyboard.press("Control+k")
    page.keyboard.type("mützenabz")
    expect(page.locator(".palette [aria-selected=true]")).to_contain_text("Returns of May")
    page.keyboard.press("Enter")
    found = page.locator(".message:focus")
    expect(found).to_contain_text(LATE)
    expect(found).to_be_in_viewport()


@pytest.mark.soak
def test_ten_people_who_talk_at_once_see_the_same_and_who_has_read_it(
    open_page: OpenPage, session: Session, alice: User, bob: User
) -> None:
    more = [create_person(f"person-{number}") for number in range(PEOPLE - 2)]
    for person in more:
        invite(session.pk, person, by=alice)
    people, pages, cables = (alice, bob, *more), list[Page](), list[Cable]()
    for number, person in enumerate(people):
        scheme: Scheme = "dark" if number % 4 > 1 else "light"
        page = open_page(person, width=(DESK, PHONE)[number % 2], scheme=scheme)
        cables.append(Cable(page))
        pages.append(watch(page, f"/chat/{session.pk}"))

    for turn in range(TURNS):
        talk_at_once(pages, cables[turn::3], turn)

    texts = [f"{number} says {turn}" for turn in range(TURNS) for number in range(PEOPLE)]
    for page in pages:
        expect(said(page)).to_have_count(len(texts), timeout=TEN_PAGES)
        expect(page.locator(".outbox .message")).to_have_count(0)
        assert sorted(said(page).all_inner_texts()) == sorted(texts)
    last = Message.objects.filter(session=session).latest("seq")
    for page, person in zip(pages, people, strict=True):
        others = PEOPLE - (1 if person == last.author else 2)  # neither the viewer nor the author
        expect(readers(page).last).to_contain_text(f"and {others - 2} others", timeout=TEN_PAGES)
    assert_same_and_once(*pages)
    for page in pages:
        assert_calm(page)
    read_to = ReadMark.objects.filter(session=session).values_list("seq", flat=True)
    assert list(read_to) == [last.seq] * PEOPLE


@pytest.mark.soak
def test_a_session_of_ten_thousand_messages_opens_scrolls_and_is_searched(
    open_page: OpenPage, session: Session, alice: User
) -> None:
    [first, *_] = said_long_ago(session, alice, LONG)
    page = watch(open_page(alice, width=PHONE), f"/chat/{session.pk}")

    expect(said(page).last).to_have_text(f"No {LONG - 1}.")
    page.get_by_role("link", name="Earlier messages").click()
    expect(said(page)).to_have_count(200)
    page.goto("/search?q=needle")
    page.locator(".list a").first.click()

    expect(page.locator(f"#message-{first.pk}")).to_be_focused()
    expect(page.locator(f"#message-{first.pk}")).to_be_in_viewport()
    assert_same_and_once(page)
