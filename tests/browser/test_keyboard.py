"""The main story with nothing but a keyboard."""

import re
from pathlib import Path

from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.processes import Web

MOST_TABS = 60


def test_a_refund_from_start_to_result_needs_no_mouse(
    site: Web, open_page: OpenPage, orders: Path, alice: User, bob: User
) -> None:
    alices, bobs = open_page(alice), open_page(bob)
    alices.goto("/")
    enter(alices, alices.get_by_role("link", name="Procedures", exact=True))
    enter(alices, alices.get_by_role("link", name="Refund orders"))
    tab_to(alices, alices.get_by_label("Orders"))
    with alices.expect_file_chooser() as chooser:
        alices.keyboard.press("Space")
    chooser.value.set_files(orders)
    enter(alices, alices.get_by_role("button", name="Start"))
    expect(alices).to_have_url(re.compile("/chat/"))

    bobs.goto("/")
    tab_to(bobs, bobs.get_by_label("Comment"))
    bobs.keyboard.type("Seen the photo.")
    enter(bobs, bobs.get_by_role("button", name="Refund 249.00 EUR"))
    receipt = bobs.locator(".receipt")
    expect(receipt).to_contain_text("by bob")
    expect(receipt).to_be_focused()

    file = alices.locator("#beside").get_by_role("link", name="refunds.csv")
    tab_to(alices, file)
    with alices.expect_download() as download:
        alices.keyboard.press("Enter")
    assert download.value.suggested_filename == "refunds.csv"


def enter(page: Page, target: Locator) -> None:
    tab_to(page, target)
    page.keyboard.press("Enter")


def tab_to(page: Page, target: Locator) -> None:
    expect(target).to_be_visible()
    for _ in range(MOST_TABS):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{MOST_TABS} times Tab do not reach {target}.")
