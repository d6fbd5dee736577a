"""An administrator reads whom an act would leave without anybody to answer, and does it or not."""

from django.contrib.auth.models import Group, User
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import group

PROMPT = "Pay 31.20 €?"


def test_nothing_is_saved_before_the_warning_is_read(
    open_page: OpenPage, alice: User, bob: User, finance: Group, admin_user: User
) -> None:
    grant("question", finance, "answer")
    grant("question", group("support"), "start")
    request = request_of(run_until_it_waits("question", by=alice))
    page = open_page(admin_user)

    for leave in (True, False):
        page.goto(f"/admin/auth/user/{bob.pk}/change/")
        page.get_by_label("Active").uncheck()
        page.get_by_role("button", name="Save", exact=True).click()

        expect(page.get_by_role("heading", level=1)).to_have_text("Nothing has been saved yet")
        expect(page.get_by_role("link", name=PROMPT)).to_have_attribute(
            "href", f"/requests/{request.pk}"
        )
        bob.refresh_from_db()
        assert bob.is_active
        if leave:
            page.get_by_role("link", name="Leave everything as it is").click()
            expect(page.get_by_label("Active")).to_be_checked()

    page.get_by_role("button", name="Save anyway").click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    bob.refresh_from_db()
    assert not bob.is_active

    page.goto("/")
    stuck = page.get_by_role("region", name="Stuck")
    expect(stuck).to_contain_text("Finance can't answer any more.")
    stuck.get_by_role("link", name="Reassign it").click()
    expect(page.get_by_role("link", name=PROMPT)).to_be_visible()
