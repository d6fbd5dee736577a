"""Pages that lose the server for a while, and people who lose their place."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from chat.models import Session
from chat.services import post_message
from procedures.models import Run
from tests import runs
from tests.browser.conftest import PHONE, OpenPage
from tests.calls import grant
from tests.conftest import group
from tests.processes import Redis, Web

POLL = 5_000
"""Milliseconds between two polls of a page."""
TEN = [f"change {number}" for number in range(1, 11)]


class Cable:
    """A connection of a page with the site, which a test can cut and restore."""

    def __init__(self, page: Page) -> None:
        self.is_in = self.has_sockets = True
        self.sockets: list[WebSocketRoute] = []
        page.route_web_socket("**/live", self.connect)
        page.route("**/*", self.fetch)

    def connect(self, socket: WebSocketRoute) -> None:
        if self.is_in and self.has_sockets:
            socket.connect_to_server()
            self.sockets.append(socket)
        else:
            socket.close()

    def fetch(self, route: Route) -> None:
        if self.is_in:
            route.continue_()
        else:
            route.abort("internetdisconnected")

    def pull(self) -> None:
        self.is_in = False
        while self.sockets:
            self.sockets.pop().close()

    def put_back(self, *, with_sockets: bool = True) -> None:
        self.is_in, self.has_sockets = True, with_sockets


@pytest.fixture
def run(running_web: Web, alice: User, operators: object) -> Run:
    grant("two_steps", group("support"), "start")
    grant("two_steps", operators, "operate")  # type: ignore[arg-type]
    return runs.start("two_steps", by=alice)


@pytest.fixture
def session(run: Run) -> Session:
    return Session.objects.get(messages__run=run)


def shows(state: str) -> Callable[[Page], None]:
    return lambda page: expect(page.locator("html")).to_have_attribute("data-live", state)


def assert_title_has_room_on_phones(page: Page) -> None:
    size = page.viewport_size
    assert size
    page.set_viewport_size({"width": PHONE, "height": size["height"]})
    title = page.locator(".chat__talk .chat__title").bounding_box()
    assert title
    assert title["width"] > 100
    page.set_viewport_size(size)


def test_what_happened_while_the_page_was_cut_off_comes_in_order_and_once(
    session: Session, open_page: OpenPage, alice: User, redis_server: Redis
) -> None:
    page = open_page(alice)
    cable = Cable(page)
    page.goto(f"/chat/{session.pk}")
    shows("live")(page)

    cable.pull()
    shows("polling")(page)
    assert_title_has_room_on_phones(page)
    for text in TEN[:5]:
        post_message(session, text, by=alice)
    redis_server.kill()
    redis_server.start()
    for text in TEN[5:]:
        post_message(session, text, by=alice)
    expect(page.locator(".message__text")).to_have_count(0)
    cable.put_back()

    expect(page.locator(".message__text")).to_have_text(TEN)
    shows("live")(page)
    post_message(session, "after it", by=alice)
    expect(page.locator(".message__text")).to_have_text([*TEN, "after it"])


def test_a_redis_killed_between_ten_changes_is_not_noticed_by_an_open_page(
    session: Session, open_page: OpenPage, alice: User, redis_server: Redis
) -> None:
    page = open_page(alice)
    page.goto(f"/chat/{session.pk}")
    shows("live")(page)

    for text in TEN[:5]:
        post_message(session, text, by=alice)
    redis_server.kill()
    for text in TEN[5:]:
        post_message(session, text, by=alice)
    expect(page.locator(".message__text")).to_have_text(TEN)
    redis_server.start()
    post_message(session, "after it", by=alice)

    expect(page.locator(".message__text")).to_have_text([*TEN, "after it"])
    shows("live")(page)


def test_a_page_without_a_socket_polls_while_it_tries_to_reconnect(
    session: Session, open_page: OpenPage, alice: User
) -> None:
    page = open_page(alice)
    page.route_web_socket("**/live", lambda socket: socket.close())
    page.goto(f"/chat/{session.pk}")
    shows("polling")(page)

    post_message(session, "by and by", by=alice)

    expect(page.locator(".message__text")).to_have_text(["by and by"])


def test_who_leaves_the_group_sees_the_run_no_longer(
    run: Run, open_page: OpenPage, dave: User
) -> None:
    page = open_page(dave)
    page.goto(f"/runs/{run.pk}")
    shows("live")(page)

    dave.groups.clear()

    expect(page.get_by_role("heading", name="Journal")).to_have_count(0)
    expect(page.locator("body")).to_contain_text("Not found")
