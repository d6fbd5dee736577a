"""Browsers that run no script: forms post, pages come back, nothing is missing."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, OpenPage, Start
from tests.pages import ask
from tests.processes import Web, wait_until

QUESTION = "Refund 249.00 EUR for order A-2 (Mr Green)?"
ANSWERS: dict[str, Callable[[Locator], None]] = {
    "approval": lambda card: card.get_by_role("button", name="Pay 31.20 €").click(),
    "text": lambda card: give(card, "Snow white"),
    "whole": lambda card: give(card, "12"),
    "decimal": lambda card: give(card, "31.20"),
    "date": lambda card: give(card, "2026-12-24"),
    "boolean": lambda card: card.get_by_role("button", name="Yes").click(),
    "choice": lambda card: pick(card, "Bread"),
    "many": lambda card: pick(card, "a", "c"),
    "problem": lambda card: solve(card, "Called them."),
    "form": lambda card: fill_in(card, {"Amount to pay back": "31.20", "Due": "2026-12-24"}),
    "data": lambda card: change(card, '{"total": 8}'),
    "review": lambda card: edit(card, "Dear bob,\nit is lost.\n"),
}


def give(card: Locator, text: str) -> None:
    card.get_by_label("Your answer", exact=True).fill(text)
    card.get_by_role("button", name="Answer").click()


def pick(card: Locator, *labels: str) -> None:
    for label in labels:
        card.locator(".options").get_by_label(label).check()
    card.get_by_role("button", name="Answer").click()


def solve(card: Locator, text: str) -> None:
    card.get_by_label("What was done").fill(text)
    card.get_by_role("button", name="Resolve").click()


def fill_in(card: Locator, texts: dict[str, str]) -> None:
    for label, text in texts.items():
        card.get_by_label(label).fill(text)
    card.get_by_label("Sender").fill("Mrs Blum")
    card.get_by_label("Carrier").select_option("Own van")
    card.get_by_role("button", name="Answer").click()


def edit(card: Locator, text: str) -> None:
    card.get_by_label("The text").fill(text)
    card.get_by_role("button", name="Approve").click()


def change(card: Locator, data: str) -> None:
    card.get_by_label("The data").fill(data)
    card.get_by_role("button", name="Request changes").click()


def reload_until(page: Page, text: str) -> None:
    """Nobody tells a page without scripts of what is new."""

    def is_there() -> bool:
        page.reload()
        return page.get_by_text(text).count() > 0

    wait_until(is_there, timeout=30, what=f"{text!r} on {page.url}")


def test_a_refund_is_started_talked_about_and_approved(
    site: Web, open_page: OpenPage, start_refund: Start, orders: Path, alice: User, bob: User
) -> None:
    alices, bobs = open_page(alice, scripts=False), open_page(bob, scripts=False, width=PHONE)
    start_refund(alices, orders)
    expect(alices).to_have_url(re.compile("/chat/"))
    alices.get_by_label("Your message").fill("The parcel was broken.")
    alices.get_by_role("button", name="Send").click()
    expect(alices.get_by_role("log")).to_contain_text("The parcel was broken.")

    bobs.goto("/")
    reload_until(bobs, QUESTION)
    bobs.get_by_role("link", name="Chat").click()
    bobs.get_by_role("navigation", name="Sessions").get_by_role("link").first.click()
    expect(bobs.get_by_role("log")).to_contain_text(QUESTION)
    expect(bobs.get_by_role("log")).not_to_contain_text("The parcel was broken.")
    bobs.get_by_label("Your message").fill("yes")
    bobs.get_by_role("button", name="Send").click()
    expect(bobs.get_by_text(f"Send it again to answer “{QUESTION}”")).to_be_visible()
    bobs.get_by_role("button", name="Send").click()
    expect(
        bobs.get_by_text(f"Your message answered “{QUESTION}”: Refund 249.00 EUR")
    ).to_be_visible()

    reload_until(alices, "refunded: 2 (280.20 EUR)")
    expect(alices.get_by_role("article", name=QUESTION)).to_contain_text("by bob, ")


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_kind_of_question_is_answered(
    kind: str, running_web: Web, open_page: OpenPage, alice: User, bob: User
) -> None:
    request = ask(kind, by=alice)
    page = open_page(bob, scripts=False)
    page.goto("/")
    page.get_by_role("link", name=request.prompt).click()
    expect(page).to_have_url(re.compile(f"/requests/{request.pk}"))

    card = page.get_by_role("article", name=request.prompt)
    card.get_by_label("Comment").fill("As discussed.")
    ANSWERS[kind](card)

    expect(card).to_contain_text("by bob")
    expect(card).to_contain_text("As discussed.")
    assert request.responses.get().channel == "page"
