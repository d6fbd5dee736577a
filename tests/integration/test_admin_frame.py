"""The frame of the admin's pages: the menu, the list of tables, headings and filters."""

import re

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from procedures.models import Grant, Run
from tests.calls import grant, request_of, run_until_it_waits
from tests.pages import browser, shown

HERE = re.compile(r'aria-current="(?:page|true)">([^<]+)</a>')
LINK = re.compile(r'<a class="parts__link"[^>]*>([^<]+)</a>')


def current(client: Client, path: str) -> list[str]:
    """Return the entries of the menu to which a page belongs."""
    page = client.get(f"/admin/{path}").content.decode()
    menu = page.partition('<nav class="parts"')[2].partition("</nav>")[0]
    assert "#front-internals" in menu
    assert ('id="nav-sidebar"' in page) == (not HERE.search(menu) and path != "")
    return HERE.findall(menu)


def test_the_menu_shows_where_one_is_and_the_tables_stand_beside_internals_only(
    root: Client, bob: User, finance: Group
) -> None:
    grant("question", finance, "answer")
    run = run_until_it_waits("question")
    given = Grant.objects.filter(group=finance)[0]
    places = {
        "": [],
        "countersign_procedures/event/": [],
        "people/invite/": ["People"],
        f"person/{bob.pk}/sign-in/": ["People"],
        f"auth/user/{bob.pk}/history/": ["People"],
        f"groups/{finance.pk}/": ["Groups"],
        f"auth/group/{finance.pk}/change/": ["Groups"],
        f"countersign_procedures/grant/{given.pk}/change/": ["Access"],
        "access/question/answer/": ["Access"],
        f"countersign_procedures/run/{run.pk}/change/": ["Runs"],
    }

    assert {path: current(root, path) for path in places} == places


def second_row(client: Client, path: str) -> tuple[list[str], list[str]]:
    """Return the entries of the menu's second row, and those of them in which the viewer is."""
    page = client.get(f"/admin/{path}").content.decode()
    row = page.partition('<nav class="parts parts--second"')[2].partition("</nav>")[0]
    return LINK.findall(row), HERE.findall(row)


def test_the_pages_of_a_part_are_in_a_second_row(root: Client) -> None:
    of_site = ["Settings", "Announcements", "New runs", "Retention"]

    assert second_row(root, "settings/") == (of_site, ["Settings"])
    assert second_row(root, "retention/") == (of_site, ["Retention"])
    assert second_row(root, "verification/") == (["Log", "Verification"], ["Verification"])
    assert second_row(root, "people/") == ([], [])
    assert current(root, "retention/") == ["Settings"]


def test_a_page_is_in_the_first_row_for_people_who_may_not_see_its_part(bob: User) -> None:
    bob.is_staff = True
    bob.save()
    codes = ("view_retention", "view_legalhold")
    bob.user_permissions.add(*Permission.objects.filter(codename__in=codes))
    client = browser(bob)

    first = client.get("/admin/retention/").content.decode().partition("</nav>")[0]

    assert LINK.findall(first) == ["Retention", "Internals"]
    assert second_row(client, "retention/") == ([], [])


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("countersign_procedures/run/", "Runs"),
        ("countersign_chat/humanrequest/", "Requests"),
        ("countersign_chat/notification/", "Mail"),
        ("countersign_chat/decision/", "Decisions"),
        ("countersign_chat/session/", "Chat sessions"),
        ("countersign_procedures/grant/", "Grants"),
        ("auth/user/", "Users"),
    ],
)
def test_a_list_is_named_for_its_rows(root: Client, path: str, title: str) -> None:
    assert f"<h1>{title}</h1>" in shown(root.get(f"/admin/{path}"))


def test_a_list_is_narrowed_to_a_procedure_by_a_field(root: Client, finance: Group) -> None:
    grant("question", finance, "answer")
    run = run_until_it_waits("question")
    for path in ("countersign_procedures/run/", "countersign_chat/humanrequest/"):
        for name, count in (("question", 1), ("ask", 0), ("unknown", 0)):
            page = root.get(f"/admin/{path}?procedure={name}")
            assert page.context["cl"].result_count == count
            assert f'type="text" name="procedure" value="{name}"' in shown(page)
    assert Run.objects.get() == run


def test_a_deadline_is_told_as_other_times_are(root: Client, finance: Group) -> None:
    grant("hurried", finance, "answer")
    asked = request_of(run_until_it_waits("hurried"))
    page = shown(root.get(f"/admin/countersign_chat/humanrequest/{asked.pk}/change/"))

    assert asked.wait.due_at
    assert f"{asked.wait.due_at:%-d %b %Y, %H:%M:%S}" in page
    assert f"{asked.wait.due_at:%Y-%m-%d}" not in page
