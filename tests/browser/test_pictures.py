"""Pictures of graphs and stages of runs in a real browser, on wide and narrow screens."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from chat.models import Message
from tests.browser.conftest import DESK, PHONE, OpenPage, Scheme
from tests.browser.test_every_page import faults_of, visit
from tests.calls import run_until_it_waits
from tests.pages import grant_to_both

SCROLLS = """() => {
  const frame = document.querySelector(".picture__frame");
  return frame.scrollWidth > frame.clientWidth;
}"""


@pytest.mark.parametrize(("width", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_a_picture_and_stages_fit_and_violate_no_rule_of_axe(
    width: int, scheme: Scheme, open_page: OpenPage, alice: User
) -> None:
    for name in ("returned", "planning"):
        grant_to_both(name)
    run = run_until_it_waits("returned", by=alice, order="A-7", amount=31)
    staged = run_until_it_waits("planning", by=alice)
    chat = Message.objects.get(run=staged, kind=Message.Kind.RUN).session_id
    page = open_page(alice, width=width, scheme=scheme, bypass_csp=True)  # axe needs it
    faults: dict[str, list[str]] = {}

    addresses = ("/procedures/returned", f"/runs/{run.pk}", f"/runs/{staged.pk}")
    for address in (*addresses, f"/chat/{chat}"):
        visit(page, address)
        if "returned" in address or str(run.pk) in address:
            frame = page.locator(".picture__frame")
            expect(frame).to_be_visible()
            expect(frame.locator(".picture__node")).to_have_count(7)
            if width == PHONE:
                page.wait_for_function(SCROLLS)  # once the page has its styles
        faults[address] = faults_of(page)

    assert not {address: found for address, found in faults.items() if found}
    visit(page, f"/runs/{run.pk}")
    waiting = page.locator(".picture__node[data-look=person] title")
    expect(waiting).to_have_count(1)
