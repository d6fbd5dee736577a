"""Announcements in a browser: they come and go on open pages, and everybody can use them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from chat.models import HumanRequest
from dashboard.accounts.announcing import Planned, announce, end_announcement
from dashboard.models import Announcement
from procedures.models.clock import clock
from tests.browser.conftest import DESK, PHONE, OpenPage, Scheme
from tests.browser.test_every_admin_page import admin_faults
from tests.browser.test_every_page import faults_of, sideways, visit
from tests.browser.test_keyboard import enter
from tests.pages import ask

TEXT = "The archive moves on Friday at 18:00: https://status.example.org/archive-2026"


BROKEN_OFF = """async () => {
  const real = window.fetch;
  const text = () => Promise.reject(new TypeError("broken off"));
  window.fetch = async () => ({ ok: true, redirected: false, text });
  await document.querySelector("site-notices").read();
  window.fetch = real;
}"""


def announced(by: User, text: str = TEXT, level: str = "warning") -> Announcement:
    planned = Planned(text, level, clock.now() + timedelta(days=2))
    return announce(planned, by=by, reason="Friday.")


def notices(page: Page) -> Locator:
    return page.get_by_role("region", name="Announcements").locator("[aria-live=polite]")


def test_it_comes_and_goes_on_open_pages(
    open_page: OpenPage, alice: User, admin_user: User
) -> None:
    page, admin = open_page(alice), open_page(admin_user)
    page.goto("/runs")
    admin.clock.install()
    admin.goto("/admin/")
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    page.evaluate("window.isTheSame = true")

    # An answer that breaks off is no reason to stop reading.
    admin.evaluate(BROKEN_OFF)

    first, second = announced(admin_user), announced(admin_user, "All is well.", "info")
    expect(notices(page)).to_contain_text(TEXT)
    expect(notices(page)).to_contain_text("All is well.")
    admin.clock.run_for(61_000)
    expect(notices(admin)).to_contain_text(TEXT)

    end_announcement(first, by=admin_user, reason="")
    expect(notices(page)).not_to_contain_text(TEXT)
    enter(page, notices(page).get_by_role("button", name="Dismiss this announcement"))
    expect(notices(page)).to_have_text("")
    expect(page.locator("#page")).to_be_focused()
    assert page.evaluate("window.isTheSame")
    page.reload()
    expect(notices(page)).to_have_text("")
    assert second.key in alice.preferences.dismissed


@pytest.fixture
def request_(alice: User) -> HumanRequest:
    return ask("form", by=alice)


@pytest.mark.parametrize(("width", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_pages_with_announcements_fit_and_violate_no_rule_of_axe(
    width: int,
    scheme: Scheme,
    open_page: OpenPage,
    bob: User,
    admin_user: User,
    request_: HumanRequest,
) -> None:
    announced(admin_user)
    announced(admin_user, "All is well.", "info")
    page = open_page(bob, width=width, scheme=scheme, bypass_csp=True)  # axe needs it
    faults = dict[str, list[str]]()
    for path in ("/", f"/chat/{request_.session_id}", "/inbox/?tab=groups"):
        visit(page, path)
        expect(notices(page)).to_contain_text(TEXT)
        faults[path] = faults_of(page)
    page = open_page(admin_user, width=width, scheme=scheme, bypass_csp=True)
    for path in ("", "announcements/"):
        faults[path] = [*admin_faults(page, path), *sideways(page)]
        expect(notices(page)).to_contain_text(TEXT)

    assert not {path: found for path, found in faults.items() if found}
