"""Messages on a page: their marks, their links, their files, and how much of a transcript shows."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from chat.services import post_message
from tests.browser.conftest import DESK, PHONE, OpenPage
from tests.pages import ask

pytestmark = pytest.mark.usefixtures("running_web")
MARKED = """See `*.csv` and [the order](https://shop.example/1187):

1. one
2. two

| order | amount | reason |
|-------|--------|--------|
| 1187  | 12 €   | a rather long reason, which needs several lines on a phone |
"""
READ = "() => navigator.clipboard.readText()"


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_links_to_messages_requests_and_steps_are_copied_by_keyboard(
    open_page: OpenPage, alice: User, width: int
) -> None:
    request = ask("approval", by=alice)
    message = post_message(request.session, MARKED, by=alice)
    page = open_page(alice, width=width)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/chat/{request.session_id}")
    entry = page.locator(f"#message-{message.pk}")
    expect(entry.locator("li")).to_have_text(["one", "two"])

    link = entry.get_by_role("button", name="Copy link")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Link copied")).to_be_visible()
    address = page.evaluate(READ)
    assert address.endswith(f"/chat/{request.session_id}?message={message.pk}#message-{message.pk}")

    page.goto(f"/runs/{request.wait.run_id}")
    row = page.locator(".bars__item").first
    row.locator("summary").click()
    row.get_by_role("button", name="Copy link").press(" ")
    expect(page.get_by_text("Link copied")).to_be_visible()
    page.goto(page.evaluate(READ))
    expect(page.locator(".bars__item[data-marked]")).to_have_attribute("open", "")
