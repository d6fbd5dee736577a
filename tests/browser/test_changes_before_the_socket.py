"""Changes that are committed while a page, or a part of it, is on its way to the browser."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Locator, Page, Route, WebSocketRoute, expect

from chat.models import HumanRequest
from tests import runs
from tests.browser.conftest import OpenPage, first_of, hold_back, wait_with
from tests.browser.test_calm import watch
from tests.calls import grant, request_of, run_until_it_waits
from tests.pages import ask
from tests.processes import Web


class HeldSocket:
    """The socket of a page, of which the server learns only when it is released."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said = list[str | bytes]()
        self.opened = list[WebSocketRoute]()
        self.server: WebSocketRoute | None = None
        page.route_web_socket("**/live", self.take)

    def take(self, socket: WebSocketRoute) -> None:
        self.opened.append(socket)
        socket.on_message(self.hear)

    def hear(self, message: str | bytes) -> None:
        if self.server is None:
            self.said.append(message)
        else:
            self.server.send(message)

    def release(self) -> None:
        socket = wait_with(self.page, lambda: self.opened, what="a socket")[-1]
        self.server = socket.connect_to_server()
        for message in self.said:
            self.server.send(message)


@pytest.fixture
def voted(bob: User, carol: User, finance: Group) -> HumanRequest:
    """A question for two of three people, bob and carol among them."""
    grant("agreed", finance, "answer")
    carol.groups.add(finance)
    return request_of(run_until_it_waits("agreed", quorum=2))


def opened(open_page: OpenPage, person: User, *addresses: str) -> list[tuple[Page, HeldSocket]]:
    first = open_page(person)
    pages = [first, *(first.context.new_page() for _ in addresses[1:])]
    held = [HeldSocket(page) for page in pages]
    for page, address in zip(pages, addresses, strict=True):
        page.goto(address)
    return list(zip(pages, held, strict=True))


def card_in(page: Page) -> Locator:
    return page.get_by_role("article", name="Pay 31 €?").last


def test_a_vote_that_a_page_missed_while_it_loaded_is_shown(
    running_web: Web, open_page: OpenPage, bob: User, carol: User, voted: HumanRequest
) -> None:
    addresses = (
        "/",
        f"/inbox/?request={voted.pk}",
        f"/requests/{voted.pk}",
        f"/chat/{voted.session_id}",
        f"/runs/{voted.wait.run_id}",
    )
    pages = opened(open_page, bob, *addresses)
    for page, _ in pages:
        expect(card_in(page)).to_contain_text("0 of 2 votes")
    card_in(pages[0][0]).get_by_label("Comment").fill("I looked at it")

    runs.answer(voted, by=carol)
    for _, socket in pages:
        socket.release()

    for page, _ in pages:
        expect(card_in(page)).to_contain_text("1 of 2 votes")
    expect(card_in(pages[0][0]).get_by_label("Comment")).to_have_value("I looked at it")


def test_requests_runs_and_sessions_that_pages_missed_while_they_loaded_are_shown(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    pages = opened(open_page, bob, "/procedures", "/runs", "/")
    pages += opened(open_page, alice, "/chat")
    (badge, _), (runs_list, _), (home, _), (chat, _) = pages
    expect(chat.locator("[data-session]")).to_have_count(0)

    asked = ask("approval", by=alice)
    for _, socket in pages:
        socket.release()

    expect(badge.locator("#waiting-requests")).to_have_attribute("data-count", "1")
    expect(runs_list.locator("#run-news")).to_contain_text("1 new run")
    expect(home.get_by_role("article", name="Pay 31.20 €?")).to_be_visible()
    expect(chat.locator(f"[data-session='{asked.session_id}']")).to_be_visible()


HEARS = """() => {
    const hear = ({ target }) => { window.hasHeard ||= /inbox|session/.test(target.stream); };
    document.addEventListener("live", hear);
}"""


@contextmanager
def hearing(page: Page) -> Iterator[None]:
    page.evaluate(HEARS)
    yield
    page.wait_for_function("() => window.hasHeard")


@contextmanager
def on_its_way(page: Page, held: list[Route]) -> Iterator[None]:
    """Let the block run after the server's answer, and before the page receives it."""
    asked = first_of(page, held)
    response = asked.fetch()
    yield
    asked.fulfill(response=response)


def test_a_vote_that_comes_while_the_own_one_is_on_its_way_is_shown(
    running_web: Web, open_page: OpenPage, bob: User, carol: User, finance: Group
) -> None:
    grant("agreed", finance, "answer")
    carol.groups.add(finance)
    asked = request_of(run_until_it_waits("agreed", quorum=3))
    page = watch(open_page(bob), f"/chat/{asked.session_id}")
    held = hold_back(page, f"**/requests/{asked.pk}/response")

    card_in(page).get_by_role("button", name="Approve").click()
    with on_its_way(page, held), hearing(page):
        runs.answer(asked, by=carol)

    expect(card_in(page)).to_contain_text("Your vote was counted.")
    expect(card_in(page)).to_contain_text("2 of 3 votes")


def test_a_vote_that_comes_while_the_inbox_opens_a_card_is_shown(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, carol: User, voted: HumanRequest
) -> None:
    ask("approval", by=alice)
    page = watch(open_page(bob), "/inbox/")
    held = hold_back(page, f"**/inbox/requests/{voted.pk}*")

    page.locator(f"#row-{voted.pk} a").first.click()
    with on_its_way(page, held), page.expect_response("**/inbox/rows*"):
        runs.answer(voted, by=carol)

    expect(card_in(page)).to_contain_text("1 of 2 votes")
