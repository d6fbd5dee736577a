"""The main story with nothing but a keyboard."""

import re
from pathlib import Path

from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, OpenPage
from tests.pages import ask
from tests.processes import Web

MOST_TABS = 60
DRAW_ANEW_AT_ONCE = """() => document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.matches(".request")) queueMicrotask(() => {
    const old = document.querySelector(".request"), fresh = old.cloneNode(true);
    fresh.querySelector("[autofocus]").removeAttribute("autofocus");
    document.body.dataset.drawn = "anew";
    old.dispatchEvent(new CustomEvent("live:replace", { bubbles: true, detail: { old, fresh } }));
    old.replaceWith(fresh);
  });
})"""


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
    expect(alices.get_by_role("article", name=re.compile("^Refund 249.00 EUR"))).to_be_visible()

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


def test_a_form_with_a_mistake_first_is_filled_in_on_a_phone(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask("form", by=alice)
    page = open_page(bob, width=PHONE)
    page.goto(f"/chat/{request.session_id}")
    card = page.get_by_role("article", name=request.prompt)
    amount, note = card.get_by_label("Amount to pay back"), card.get_by_label("Note")

    typed(page, amount, "31,20")
    typed(page, card.get_by_label("Due"), "12242026")
    typed(page, card.get_by_label("Carrier"), "Own")
    typed(page, card.get_by_label("Gift wrap"), " ")
    typed(page, card.get_by_label("Sender"), "Mrs Blum")
    typed(page, note, "Ring twice.")
    page.goto(f"/requests/{request.pk}")
    expect(note).to_have_value("Ring twice.")
    enter(page, card.get_by_role("button", name="Answer"))

    expect(amount).to_be_focused()
    expect(amount).to_have_accessible_description(re.compile("must be a number like 31.20"))
    expect(amount).to_have_value("31,20")
    expect(note).to_have_value("Ring twice.")
    expect(card.get_by_label("Gift wrap")).to_be_checked()
    page.keyboard.press("Control+a")
    page.keyboard.type("31.20")
    enter(page, card.get_by_role("button", name="Answer"))

    expect(card.locator(".receipt")).to_contain_text("Answered by bob")
    expect(card.locator(".receipt")).to_be_focused()
    kept = request.responses.get().plain_value
    assert (kept["amount"], kept["due"], kept["carrier"]) == ("31.20", "2026-12-24", "own_van")
    assert (kept["extras"], kept["note"]) == (["gift_wrap"], "Ring twice.")


def test_a_receipt_that_is_drawn_anew_at_once_has_the_focus(
    running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    """The push of an answer may come on the heels of what its sender is told."""
    request = ask("approval", by=alice)
    page = open_page(bob)
    page.goto(f"/requests/{request.pk}")
    page.evaluate(DRAW_ANEW_AT_ONCE)

    enter(page, page.get_by_role("button", name="Pay 31.20 €"))

    expect(page.locator("[data-drawn] .receipt")).to_be_focused()


def typed(page: Page, target: Locator, text: str) -> None:
    tab_to(page, target)
    page.keyboard.type(text)


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
