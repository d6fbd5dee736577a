"""Two people and a run: one starts and watches, the other answers on a phone."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from dashboard.environment.variables import CHECKOUT
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
    expect(bobs.get_by_text("Nothing is waiting for you.")).to_be_visible()

    start_refund(alices, orders)
    expect(alices).to_have_url(re.compile("/chat/"))
    card = request(alices, QUESTION)
    expect(card).to_contain_text("Waiting for Finance")
    alices.evaluate("window.isSamePage = true")

    bobs.get_by_role("button", name="Waiting for you: 1").click()
    asked = request(bobs, QUESTION)
    asked.get_by_label("Comment").fill("Seen the photo.")
    asked.get_by_role("button", name="Refund 249.00 EUR").click()
    expect(asked).to_contain_text("by bob")

    expect(card).to_contain_text("by bob")
    expect(card).to_contain_text("Seen the photo.")
    expect(
        alices.get_by_role("article", name=re.compile("^Refund the orders of")).first
    ).to_contain_text("Done")
    expect(alices.get_by_role("log")).to_contain_text("refunded: 2 (280.20 EUR)")
    file = alices.locator("#beside").get_by_role("link", name="refunds.csv")
    with alices.expect_download() as download:
        file.click()
    assert "Mr Green,249.00,EUR,broken,refunded,bob,Seen the photo." in Path(
        download.value.path()
    ).read_text(encoding="utf-8-sig")
    assert alices.evaluate("window.isSamePage")


@pytest.fixture
def ours(tmp_path: Path) -> Checkout:
    """A clone of the repository these tests lie in, with a release and a feature since."""
    if not (CHECKOUT / ".git").exists():
        pytest.skip(f"{CHECKOUT} is no git repository: there is no history to release.")
    clone = Checkout(tmp_path / "countersign", source=CHECKOUT)
    clone.tag("v0.1.0", commit=clone.first_commit)
    clone.commit("feat: show a release of this repository")
    return clone


def test_this_repository_is_released_by_two_people_one_of_them_on_a_phone(
    ours: Checkout, open_page: OpenPage, web: StartWeb, worker: StartWorker, alice: User, bob: User
) -> None:
    head = ours.git("rev-parse", "HEAD")
    repositories, checks = may_be_released(ours)
    site = web(REPOSITORIES=repositories, CHECKS=checks)
    worker(REPOSITORIES=repositories, CHECKS=checks)
    alices, bobs = open_page(alice, web=site), open_page(bob, web=site, width=PHONE)
    bobs.goto("/")

    alices.goto("/procedures/release")
    alices.get_by_role("button", name="Start").click()
    expect(alices).to_have_url(re.compile("/chat/"))
    alices.evaluate("window.isSamePage = true")
    choose_and_edit(alices)
    watched = request(alices, "Release ours 0.2.0?")
    expect(watched).to_contain_text("Waiting for Finance")
    bobs.get_by_role("button", name="Waiting for you: 1").click()
    asked = request(bobs, "Release ours 0.2.0?")
    asked.get_by_role("button", name="Release 0.2.0", exact=True).click()
    expect(asked).to_contain_text("by bob")

    expect(watched).to_contain_text("by bob")
    run = alices.get_by_role("article", name=re.compile("^Release a version of")).first
    expect(run).to_contain_text("Done")
    expect(alices.get_by_role("log")).to_contain_text("the tag v0.2.0 is on")
    assert alices.evaluate("window.isSamePage")
    assert ours.tags == ["v0.1.0", "v0.2.0"]
    assert ours.git("rev-parse", "v0.2.0^{commit}") == head
    assert "show a release of this repository" in ours.tag_text("v0.2.0")
    assert "Thank you all." in ours.tag_text("v0.2.0")


def may_be_released(checkout: Checkout) -> tuple[str, str]:
    """The settings with which a site allows it; the check needs a file of the commit."""
    reads = shlex.join([sys.executable, "-c", "print(open('README.md').readline())"])
    return json.dumps({"ours": str(checkout.path)}), json.dumps({"reads": reads})


def choose_and_edit(page: Page) -> None:
    """Choose and edit in the chat, as the person who has started the run."""
    choice = request(page, "Which version of ours comes next?")
    choice.get_by_label("0.2.0").check(timeout=60_000)  # git reads the whole history first
    choice.get_by_role("button", name="Answer").click()
    expect(choice).to_contain_text("by alice")
    review = request(page, "Are these the release notes of ours 0.2.0?")
    text = review.get_by_label("The text")
    text.fill(f"{text.input_value()}\nThank you all.\n")
    review.get_by_role("button", name="Approve").click()
    expect(review).to_contain_text("by alice")
