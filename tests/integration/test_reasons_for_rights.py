"""Lists of a person's rights and of a right's holders agree with the rule, and give reasons."""

import random

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from dashboard.accounts.rights import held_roles, role_holders, roles_that_give, with_reasons
from procedures import access
from procedures.engine.declaration.roles import ROLES
from procedures.models import Grant, Procedure
from tests.calls import grant
from tests.conftest import create_person
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[User]:
    """People made by chance: in groups with roles, superusers, holders of the permission, gone."""
    draw = random.Random(7)  # noqa: S311 (no secret is drawn)
    operate = Permission.objects.get(codename="operate_run")
    groups = [Group.objects.create(name=f"group {number}") for number in range(5)]
    groups[4].permissions.add(operate)
    for procedure in Procedure.objects.all()[:3]:
        for group in groups:
            roles = [role for role in ROLES if draw.random() < 0.2]
            grant(procedure.name, group, *roles)
    found = []
    for number in range(14):
        person = create_person(f"p{number:02}", *draw.sample(groups, draw.randrange(3)))
        person.is_superuser, person.is_active = number % 6 == 0, number % 7 != 3
        person.save()
        if number % 5 == 4:
            person.user_permissions.add(operate)
        found.append(User.objects.get(pk=person.pk))
    return found


def test_both_say_what_the_rule_says(people: list[User]) -> None:
    procedures = list(Procedure.objects.all()[:3])
    held = {one: held_roles(one, procedures) for one in people}
    for procedure in procedures:
        for place, role in enumerate(ROLES):
            here = access.procedures_for
            expected = {
                one
                for one in people
                if one.is_active
                and here(one, *roles_that_give(role)).filter(pk=procedure.pk).exists()
            }
            by_person = {one: held[one][procedure.pk][place] for one in people if one.is_active}
            told = with_reasons(procedure, role, list(by_person))
            assert set(role_holders(procedure, role).filter(username__startswith="p")) == expected
            assert {one for one, found in by_person.items() if found.reasons} == expected
            assert [one.reasons for one in told] == [one.reasons for one in by_person.values()]


def test_pages_say_who_may_what_and_why(
    root: Client, bob: User, dave: User, finance: Group, operators: Group
) -> None:
    Grant.objects.filter(procedure__name="question").delete()
    grant("question", finance, "answer")
    grant("question", operators, "operate")
    dave.user_permissions.add(Permission.objects.get(codename="operate_run"))

    answerers = shown(root.get("/admin/access/question/answer/"))
    assert "Who may answer" in answerers
    assert "member of finance" in answerers
    assert "superuser" in answerers
    assert ">dave<" not in answerers

    seers = shown(root.get("/admin/access/question/see/"))
    assert "may operate all runs" in seers
    assert "member of operators, which operates it" in seers
    assert ">bob<" not in seers

    bobs = shown(root.get(f"/admin/person/{bob.pk}/"))
    assert "member of finance" in bobs
    assert shown(root.get(f"/admin/person/{dave.pk}/")).count("may operate all runs") >= 3


def test_whoever_left_is_said_to_have_left(root: Client, bob: User) -> None:
    bob.is_active = False
    bob.save()

    assert "This account isn't active" in shown(root.get(f"/admin/person/{bob.pk}/"))


def test_only_staff_with_the_permissions_read_it(bob: User, root: Client) -> None:
    paths = ["/admin/access/question/answer/", f"/admin/person/{bob.pk}/"]
    eve = User.objects.create_user("eve", is_staff=True)

    assert {browser(eve).get(path).status_code for path in paths} == {403}
    assert {browser(bob).get(path).status_code for path in paths} == {302}

    view = ("view_user", "view_grant")
    eve.user_permissions.set(Permission.objects.filter(codename__in=view))
    assert {browser(eve).get(path).status_code for path in paths} == {200}
    for path in ("/admin/access/question/rule/", "/admin/access/none/see/", "/admin/person/x/"):
        assert root.get(path).status_code == 404
