"""Lists that stay true while somebody looks at them."""

import re

from django.contrib.auth.models import User
from playwright.sync_api import expect

from chat.services import reassign_request
from procedures.engine.journal.events import RunStatus
from procedures.services import cancel_run
from tests import runs
from tests.browser.conftest import OpenPage
from tests.browser.test_calm import MOST_SHIFT, watch
from tests.pages import ask, grant_to_both
from tests.processes import Web

SOON = 8_000
"""Milliseconds, on a busy machine: a page waits ten seconds with what doesn't concern it."""


def test_the_list_of_runs_follows_in_place_and_announces_new_ones(
    site: Web, open_page: OpenPage, alice: User, bob: User, dave: User
) -> None:
    grant_to_both("one_of_each")
    first = runs.start("one_of_each", by=alice, kind="approval")
    runs.wait_for_request(first)
    page = watch(open_page(alice), "/runs")
    row = page.locator(f"#run-row-{first.pk}")
    row.focus()

    cancel_run(first.pk, by=dave, reason="Ordered twice.")
    expect(row).to_contain_text("Cancelled by dave: “Ordered twice.”", timeout=SOON)
    expect(row).to_be_focused()
    second = runs.start("one_of_each", by=alice, kind="approval")

    expect(page.locator("#run-news")).to_contain_text("1 new run · Show", timeout=SOON)
    expect(page.locator(".run-row")).to_have_count(1)
    assert sum(shift["value"] for shift in page.evaluate("readShifts()")) <= MOST_SHIFT
    page.get_by_role("link", name="show").click()
    expect(page.locator(f"#run-row-{second.pk}")).to_contain_text("Waiting for Finance")


def test_home_follows_what_runs_and_what_is_stuck(
    site: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    grant_to_both("one_of_each")
    page = watch(open_page(alice), "/")

    run = runs.start("one_of_each", by=alice, kind="told")
    runs.wait_for_request(run)
    expect(page.locator("#coming")).to_contain_text("Go?", timeout=SOON)
    failing = runs.start("one_of_each", by=alice, kind="nothing that is known")
    runs.wait_for_status(failing, RunStatus.FAILED)

    expect(page.locator("#stuck")).to_contain_text("Failed", timeout=SOON)
    assert sum(shift["value"] for shift in page.evaluate("readShifts()")) <= MOST_SHIFT


def test_a_list_without_a_socket_polls_and_says_when_it_last_heard(
    site: Web, open_page: OpenPage, alice: User, dave: User
) -> None:
    grant_to_both("one_of_each")
    run = runs.start("one_of_each", by=alice, kind="approval")
    runs.wait_for_request(run)
    page = open_page(alice)
    page.route_web_socket("**/live", lambda socket: socket.close())
    page.goto("/runs")
    mark = page.locator(".live-mark")

    expect(mark).to_contain_text("Last update")
    cancel_run(run.pk, by=dave, reason="Ordered twice.")

    expect(page.locator(".run-row")).to_contain_text("Cancelled by dave")
    expect(mark).to_contain_text(
        re.compile(r"Last update (just now|\d+ s ago), checking every 5 s")
    )


def test_a_request_given_to_others_leaves_one_home_and_comes_to_another(
    site: Web, open_page: OpenPage, alice: User, bob: User, carol: User, dave: User
) -> None:
    given = ask("approval", by=alice)
    bobs, carols = watch(open_page(bob), "/"), watch(open_page(carol), "/")
    bobs.get_by_label("Comment").fill("I wonder")

    reassign_request(given.pk, to="@carol", by=dave, reason="Away.")

    expect(carols.get_by_role("article", name="Pay 31.20 €?")).to_be_visible(timeout=SOON)
    expect(carols.locator("#waiting-requests")).to_have_attribute("data-count", "1", timeout=SOON)
    expect(bobs.locator(".request")).to_contain_text(
        "This request isn't waiting for you any more.", timeout=SOON
    )
    expect(bobs.locator(".kept-words")).to_contain_text("I wonder")
    expect(bobs.locator("#waiting-requests")).to_have_attribute("data-count", "0", timeout=SOON)


def test_who_is_asked_now_gets_the_form_on_the_page_that_is_open(
    site: Web, open_page: OpenPage, alice: User, bob: User, dave: User
) -> None:
    given = ask("approval", by=alice)
    page = watch(open_page(alice), f"/chat/{given.session_id}")
    expect(page.get_by_text("This request isn't assigned to you.")).to_be_visible()

    reassign_request(given.pk, to="@alice", by=dave, reason="Away.")

    expect(page.get_by_role("button", name="Pay 31.20 €")).to_be_visible(timeout=SOON)
    expect(page.locator(".request")).to_contain_text("Waiting for alice")


def test_every_live_page_says_that_it_is(
    open_page: OpenPage, running_web: Web, alice: User, bob: User
) -> None:
    asked = ask("told", by=alice)
    page = open_page(alice)

    lists = ("/", "/runs", "/chat")
    single = (f"/runs/{asked.wait.run_id}", f"/chat/{asked.session_id}", f"/requests/{asked.pk}")
    for address in lists + single:
        page.goto(address)
        expect(page.locator(".live-mark")).to_have_text(re.compile("Live"))
        expect(page.locator(".live-mark")).to_be_visible()
