"""Two people: a session without a run is opened, renamed and made private, and pages follow."""

from django.contrib.auth.models import User
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, OpenPage
from tests.conftest import create_person, group

LONG = "Rückerstattungen für Donaudampfschifffahrtsgesellschaftskapitäne im ersten Halbjahr"
RIGHT_TO_LEFT = "החזרים של חודש מאי"
VALUES = "all => all.map(one => one.value)"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_a_session_from_new_to_private_and_back(open_page: OpenPage, alice: User) -> None:
    bob = create_person("bob", group("support"))
    create_person("beatrice", group("support"))
    hers = open_page(alice)
    hers.goto("/chat")
    hers.get_by_role("link", name="New session").click()
    hers.get_by_label("Title").fill(RIGHT_TO_LEFT)
    hers.get_by_label("Members").press_sequentially("bob, be")
    assert hers.locator("#known-people option").evaluate_all(VALUES) == ["bob, beatrice", ""]
    hers.get_by_label("Members").fill("bob")
    hers.get_by_label("First message").fill("Shall we?")
    hers.get_by_role("button", name="Open the session").click()
    expect(hers.locator(".transcript").get_by_text("Shall we?")).to_be_visible()
    expect(hers.locator(".transcript").get_by_text("alice invited bob")).to_be_visible()

    his = open_page(bob, width=PHONE, scheme="dark")
    his.goto("/chat")
    his.locator(".session-row").click()
    expect(his.locator("#session-privacy")).to_be_hidden()
    title = his.get_by_role("heading", level=1)

    hers.get_by_role("link", name="Members and settings").click()
    hers.get_by_label("Title").fill(LONG)
    hers.get_by_role("button", name="Rename").click()
    expect(title).to_have_text(LONG)
    hers.get_by_role("button", name="Make it private").click()
    expect(his.locator("#session-privacy")).to_be_visible()
    expect(his.locator(".transcript").get_by_text("made the session private")).to_be_visible()
    assert his.evaluate(WIDER) == 0

    hers.get_by_role("button", name="Remove bob").click()
    expect(his.get_by_role("heading", name="Not found, or you don't have access")).to_be_visible()
    hers.get_by_role("link", name="Back to the session").click()
    expect(hers.locator(".transcript").get_by_text("alice removed bob")).to_be_visible()
