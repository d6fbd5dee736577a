"""The pages of the admin about people and access: with a keyboard alone, and for everybody."""

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Locator, Page, expect

from procedures.models import Grant
from tests.browser.conftest import DESK, PHONE, OpenPage, Scheme
from tests.browser.test_every_page import faults_of
from tests.browser.test_keyboard import enter, tab_to
from tests.calls import assign_too, grant, request_of, run_until_it_waits

REASON = "The team was merged."


def main(page: Page, path: str) -> Locator:
    """Open a page and go to its content, past the menu, as its first link does."""
    page.goto(path)
    return content(page)


def content(page: Page) -> Locator:
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    return page.get_by_role("main")


def written(page: Page, field: Locator, text: str) -> None:
    tab_to(page, field)
    page.keyboard.type(text)


def test_access_needs_no_mouse(
    open_page: OpenPage, admin_user: User, bob: User, finance: Group
) -> None:
    Grant.objects.filter(procedure__name="inbox_item").delete()
    grant("inbox_item", finance, "answer")
    page = open_page(admin_user)

    here = main(page, "/admin/access/?procedure=inbox_item&group=finance")
    tab_to(page, here.get_by_role("checkbox").first)
    page.keyboard.press("Space")
    enter(page, here.get_by_role("button", name="Review the changes"))
    expect(here).to_contain_text("Members of finance get “See”")
    written(page, here.get_by_label("Reason"), REASON)
    enter(page, here.get_by_role("button", name="Save the changes"))
    expect(page.get_by_text("The changes were saved.")).to_be_visible()
    assert set(Grant.objects.filter(group=finance).values_list("role", flat=True)) >= {
        *("see", "answer")
    }

    here = main(page, "/admin/access/?procedure=inbox_item&group=finance")
    enter(page, here.get_by_role("link", name="Answer"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Who may answer")
    enter(page, content(page).get_by_role("link", name="bob"))
    expect(here.get_by_role("row", name="member of finance").first).to_be_visible()


def test_access_shows_each_group_of_a_role_on_a_phone(
    open_page: OpenPage, admin_user: User
) -> None:
    for number in range(6):
        Group.objects.create(name=f"shift workers {number}")
    page = open_page(admin_user, width=PHONE)

    page.goto("/admin/access/?procedure=inbox_item&group=shift")

    table = page.get_by_role("region", name="Roles of groups")
    assert not table.evaluate("one => one.scrollWidth > one.clientWidth")
    ticked = table.locator("input:checked").count()
    name = table.locator("label").get_by_text("shift workers 5").last
    expect(name).to_be_visible()
    name.click()
    expect(table.locator("input:checked")).to_have_count(ticked + 1)


def test_people_need_no_mouse(
    open_page: OpenPage, admin_user: User, alice: User, bob: User, finance: Group
) -> None:
    grant("question", finance, "answer")
    assign_too(request_of(run_until_it_waits("question")), user=bob)
    page = open_page(admin_user)

    here = main(page, "/admin/people/invite/")
    written(page, here.get_by_label("Addresses"), "Ann Blum <ann@bank.example>")
    enter(page, here.get_by_role("button", name="Preview"))
    enter(page, here.get_by_role("button", name="Invite 1 person"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Invited")
    assert User.objects.filter(username="ann").exists()

    here = main(page, f"/admin/groups/{finance.pk}/")
    written(page, here.get_by_label("User name"), "alice")
    enter(page, here.get_by_role("button", name="Add"))
    expect(here.get_by_role("link", name="alice")).to_be_visible()

    here = main(page, f"/admin/person/{bob.pk}/sign-in/")
    enter(page, here.get_by_role("button", name="Create a sign-in link"))
    expect(here.get_by_role("status")).to_contain_text("/sign-in/bob/")

    here = main(page, f"/admin/person/{bob.pk}/offboard/")
    written(page, here.get_by_label("Requests that name only this person"), "finance")
    written(page, here.get_by_label("Reason"), REASON)
    enter(page, here.get_by_role("button", name="Offboard"))
    expect(here.get_by_role("status")).to_contain_text("admin ended the account of bob")
    assert not User.objects.get(pk=bob.pk).is_active


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (PHONE, "dark"),
        pytest.param(DESK, "light", marks=pytest.mark.soak),
        pytest.param(DESK, "dark", marks=pytest.mark.soak),
        pytest.param(PHONE, "light", marks=pytest.mark.soak),
    ],
)
def test_the_pages_fit_and_violate_no_rule_of_axe(
    width: int, scheme: Scheme, open_page: OpenPage, admin_user: User, bob: User, finance: Group
) -> None:
    grant("question", finance, "answer")
    assign_too(request_of(run_until_it_waits("question")), user=bob)
    page = open_page(admin_user, width=width, scheme=scheme, bypass_csp=True)  # axe needs it
    faults: dict[str, list[str]] = {}
    for path in paths(bob, finance):
        page.goto(path)
        if path.endswith("=inbox_item"):  # and the difference, after a change
            check(page, path, faults)
            page.get_by_role("checkbox").first.check()
            page.get_by_role("button", name="Review the changes").click()
        check(page, path, faults)

    assert not {path: found for path, found in faults.items() if found}


def paths(user: User, group: Group) -> list[str]:
    person = f"/admin/person/{user.pk}"
    return [
        *("/admin/access/?procedure=inbox_item", "/admin/access/question/answer/"),
        *("/admin/people/", "/admin/people/invite/"),
        *(f"{person}/{part}" for part in ("", "open/", "sign-in/", "acts/", "offboard/", "away/")),
        *("/admin/groups/", f"/admin/groups/{group.pk}/", f"/admin/groups/{group.pk}/rename/"),
    ]


def check(page: Page, path: str, faults: dict[str, list[str]]) -> None:
    expect(page.get_by_role("main")).to_be_visible()
    faults[f"{path} {page.title()}"] = faults_of(page)
