"""The cost of the pages about people and access on a site with ten thousand people."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from bench.feed import analyze
from procedures.engine.declaration.roles import ROLES
from procedures.models import Grant, Procedure
from tests.pages import browser, queries_of

FEW, MANY = 20, 10_000
GROUP, PERSON = 9_999, 99_999
"""The ids of the group and the person whose pages are opened."""
MOST_STATEMENTS = {
    "/admin/access/": 14,
    "/admin/access/question/answer/": 11,
    "/admin/access/question/see/": 12,
    "/admin/people/": 30,
    "/admin/groups/": 12,
    f"/admin/groups/{GROUP}/": 16,
    f"/admin/person/{PERSON}/": 14,
    f"/admin/person/{PERSON}/open/": 26,
    f"/admin/person/{PERSON}/sign-in/": 14,
    f"/admin/person/{PERSON}/acts/": 18,
    f"/admin/person/{PERSON}/offboard/": 18,
    "/admin/people/?q=person-0&state=invited&privilege=operator&group=team+1": 30,
}

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture(scope="module")
def admin(module_rows: None) -> User:
    """A superuser of a site with few people, who all are in some group."""
    groups = [Group.objects.create(name=f"team {number}") for number in range(20)]
    groups.append(Group.objects.create(pk=GROUP, name="team of the person"))
    User.objects.create(pk=PERSON, username="a person").groups.add(groups[-1])
    question = Procedure.objects.get(name="question")
    Grant.objects.bulk_create(
        [Grant(procedure=question, group=one, role=role) for one in groups for role in ROLES],
        ignore_conflicts=True,
    )
    hire(0, FEW)
    return User.objects.create_superuser("root")


def hire(first: int, last: int) -> None:
    groups = list(Group.objects.filter(name__startswith="team"))
    names = [f"person-{number:05}" for number in range(first, last)]
    made = User.objects.bulk_create(User(username=name) for name in names)
    rows = [
        User.groups.through(user=user, group=groups[number % len(groups)])
        for number, user in enumerate(made)
    ]
    User.groups.through.objects.bulk_create(rows)
    analyze()


def statements(client: Client) -> dict[str, int]:
    return {path: len(queries_of(client, path)) for path in MOST_STATEMENTS}


def test_no_page_takes_more_statements_for_more_people(admin: User) -> None:
    client = browser(admin)
    before = statements(client)
    hire(FEW, MANY)

    after = statements(client)

    assert {path for path in after if after[path] > before[path]} == set()
    assert {path: count for path, count in after.items() if count > MOST_STATEMENTS[path]} == {}
