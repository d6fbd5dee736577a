"""Every page of the admin fits and violates no rule of axe: full, empty, with names of any kind."""

from collections.abc import Iterable

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect

from chat.models import HumanRequest
from procedures.models import Grant, LegalHold
from tests.admin_addresses import admin_addresses
from tests.browser.conftest import DESK, PHONE, OpenPage, Scheme
from tests.browser.test_every_page import LOOKS, narrow, sideways, violations_of
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import create_person, group
from tests.every_table import fill_tables
from tests.runs import answer

NO_PAGE = {403, 404, 405}
"""Statuses of what the site refuses even an administrator, or does only when a form is sent."""
LONG, ARABIC = "Donaudampfschifffahrtsgesellschaft" * 4, "قسم المحاسبة"
HIDDEN_COLUMNS = """() => [...document.querySelectorAll(".results")]
  .filter((list) => list.scrollWidth > list.clientWidth)
  .map((list) => `The rows are ${list.scrollWidth} px wide in ${list.clientWidth} px.`)"""
MAIN_ACTS = """() => {
  const ink = document.body.appendChild(document.createElement("hr"));
  ink.style.backgroundColor = "var(--color-ink)";
  const isMain = (one) => {
    const grounds = [one, ink].map((shown) => getComputedStyle(shown).backgroundColor);
    return one.checkVisibility() && grounds[0] === grounds[1];
  };
  const buttons = document.querySelectorAll("main :is(button, input[type=submit], a.button)");
  const found = [...buttons].filter(isMain).map((one) => one.value || one.textContent);
  ink.remove();
  return found;
}"""
SAMPLE = (
    *("", "countersign_procedures/run/", "countersign_chat/humanrequest/?q=right"),
    *("countersign_procedures/wait/", "countersign_procedures/grant/add/"),
    *("auth/user/add/", "auth/group/add/", "groups/new/"),
)
EVERY_LOOK = [
    pytest.mark.soak,
    pytest.mark.parametrize("width", [DESK, PHONE]),
    pytest.mark.parametrize("scheme", ["light", "dark"]),
]


def in_every_look(test: object) -> object:
    for mark in EVERY_LOOK:
        test = mark(test)
    return test


@pytest.fixture
def named(alice: User, bob: User) -> User:
    """Somebody with a long name, in a group with a longer one, who is asked and has answered."""
    long, arabic = group(LONG), group(ARABIC)
    somebody = create_person(LONG[:150].lower(), long, arabic)
    somebody.first_name, somebody.last_name = "محمد", LONG[:100]
    somebody.save()
    grant("question", long, "answer", "see")
    grant("question", arabic, "start", "operate")
    for name in ("question", "arabic"):
        grant(name, group("support"), "start")
    answer(request_of(run_until_it_waits("question", by=alice)), value=True, by=somebody)
    grant("arabic", long, "answer")
    run_until_it_waits("arabic", by=alice)
    return somebody


@pytest.fixture
def full(named: User, bob: User) -> HumanRequest:
    """A row in every table."""
    asked = request_of(run_until_it_waits("question", by=named))
    fill_tables(asked, named, deputy=bob)
    return asked


def addresses_about(user: User) -> list[str]:
    values = {"key": user.pk, "id": user.pk, "object_id": user.pk}
    group_id = Group.objects.get(name=LONG).pk
    return [
        *admin_addresses(
            {
                "person": values,
                "groups": {"key": group_id},
                "access": {"procedure": "question", "role": "answer"},
                "retention": {"key": LegalHold.objects.earliest("pk").pk, "name": "question"},
            }
        )
    ]


@LOOKS
def test_the_administration_has_no_grave_fault(
    width: int, scheme: Scheme, open_page: OpenPage, named: User, admin_user: User
) -> None:
    page = open_page(admin_user, width=width, scheme=scheme, bypass_csp=True)
    run = HumanRequest.objects.open()[0].wait.run_id
    rows = [
        f"countersign_procedures/run/{run}/change/",
        *(f"auth/user/{named.pk}/{view}/" for view in ("change", "delete")),
        f"person/{named.pk}/",
        f"groups/{Group.objects.get(name=LONG).pk}/",
    ]

    assert not faults_in(page, [*SAMPLE, *rows])


@in_every_look
def test_no_page_of_a_full_administration_has_a_grave_fault(
    width: int,
    scheme: Scheme,
    open_page: OpenPage,
    full: HumanRequest,
    named: User,
    admin_user: User,
) -> None:
    page = open_page(admin_user, width=width, scheme=scheme, bypass_csp=True)

    assert not faults_in(page, addresses_about(named))


@in_every_look
def test_no_page_of_an_empty_administration_has_a_grave_fault(
    width: int, scheme: Scheme, open_page: OpenPage, admin_user: User
) -> None:
    Grant.objects.all().delete()
    page = open_page(admin_user, width=width, scheme=scheme, bypass_csp=True)

    assert not faults_in(page, admin_addresses({}))


def faults_in(page: Page, paths: Iterable[str]) -> dict[str, list[str]]:
    """Return what is wrong with each of these pages of the admin that has a fault."""
    found = {path: admin_faults(page, path) for path in paths}
    return {path: faults for path, faults in found.items() if faults}


def admin_faults(page: Page, path: str) -> list[str]:
    """Nothing of what the site refuses even an administrator."""
    told = page.goto(f"/admin/{path}")
    assert told
    if told.status in NO_PAGE:
        return []
    assert told.status == 200, path
    expect(page.get_by_role("main")).to_be_visible()
    found = [*violations_of(page), *narrow(page), *sideways(page)]
    return [*found, *page.evaluate(HIDDEN_COLUMNS), *several_main_acts(page)]


def several_main_acts(page: Page) -> list[str]:
    """The main buttons of a page that has more than one, so that none of them stands out."""
    found: list[str] = page.evaluate(MAIN_ACTS)
    return found if len(found) > 1 else []
