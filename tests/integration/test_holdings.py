"""Groups, permissions and roles of a user, read together by one statement."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from procedures.holdings import holdings_of, holds, permissions_of
from procedures.models import Procedure
from tests.calls import grant
from tests.pages import browser, queries_of

pytestmark = pytest.mark.django_db
OWN, SHARED = "countersign_procedures.view_run", "countersign_procedures.operate_run"


def give(holder: User | Group, name: str) -> None:
    app, code = name.split(".")
    permission = Permission.objects.get(content_type__app_label=app, codename=code)
    of = holder.user_permissions if isinstance(holder, User) else holder.permissions
    of.add(permission)


def read_again(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_permissions_are_those_that_django_finds(bob: User, finance: Group) -> None:
    give(bob, OWN)
    give(finance, SHARED)

    found = read_again(bob).get_all_permissions()

    assert permissions_of(read_again(bob)) == found == {OWN, SHARED}
    assert holds(read_again(bob), OWN)
    assert holds(read_again(bob), SHARED)
    assert not holds(read_again(bob), "countersign_procedures.add_run")


def test_who_is_not_active_holds_no_permission_and_a_superuser_every_one(
    bob: User, admin_user: User
) -> None:
    give(bob, OWN)
    User.objects.filter(pk=bob.pk).update(is_active=False)

    assert not holds(read_again(bob), OWN)
    assert permissions_of(read_again(bob)) == set()
    assert holds(admin_user, SHARED)


def test_groups_and_roles_are_those_of_the_user_only(
    bob: User, finance: Group, support: Group
) -> None:
    for group, role in ((finance, "answer"), (finance, "see"), (support, "start")):
        grant("question", group, role)
    question = Procedure.objects.get(name="question").pk

    found = holdings_of(bob)

    assert found.groups == {finance.pk: "finance"}
    assert {role for key, role in found.roles if key == question} == {"answer", "see"}
    assert question in found.procedures("see", "operate")
    assert found.procedures("operate") == set()


@pytest.mark.parametrize("path", ["/", "/inbox/", "/chat", "/runs", "/search?q=anything"])
def test_a_page_reads_the_permissions_of_its_viewer_once(
    bob: User, finance: Group, path: str
) -> None:
    grant("question", finance, "see")
    client = browser(bob)

    assert sum('"auth_permission"' in sql for sql in queries_of(client, path)) == 1
