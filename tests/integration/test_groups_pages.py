"""The pages of groups: members, roles, names in the code, and groups that are retired."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from dashboard.accounts.groups import members_of
from dashboard.models import FormerName, StandardGroup
from procedures.models import Act, Grant, Procedure
from tests.calls import grant
from tests.conftest import create_manager, create_person
from tests.pages import browser, filled, shown

REASON = "The team was merged."


def path_of(group: Group, act: str = "") -> str:
    return f"/admin/groups/{group.pk}/{act}"


def confirmed(response: Any, **fields: str) -> dict[str, str]:
    return {**dict(response.context["sent"]), **fields}


def test_the_list_and_the_page_say_what_a_group_is(root: Client, bob: User, finance: Group) -> None:
    Grant.objects.filter(group=finance).delete()
    grant("question", finance, "answer", "see")
    create_person("gone", finance)
    User.objects.filter(username="gone").update(is_active=False)

    [row] = root.get("/admin/groups/?q=finance").context["groups"]
    assert (row.members, row.roles, row.is_standard, row.is_retired) == (1, 2, False, False)
    assert row.code.in_code or row.code.in_roles
    standard = StandardGroup.objects.first()
    assert standard
    [row] = root.get(f"/admin/groups/?q={standard.group.name}").context["groups"]
    assert row.is_standard

    page = root.get(path_of(finance))
    assert {one.username for one, _may_remove in page.context["members"]} == {"bob", "gone"}
    [(title, roles)] = page.context["roles"]
    assert title == Procedure.objects.get(name="question").title
    assert [is_held for _name, is_held in roles] == [True, False, True, False, False]
    assert "Its code contains this name" in shown(page)


def test_members_are_added_and_removed_and_losses_are_shown_first(
    root: Client, bob: User, carol: User, finance: Group
) -> None:
    Grant.objects.filter(procedure__name="question").delete()
    grant("question", finance, "answer")
    fields = {"act": "remove", "user": str(bob.pk)}

    told = root.post(path_of(finance), fields)
    assert "Nobody would have the role “answer”" in shown(told)
    assert bob.groups.filter(pk=finance.pk).exists()
    root.post(path_of(finance), confirmed(told))
    assert not bob.groups.exists()

    fault = root.post(path_of(finance), {"act": "add", "user": "carol, x"})
    assert "no user with the name “x”" in shown(fault)
    assert 'value="carol, x"' in fault.content.decode()
    assert not carol.groups.exists()
    root.post(path_of(finance), {"act": "add", "user": "@carol, bob"})
    assert set(members_of(finance)) == {bob, carol}
    assert carol.groups.get() == finance
    assert Act.objects.about(carol).latest("pk").words == "Added to the group finance."


def test_staff_add_others_to_their_own_groups_only(
    bob: User, carol: User, finance: Group, support: Group
) -> None:
    by = create_manager(support)
    by.user_permissions.add(Permission.objects.get(codename="view_group"))
    client = browser(by)
    User.objects.filter(pk=bob.pk).update(is_staff=True)

    def post(group: Group, act: str, user: User) -> int:
        return client.post(path_of(group), {"act": act, "user": user.username}).status_code

    assert post(finance, "add", carol) == 403
    assert post(finance, "add", by) == 403
    refused = client.post(path_of(support), {"act": "add", "user": "carol, bob"})  # who is staff
    assert "Only a superuser can add “bob” to a group. Nobody was added." in shown(refused)
    assert not members_of(support).exclude(pk=by.pk).exists()
    assert post(support, "add", carol) == 302
    assert list(carol.groups.all()) == [support]
    rows = client.get(path_of(support)).context["members"]
    assert [one.username for one, may_remove in rows if may_remove] == ["carol"]
    for user, status in ((bob, 403), (by, 403), (carol, 302)):
        fields = {"act": "remove", "user": str(user.pk)}
        group = finance if user == bob else support
        assert client.post(path_of(group), fields).status_code == status
    for act in ("rename/", "retire/"):
        assert client.post(path_of(support, act), {"name": "x", "reason": "x"}).status_code == 404
    by.user_permissions.remove(Permission.objects.get(codename="change_user"))
    page = client.get(path_of(finance)).content.decode()
    assert bob.username in page
    assert 'value="remove"' not in page
    assert 'value="add"' not in client.get(path_of(support)).content.decode()
    by.user_permissions.remove(Permission.objects.get(codename="view_group"))
    assert client.get(path_of(support)).status_code == 403


def test_a_group_is_created_under_a_name_that_nobody_had(
    root: Client, carol: User, finance: Group
) -> None:
    FormerName.objects.create(kind="group", name="money", held_by="999")
    path = "/admin/groups/new/"

    assert "New group" in shown(root.get("/admin/groups/"))
    assert "was once called “money”" in shown(root.post(path, {"name": "money"}))
    assert "already exists" in shown(root.post(path, {"name": "finance"}))
    done = root.post(path, {"name": "claims"})

    made = Group.objects.get(name="claims")
    assert done["Location"] == path_of(made)
    entry = Act.objects.about(made).latest("pk")
    assert (entry.kind, entry.name, entry.words) == ("group", "admin", "Created the group.")
    manager = create_manager()
    manager.user_permissions.add(Permission.objects.get(codename="view_group"))
    assert "New group" not in shown(browser(manager).get("/admin/groups/"))
    assert browser(manager).post(path, {"name": "others"}).status_code == 403


def test_renaming_shows_the_code_that_names_the_group(
    root: Client, bob: User, finance: Group
) -> None:
    path = path_of(finance, "rename/")
    assert "Its code contains this name" in shown(root.get(path))
    FormerName.objects.create(kind="group", name="money", held_by="0")

    refused = root.post(path, {"name": "money", "reason": REASON})
    assert "was once called “money”" in shown(refused)
    told = root.post(path, {"name": "accounts", "reason": REASON})
    assert "would no longer match anybody" in shown(told)
    assert Group.objects.get(pk=finance.pk).name == "finance"
    root.post(path, confirmed(told))

    assert Group.objects.get(pk=finance.pk).name == "accounts"
    entry = Act.objects.about(finance).latest("pk")
    assert (entry.words, entry.reason) == ("Renamed from finance to accounts.", REASON)


def test_a_retired_group_keeps_its_name_and_nothing_else(
    root: Client, bob: User, alice: User
) -> None:
    packers = Group.objects.create(name="packers")
    packers.permissions.add(Permission.objects.get(codename="view_run"))
    bob.groups.add(packers)
    grant("question", packers, "see")
    path = path_of(packers, "retire/")

    assert root.post(path, {}).status_code == 200  # without a reason
    assert bob.groups.filter(pk=packers.pk).exists()
    told = root.get(path)
    assert root.post(path, confirmed(told, reason=REASON)).status_code == 302

    assert not bob.groups.filter(pk=packers.pk).exists()
    assert not Grant.objects.filter(group=packers).exists()
    assert not packers.permissions.exists()
    matrix = root.get("/admin/access/?group=packers").context["matrix"]
    assert not matrix.columns
    assert "Retired" in shown(root.get(path_of(packers)))
    root.post(path_of(packers), {"act": "add", "user": "alice"})
    account = f"/admin/auth/user/{alice.pk}/change/"
    sent = {**filled(root, account), "groups": [packers.pk]}
    assert "retired group" in shown(root.post(account, sent))
    question = Procedure.objects.get(name="question").pk
    given = {"procedure": question, "group": packers.pk, "role": "see"}
    refused = root.post("/admin/countersign_procedures/grant/add/", given)
    assert "This group is retired. Choose another group" in shown(refused)
    assert not User.objects.filter(groups=packers).exists()

    root.post(path, {"act": "revive"})
    root.post(path_of(packers), {"act": "add", "user": "alice"})
    assert alice.groups.filter(pk=packers.pk).exists()


def test_groups_that_every_site_has_are_not_retired(root: Client) -> None:
    standard = StandardGroup.objects.first()
    assert standard

    answer = root.post(path_of(standard.group, "retire/"), {"reason": REASON}, follow=True)

    assert "Every site has this group, so it can&#x27;t be retired." in shown(answer)


@pytest.mark.parametrize("path", ["/admin/groups/0/", "/admin/groups/0/rename/"])
def test_a_group_that_isnt_there_is_not_found(root: Client, path: str) -> None:
    assert root.get(path).status_code == 404
