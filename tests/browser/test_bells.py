"""Pages that are told what concerns them, and pages that are left alone."""

from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from chat.services import reassign_request
from tests import runs
from tests.browser.conftest import OpenPage
from tests.browser.test_calm import watch
from tests.calls import grant, request_of, run_until_it_waits
from tests.pages import ask
from tests.processes import Web, wait_until

QUIET = (
    "performance.getEntriesByType('resource').every(e => performance.now() - e.responseEnd > {})"
)
LONGER = 2500
"""Milliseconds without any request, in which a change would have reached the page."""


def fetched(page: Page) -> int:
    """Wait until the page fetches nothing more; return how much it has fetched."""
    wait_until(lambda: page.evaluate(QUIET.format(LONGER)), what="a page that fetches nothing")
    count: int = page.evaluate("performance.getEntriesByType('resource').length")
    return count


def test_the_menu_says_what_waits_without_a_request(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    page = watch(open_page(bob), "/procedures")
    requests, sessions = page.locator("#waiting-requests"), page.locator("#waiting-sessions")
    expect(requests).to_be_hidden()
    before = fetched(page)

    asked = [ask("told", by=alice), ask("told", by=alice)]
    expect(requests).to_have_text("2 requests are waiting for you")
    expect(sessions).to_have_text("2 sessions are waiting for you")
    runs.answer(asked[0], by=bob)
    expect(requests).to_have_text("1 request is waiting for you")
    runs.answer(asked[1], by=bob)
    expect(requests).to_be_hidden()

    assert fetched(page) == before


def test_a_page_that_a_change_does_not_concern_fetches_nothing(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, carol: User, dave: User
) -> None:
    homes = [watch(open_page(person), address) for person, address in ((bob, "/"), (carol, "/"))]
    bobs, carols = homes
    others = watch(open_page(carol), "/runs")
    before = [fetched(page) for page in (carols, others)]

    asked = ask("approval", by=alice)
    expect(bobs.locator("#waiting-requests")).to_have_attribute("data-count", "1")
    assert [fetched(page) for page in (carols, others)] == before
    reassign_request(asked.pk, to="@carol", by=dave, reason="Away.")

    expect(carols.get_by_role("article", name="Pay 31.20 €?")).to_be_visible()
    expect(others.locator("#run-news")).to_contain_text("1 new run")
    expect(bobs.locator("#waiting-requests")).to_have_attribute("data-count", "0")


def test_a_list_of_runs_reads_again_for_its_rows_and_for_newer_ones(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    shown = ask("told", by=alice)
    page = watch(open_page(bob), "/runs")
    expect(page.locator(f"#run-row-{shown.wait.run_id}")).to_be_visible()

    runs.answer(shown, by=bob)
    expect(page.locator(".run-row")).not_to_contain_text("Waiting for you")
    ask("told", by=alice)

    expect(page.locator("#run-news")).to_contain_text("1 new run")


LISTS = "/overview", "/requests/waiting", "/runs/changes", "/chat/rows"


def lists_read(page: Page) -> list[str]:
    """The lists that the page has read since it was drawn."""
    fetched(page)
    script = "performance.getEntriesByType('resource').map(e => new URL(e.name).pathname)"
    return [path for path in page.evaluate(script) if path in LISTS]


def test_pages_that_are_current_read_nothing_when_they_connect(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    asked = ask("approval", by=alice)
    pages = [watch(open_page(bob), path) for path in ("/", "/runs", f"/chat/{asked.session_id}")]
    for page in pages:
        fetched(page)  # by then the site has heard of all that was asked
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-live", "live")

    assert [lists_read(page) for page in pages] == [[], [], []]


def test_a_change_before_the_socket_is_open_reaches_the_page(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    page = open_page(bob)
    is_open = False

    def connect(socket: WebSocketRoute) -> None:
        socket.connect_to_server() if is_open else socket.close()

    page.route_web_socket("**/live", connect)
    page.route("**/live/range*", lambda route: route.abort())
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-live", "polling")
    ask("approval", by=alice)
    is_open = True

    expect(page.get_by_role("article", name="Pay 31.20 €?")).to_be_visible()
    expect(page.locator("#waiting-requests")).to_have_attribute("data-count", "1")


def test_a_list_that_could_not_be_read_is_read_later_without_a_further_change(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    page, is_lost = watch(open_page(bob), "/"), [True]

    def read(route: Route) -> None:
        if is_lost and is_lost.pop():
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/requests/waiting*", read)
    ask("moment", by=alice)

    expect(page.get_by_role("article", name="When?")).to_be_visible()
    assert not is_lost


def test_a_home_page_gets_cards_and_lists_without_a_request(
    running_web: Web, open_page: OpenPage, alice: User, bob: User, carol: User, dave: User
) -> None:
    page = watch(open_page(bob), "/")
    fetched(page)
    first, second = ask("approval", by=alice), ask("told", by=alice)
    card, other = (page.get_by_role("article", name=name) for name in ("Pay 31.20 €?", "Go?"))
    expect(card).to_be_visible()
    expect(other).to_be_visible()

    runs.answer(first, by=bob)
    reassign_request(second.pk, to="@carol", by=dave, reason="Away.")

    expect(card).to_contain_text("by bob")
    expect(page.locator(".request[data-status=lost]")).to_be_visible()
    assert lists_read(page) == []


def test_an_open_card_learns_of_a_vote_and_keeps_what_is_typed(
    running_web: Web, open_page: OpenPage, bob: User, carol: User, finance: Group
) -> None:
    grant("agreed", finance, "answer")
    carol.groups.add(finance)
    asked = request_of(run_until_it_waits("agreed", quorum=2))
    page = watch(open_page(bob), "/")
    fetched(page)  # by then it follows: a vote before that has it read its list
    card = page.get_by_role("article", name="Pay 31 €?")
    card.get_by_label("Comment").fill("I looked at it")
    expect(card).to_contain_text("0 of 2 votes")
    # Word of the grant may only come now.
    before = lists_read(page)

    runs.answer(asked, by=carol)

    expect(card).to_contain_text("1 of 2 votes")
    expect(card).to_contain_text("carol voted “Approve”.")
    expect(card.get_by_label("Comment")).to_have_value("I looked at it")
    assert lists_read(page) == before


def test_a_card_that_a_frame_brought_keeps_drafts_and_can_be_answered(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    page = watch(open_page(bob), "/")
    asked = ask("approval", by=alice)
    card = page.get_by_role("article", name="Pay 31.20 €?")
    card.get_by_label("Comment").fill("I looked at it")

    page.reload()
    expect(card.get_by_label("Comment")).to_have_value("I looked at it")
    later = ask("told", by=alice)
    other = page.get_by_role("article", name="Go?")
    other.locator(".request__toggle").click()
    other.get_by_role("button", name="Approve").click()

    expect(other).to_contain_text("by bob")
    assert [one.user for one in later.responses.all()] == [bob]
    assert not asked.responses.exists()
