"""Two people and a run: one starts and watches, the other answers on a phone."""

import json
import re
import shlex
import sys
from pathlib import Path

from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, OpenPage, Start
from tests.conftest import StartWeb, StartWorker
from tests.processes import Web
from tests.repositories import Checkout

QUESTION = "Refund 249.00 EUR for order A-2 (Mr Green)?"


def request(page: Page, prompt: str) -> Locator:
    return page.get_by_role("article", name=prompt)


def test_a_refund_is_started_approved_on_a_phone_and_its_result_fetched(
    site: Web, open_page: OpenPage, start_refund: Start, orders: Path, alice: User, bob: User
) -> None:
    alices, bobs = open_page(alice), open_page(bob, width=PHONE)
    bobs.goto("/")
    expect(bobs.get_by_text("Nothing waits for you.")).to_be_visible()

    start_refund(alices, orders)
    expect(alices).to_have_url(re.compile("/chat/"))
    card = request(alices, QUESTION)
    expect(card).to_contain_text("Waiting for Finance")
    alices.evaluate("window.isSamePage = true")

    asked = request(bobs, QUESTION)
    asked.get_by_label("Comment").fill("Seen the photo.")
    asked.get_by_role("button", name="Refund 249.00 EUR").click()
    expect(asked).to_contain_text("by bob")

    expect(card).to_contain_text("by bob")
    expect(card).to_contain_text("Seen the photo.")
    expect(alices.get_by_role("article", name="Refund orders", exact=True)).to_contain_text("Done")
    expect(alices.get_by_role("log")).to_contain_text("refunded: 2 (280.20 EUR)")
    file = alices.locator("#beside").get_by_role("link", name="refunds.csv")
    with alices.expect_download() as download:
        file.click()
    assert "Mr Green,249.00,EUR,broken,refunded,bob,Seen the photo." in Path(
        download.value.path()
    ).read_text(encoding="utf-8-sig")
    assert alices.evaluate("window.isSamePage")


def test_a_release_is_chosen_and_edited_in_the_chat_and_approved_on_a_phone(
    tmp_path: Path, open_page: OpenPage, web: StartWeb, worker: StartWorker, alice: User, bob: User
) -> None:
    shop = Checkout(tmp_path / "shop")
    shop.commit("Begin")
    shop.tag("v1.2.0")
    shop.commit("feat: gift cards")
    passes = shlex.join([sys.executable, "-c", "print('all 7 hold')"])
    repositories, checks = json.dumps({"shop": str(shop.path)}), json.dumps({"tests": passes})
    site = web(REPOSITORIES=repositories, CHECKS=checks)
    worker(REPOSITORIES=repositories, CHECKS=checks)
    alices, bobs = open_page(alice, web=site), open_page(bob, web=site, width=PHONE)
    bobs.goto("/")

    alices.goto("/procedures/release")
    alices.get_by_role("button", name="Start").click()
    choice = request(alices, "Which version of shop comes next?")
    alices.evaluate("window.isSamePage = true")
    choice.get_by_label("1.3.0").check()
    choice.get_by_role("button", name="Answer").click()
    review = request(alices, "Are these the release notes of shop 1.3.0?")
    text = review.get_by_label("The text")
    text.fill(f"{text.input_value()}\nThank you all.\n")
    review.get_by_role("button", name="Approve").click()
    asked = request(bobs, "Release shop 1.3.0?")
    asked.get_by_role("button", name="Release 1.3.0", exact=True).click()
    expect(asked).to_contain_text("by bob")

    expect(request(alices, "Release shop 1.3.0?")).to_contain_text("by bob")
    run = alices.get_by_role("article", name="Release a version", exact=True)
    expect(run).to_contain_text("Done")
    assert alices.evaluate("window.isSamePage")
    assert shop.tags == ["v1.2.0", "v1.3.0"]
    assert "gift cards" in shop.tag_text("v1.3.0")
    assert "Thank you all." in shop.tag_text("v1.3.0")
