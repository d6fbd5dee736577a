"""An auditor says who approved an order, when, by what right, on what grounds, and prints it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from chat.models import HumanResponse
from dashboard.demo.runs import Past, live_through
from dashboard.models import StandardGroup
from tests.browser.conftest import OpenPage
from tests.browser.hands import Hands, Keys
from tests.calls import grant
from tests.conftest import create_person, group

MOST_CLICKS = 3
MOST_PAGES = 2
SHEET = re.compile(rb"/Type\s*/Page\b")


@pytest.fixture
def auditor(db: None) -> User:
    """Staff whose only rights are those of the auditors of every site."""
    user = create_person("dora", StandardGroup.objects.get(kind="auditors").group)
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    return user


@pytest.fixture
def answers(alice: User, bob: User) -> list[HumanResponse]:
    """Five orders that bob decided about two days ago, among them 9350."""
    grant("refund", group("support"), "start")
    grant("refund", group("finance"), "answer")
    past = Past("audited", timedelta(days=2), answers=(True, True, True, False, True))
    live_through(past, starter=alice, approver=bob)
    return list(HumanResponse.objects.all())


@pytest.mark.parametrize("kind", [Keys, pytest.param(Hands, marks=pytest.mark.soak)])
def test_an_auditor_finds_and_prints_a_decision(
    kind: type[Hands],
    open_page: OpenPage,
    answers: list[HumanResponse],
    auditor: User,
    tell: Callable[[str], None],
) -> None:
    page = open_page(auditor)
    page.goto("/admin/")
    hands = kind(page)

    hands.use(page.get_by_role("link", name="Decisions", exact=True).first)
    hands.write(page.get_by_label("Find"), "9350")
    hands.send()
    [answer] = [one for one in answers if "9350" in one.request.prompt]
    expect(page.get_by_text("1 result")).to_be_visible()
    hands.use(page.get_by_role("main").get_by_role("link", name=f"{answer.at:%Y}"))

    expect(page.get_by_role("heading", level=1)).to_have_text("Certificate of a decision")
    facts = page.get_by_role("main")
    expect(facts).to_contain_text(re.compile(r"Who\s*\W*bob\W* \(id"))
    expect(facts).to_contain_text(f"{answer.at:%H:%M:%S} UTC")
    expect(facts).to_contain_text(re.compile(r"Right to answer\s*\W*member of finance"))
    expect(facts).to_contain_text(re.compile(r"Order\s*9350\s*Customer"))
    expect(facts).to_contain_text("the answer is unchanged")
    assert hands.clicks <= MOST_CLICKS
    hands.since_then("who approved order 9350")
    hands.tell(tell)
    assert sheets(page) <= MOST_PAGES
    page.emulate_media(media="print")
    for role in ("banner", "navigation", "button"):
        expect(page.get_by_role(role)).to_have_count(0)
    assert ground(page, "dark") == ground(page, "light"), "paper is light"


def ground(page: Page, scheme: Literal["light", "dark"]) -> object:
    """Return the printed page's colour for a person who prefers this colour scheme."""
    page.emulate_media(media="print", color_scheme=scheme)
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def sheets(page: Page) -> int:
    """Return the number of sheets of paper on which the browser prints the page."""
    return len(SHEET.findall(page.pdf(format="A4")))
