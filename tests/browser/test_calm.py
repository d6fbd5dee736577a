"""What is read stays where it is while live updates arrive."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from chat.services import post_message
from tests import runs
from tests.browser.conftest import DESK, PHONE, OpenPage
from tests.pages import ask, grant_to_both
from tests.processes import Web

MOST_SHIFT = 0.02
MEASURE = """
    const shifts = [];
    const take = (entries) => {
      for (const { value, hadRecentInput, sources } of entries) {
        const moved = sources.map(({ node }) => node?.outerHTML?.slice(0, 100));
        if (!hadRecentInput) shifts.push({ value, moved });
      }
    };
    const observer = new PerformanceObserver((list) => take(list.getEntries()));
    observer.observe({ type: "layout-shift", buffered: true });
    window.readShifts = () => {
      take(observer.takeRecords());
      return shifts;
    };
"""


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_nothing_jumps_while_live_updates_arrive(
    width: int, site: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    grant_to_both("one_of_each")
    run = runs.start("one_of_each", by=alice, kind="told")
    asked = runs.wait_for_request(run)
    chat, detail, home = (
        watch(open_page(alice, width=width), address)
        for address in (f"/chat/{asked.session_id}", f"/runs/{run.pk}", "/")
    )
    bobs = watch(open_page(bob), "/")

    post_message(asked.session, "I looked at it.\n\nIt is fine.", by=bob)
    later = runs.wait_for_request(runs.start("one_of_each", by=alice, kind="approval"))
    expect(bobs.get_by_role("article", name="Pay 31.20 €?")).to_be_visible()
    runs.answer(asked, by=bob)
    runs.answer(later, by=bob)

    expect(chat.get_by_role("article", name="One of each", exact=True)).to_contain_text("Done")
    expect(detail.locator(".run-now__state")).to_contain_text("Done")
    expect(bobs.get_by_role("article", name="Pay 31.20 €?")).to_contain_text("by bob")
    for page in (chat, detail, home, bobs):
        assert_calm(page)


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("there", [0, pytest.param(1, marks=pytest.mark.soak), 3])
def test_cards_come_and_go_on_home_without_moving_anything(
    width: int, there: int, running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    earlier = [ask("told", by=alice) for _ in range(there)]
    home = watch(open_page(bob, width=width), "/")
    cards, shown = home.locator(".request"), home.locator(".request[data-status=open]")

    later = ask("approval", by=alice)
    expect(home.locator("#waiting-requests")).to_have_attribute("data-count", str(there + 1))
    news = home.get_by_role("button", name="Waiting for you")
    expect(shown.nth(there).or_(news)).to_be_visible()
    for request in earlier[:1]:
        runs.answer(request, by=bob)
        expect(cards.first).to_contain_text("by bob")
    assert_calm(home)

    if news.is_visible():
        news.click()
    expect(home.get_by_role("article", name=later.prompt)).to_be_visible()
    expect(news).to_be_hidden()


def assert_calm(page: Page) -> None:
    shifts: list[dict[str, Any]] = page.evaluate("readShifts()")
    assert sum(shift["value"] for shift in shifts) <= MOST_SHIFT, (page.url, shifts)


def watch(page: Page, address: str) -> Page:
    page.add_init_script(MEASURE)
    page.goto(address)
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    return page
