"""A step's text grows on open pages and becomes a message, and nothing on them jumps."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from playwright.sync_api import Page, WebSocketRoute, expect

from chat.models import Message
from chat.models.session import record
from chat.services import post_message
from procedures.live_texts import MOST_TEXTS
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import cancel_run, start_run
from tests.browser.conftest import PHONE, OpenPage, wait_with
from tests.browser.test_calm import assert_calm, watch
from tests.calls import run_until_it_waits
from tests.pages import grant_to_both
from tests.pen import Pen
from tests.procedures.writing import author

pytestmark = pytest.mark.usefixtures("running_web")
TEXT = """# Report on the orders of the week

The week had **three** orders. שלום to all who read this in another direction, and to those who read
Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnungen.

| order | amount |
|---|---|
| 2024-1187 | 12.00 € |
| 2024-1188 | 31.20 € |

- paid <script>alert(1)</script>
- sent
"""
WITH_OTHERS = 2
"""The messages of the session once somebody else has written: the run's card, and theirs."""
PIECES = [f"{line}\n" for line in TEXT.splitlines()]


@pytest.fixture(autouse=True)
def pen() -> Iterator[None]:
    author.forget()
    author.pieces = PIECES
    yield
    author.forget()


@pytest.fixture
def run(alice: User) -> Run:
    grant_to_both("report_written_again")
    return start_run("report_written_again", {}, by=alice)[0]


class Watched:
    """The pages that look on while the step writes, at each of its pieces."""

    def __init__(self, chat: Page, page: Page) -> None:
        self.chat, self.page = chat, page
        self.written = 0

    def look(self) -> None:
        """Wait until both pages show all that was written in this attempt."""
        self.written = self.written % len(PIECES) + 1
        so_far = "".join(PIECES[: self.written]).rstrip("\n")
        for one in (self.chat, self.page):
            expect(one.locator(".writing__text")).to_have_text(so_far)

    @property
    def states(self) -> list[str]:
        return [one.locator(".writing__state").inner_text() for one in (self.chat, self.page)]


def test_a_text_grows_on_both_pages_and_becomes_one_message_in_its_place(
    open_page: OpenPage, run: Run, alice: User
) -> None:
    session = Message.objects.get(run=run).session_id
    chat = watch(open_page(alice, width=PHONE), f"/chat/{session}")
    page = watch(open_page(alice, scheme="dark"), f"/runs/{run.pk}")
    for one in (chat, page):
        expect(one.locator("html")).to_have_attribute("data-live", "live")
    watched, states = Watched(chat, page), list[list[str]]()
    author.fails_in = (1,)

    def look() -> None:
        watched.look()
        if watched.written in (1, 9):
            states.append(watched.states)

    author.between = look
    advance_run(run.pk)

    assert states[0] == states[1] == ["is writing"] * 2
    assert states[2] == ["began again (attempt 2), so the text was replaced"] * 2
    message = chat.locator(".transcript__list .message[data-wrote=write]")
    expect(message).to_have_count(1)
    expect(message.locator("table tr")).to_have_count(3)
    expect(message.locator("h1")).to_have_text("Report on the orders of the week")
    expect(message).to_contain_text("<script>alert(1)</script>")
    for one in (chat, page):
        expect(one.locator(".message--written")).to_have_count(0)
    assert_calm(chat)
    assert_calm(page)

    message.get_by_role("link", name="write").click()

    row = chat.locator("details.bars__item[open]")
    expect(row.locator(".prose h1")).to_have_text("Report on the orders of the week")


def test_a_page_that_comes_later_gets_what_was_written_before_it(
    open_page: OpenPage, run: Run, alice: User
) -> None:
    session = Message.objects.get(run=run).session_id
    chat = open_page(alice)
    author.pieces = PIECES[:3]
    visits: list[Callable[[], object]] = [
        lambda: None,
        lambda: chat.goto(f"/chat/{session}"),
        lambda: chat.goto("/chat"),
    ]
    looked: list[str] = []

    def look() -> None:
        visits.pop(0)()
        if len(visits) == 1:
            expect(chat.locator(".writing__text")).to_have_text("".join(PIECES[:2]).rstrip())
            looked.append(chat.url)

    author.between = look
    advance_run(run.pk)
    chat.go_back()

    assert looked
    expect(chat.locator(".message[data-wrote=write]")).to_have_count(1)
    expect(chat.locator(".message--written")).to_have_count(0)


def test_a_text_goes_on_after_many_others_a_lost_connection_and_a_card_drawn_again(
    open_page: OpenPage, run: Run, alice: User
) -> None:
    card = Message.objects.get(run=run)
    chat, sockets = open_page(alice), list[WebSocketRoute]()

    def connect(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    chat.route_web_socket("**/live", connect)
    chat.goto(f"/chat/{card.session_id}")
    texts = chat.locator(".writing__text")
    for number in range(MOST_TEXTS + 1):
        earlier = Pen(run, step=f"earlier {number}")
        earlier.write("Done.")
        expect(texts).to_have_count(number + 1)
        earlier.end()
    pen = Pen(run)
    pen.write("The week ")
    expect(texts.last).to_have_text(pen.text)

    wait_with(chat, lambda: sockets, what="a socket")[-1].close()
    pen.write("had three ")
    expect(texts.last).to_have_text(pen.text)

    drawn = chat.locator(f"#message-{card.pk}").evaluate_handle("card => card")
    with transaction.atomic():
        record(card.session_id, "message", card.pk)
    chat.wait_for_function("card => !card.isConnected", arg=drawn)
    pen.write("orders.")
    expect(texts.last).to_have_text(pen.text)


def test_a_text_stays_where_it_is_while_others_write(
    open_page: OpenPage, run: Run, alice: User
) -> None:
    session = Message.objects.get(run=run).session
    chat = watch(open_page(alice), f"/chat/{session.pk}")
    author.pieces = PIECES[:3]
    texts = chat.locator(".writing__text")

    def look() -> None:
        expect(texts).to_contain_text("Report on the orders")
        if session.messages.count() < WITH_OTHERS:
            post_message(session, "Thank you!", by=alice)
            expect(chat.get_by_text("Thank you!")).to_be_visible()

    author.between = look
    advance_run(run.pk)

    said = chat.locator("[data-wrote=write] ~ .message", has_text="Thank you!")
    expect(said).to_have_count(1)
    newest = session.messages.latest("seq").seq
    expect(chat.locator("read-marks")).to_have_js_property("seq", newest)
    assert_calm(chat)


def test_a_step_to_which_a_link_leads_stays_marked_when_its_row_is_drawn_again(
    open_page: OpenPage, alice: User
) -> None:
    grant_to_both("report_before_a_question")
    run = run_until_it_waits("report_before_a_question", by=alice)
    page = watch(open_page(alice), f"/runs/{run.pk}?step=write")
    marked = page.locator("details[data-marked]")
    drawn = marked.evaluate_handle("row => row")

    cancel_run(run.pk, by=alice, reason="Enough.")
    page.wait_for_function("row => !row.isConnected", arg=drawn)

    expect(marked).to_have_attribute("open", "")
    expect(marked).to_contain_text("write")
