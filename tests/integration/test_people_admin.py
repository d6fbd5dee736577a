"""The admin's forms for people and groups: nobody gains, and nothing old comes back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from dashboard.accounts.groups import retire_group
from dashboard.accounts.sign_in import sign_in_link
from dashboard.models import ApiToken
from procedures.models import Grant, Procedure
from tests.calls import grant
from tests.pages import Fields, browser, filled, path_in, shown

PASSWORD = "correct horse battery"


def user_page(name: str, *args: Any) -> str:
    return reverse(f"admin:auth_user_{name}", args=args)


def group_page(name: str, *args: Any) -> str:
    return reverse(f"admin:auth_group_{name}", args=args)


def grant_page(name: str, *args: Any) -> str:
    return reverse(f"admin:countersign_procedures_grant_{name}", args=args)


@pytest.fixture
def eve(clerks: Group) -> User:
    """Staff, with every right but superuser, and in a group."""
    user = User.objects.create_user("eve", password=PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    user.groups.add(clerks)
    return user


def state() -> list[Any]:
    """Every right that anybody has."""
    people = [
        (
            *(user.pk, user.username, user.password, user.is_active, user.is_staff),
            *(user.is_superuser, user.email),
            sorted(user.groups.values_list("pk", flat=True)),
            sorted(user.user_permissions.values_list("pk", flat=True)),
        )
        for user in User.objects.order_by("pk")
    ]
    groups = [
        (group.pk, group.name, sorted(group.permissions.values_list("pk", flat=True)))
        for group in Group.objects.order_by("pk")
    ]
    return [people, groups, sorted(Grant.objects.values_list("procedure", "group", "role"))]


def gains(eve: User, others: list[User], groups: list[Group]) -> list[tuple[str, Fields]]:
    """Each a form and what is written into it beyond what stands there."""
    every = list(Permission.objects.values_list("pk", flat=True))
    foreign = [group.pk for group in groups]
    told: list[tuple[str, Fields]] = []
    for user in [eve, *others]:
        path = user_page("change", user.pk)
        told += [(path, {name: "on"}) for name in ("is_staff", "is_superuser")]
        told += [(path, {"user_permissions": every}), (path, {"groups": foreign})]
        told += [(path, {"username": "taken"}), (path, {"password": "md5$a$b"})]
    for user in others:
        password = {"password1": "new horse battery", "password2": "new horse battery"}
        fields = {**password, "usable_password": "true"}
        told.append((reverse("admin:auth_user_password_change", args=[user.pk]), fields))
        told.append((user_page("delete", user.pk), {"post": "yes"}))
        chosen = {"action": "delete_selected", "_selected_action": user.pk, "post": "yes"}
        told.append((user_page("changelist"), chosen))
        told.append((group_page("change", groups[0].pk), {"name": "approvers"}))
    for group in groups:
        told.append((group_page("delete", group.pk), {"post": "yes"}))
    told += [(group_page("change", eve.groups.get().pk), {"name": "approvers"})]
    for role in ("start", "answer"):
        own = {"procedure": Procedure.objects.get(name="question").pk, "role": role}
        told.append((grant_page("add"), {**own, "group": eve.groups.get().pk}))
    for given in Grant.objects.filter(procedure__name="question", role="answer"):
        told.append((grant_page("change", given.pk), {"group": eve.groups.get().pk}))
        told.append((grant_page("delete", given.pk), {"post": "yes"}))
        chosen = {"action": "delete_selected", "_selected_action": given.pk, "post": "yes"}
        told.append((grant_page("changelist"), chosen))
    return told


def test_staff_with_every_right_but_superuser_gain_nothing(
    eve: User, admin_user: User, bob: User, dave: User, finance: Group, operators: Group
) -> None:
    User.objects.filter(pk=dave.pk).update(is_staff=True)
    grant("question", finance, "answer")
    others = list(User.objects.exclude(pk=eve.pk))
    client, before = browser(eve), state()

    for path, wanted in gains(eve, others, [finance, operators]):
        shown = client.get(path)
        has_form = shown.status_code == 200 and "adminform" in (shown.context or {})
        fields = filled(client, path) if has_form and "password" not in path else {}
        client.post(path, {**fields, **wanted})
        assert state() == before, (path, wanted)


def test_staff_without_a_permission_or_role_give_it_to_nobody(
    eve: User, clerks: Group, finance: Group
) -> None:
    lacking = Permission.objects.filter(codename__in=["operate_run", "delete_user"])
    eve.user_permissions.remove(*lacking)
    grant("question", finance, "cancel")
    question = Procedure.objects.get(name="question").pk
    client, before = browser(eve), state()
    wanted = {"permissions": [one.pk for one in lacking]}

    for group in (clerks, finance):
        path = group_page("change", group.pk)
        client.post(path, {**filled(client, path), **wanted})
    client.post(group_page("add"), {"name": "new", **wanted})
    assert state() == before
    finance.permissions.add(*lacking)  # which nobody without them takes away
    before = state()
    path = group_page("change", finance.pk)
    client.post(path, {**filled(client, path), "permissions": []})
    fields = {"procedure": question, "group": clerks.pk}
    for role in ("see", "start", "answer", "operate", "cancel"):
        client.post(grant_page("add"), {**fields, "role": role})
    for given in Grant.objects.filter(procedure=question):
        client.post(grant_page("change", given.pk), {**fields, "role": "see"})
        client.post(grant_page("delete", given.pk), {"post": "yes"})

    assert state() == before


def test_staff_may_do_what_the_form_says(eve: User, carol: User, clerks: Group) -> None:
    client, path = browser(eve), user_page("change", carol.pk)

    saved = client.post(path, {**filled(client, path), "groups": [clerks.pk], "first_name": "C"})

    carol.refresh_from_db()
    assert saved.status_code == 302
    assert (carol.first_name, list(carol.groups.all())) == ("C", [clerks])


def test_staff_give_a_group_what_they_have_and_grant_roles_they_have(
    eve: User, clerks: Group
) -> None:
    grant("question", clerks, "start")
    other = Group.objects.create(name="other")
    held = Permission.objects.get(codename="view_run")
    client, path = browser(eve), group_page("change", clerks.pk)
    role = {"procedure": Procedure.objects.get(name="question").pk, "role": "start"}

    client.post(path, {**filled(client, path), "permissions": [held.pk]})
    client.post(grant_page("add"), {**role, "group": other.pk})

    assert list(clerks.permissions.all()) == [held]
    assert Grant.objects.filter(group=other, role="start").exists()


def test_a_retired_group_is_given_no_permission(root: Client, clerks: Group) -> None:
    retire_group(clerks, by=User.objects.get(username="admin"), reason="Dissolved.")
    path, held = group_page("change", clerks.pk), Permission.objects.get(codename="view_run")

    refused = root.post(path, {**filled(root, path), "permissions": [held.pk]})

    assert "This group is retired. Put it back into use before you give" in shown(refused)
    assert not clerks.permissions.exists()


@pytest.mark.parametrize("box", ["is_active", "is_superuser"])
def test_the_last_active_superuser_is_not_unticked(
    root: Client, admin_user: User, box: str
) -> None:
    User.objects.create_superuser("gone", is_active=False)
    path = user_page("change", admin_user.pk)
    fields = filled(root, path)
    del fields[box]

    refused = root.post(path, fields)
    admin_user.refresh_from_db()
    assert "last active superuser" in refused.content.decode()
    assert admin_user.is_active
    assert admin_user.is_superuser

    User.objects.create_superuser("second")
    assert root.post(path, fields).status_code == 302


def test_all_superusers_are_not_deleted_together(root: Client, admin_user: User) -> None:
    second = User.objects.create_superuser("second")
    both = {"_selected_action": [second.pk, admin_user.pk], "post": "yes"}

    root.post(user_page("changelist"), {**both, "action": "delete_selected"})
    assert User.objects.filter(is_superuser=True).count() == 2

    root.post(user_page("delete", second.pk), {"post": "yes"})
    root.post(user_page("delete", admin_user.pk), {"post": "yes"})
    assert list(User.objects.filter(is_superuser=True)) == [admin_user]


def path_of(user: User) -> str:
    return path_in(sign_in_link(user))


def test_saving_a_form_revives_no_used_link_and_ends_no_new_one(root: Client, alice: User) -> None:
    page, used = user_page("change", alice.pk), path_of(alice)
    fields = {**filled(root, page), "last_login_0": "", "last_login_1": ""}
    assert Client().post(used).status_code == 302

    new = path_of(alice)
    assert root.post(page, fields).status_code == 302

    assert Client().post(used).status_code == 410
    assert Client().post(new).status_code == 302


def offboard(user: User, group: Group) -> None:
    user.is_active = False
    user.save()
    user.groups.remove(group)


def rename(user: User, group: Group) -> None:
    user.username = "alison"
    user.save()


def permit(user: User, group: Group) -> None:
    user.user_permissions.add(Permission.objects.get(codename="view_run"))


@pytest.mark.parametrize("change", [offboard, rename, permit])
def test_a_stale_user_form_undoes_nothing(
    root: Client, alice: User, support: Group, change: Callable[[User, Group], None]
) -> None:
    path = user_page("change", alice.pk)
    stale = filled(root, path)
    change(User.objects.get(pk=alice.pk), support)
    before = state()

    for fields in (stale, {**stale, "version": ""}):
        assert "Somebody else changed this" in root.post(path, fields).content.decode()
        assert state() == before
    assert root.post(path, filled(root, path)).status_code == 302


def test_a_stale_group_form_undoes_nothing(root: Client, support: Group) -> None:
    path, held = group_page("change", support.pk), Permission.objects.get(codename="view_run")
    support.permissions.add(held)
    stale = filled(root, path)
    support.permissions.clear()

    assert "Somebody else changed this" in root.post(path, stale).content.decode()
    assert not support.permissions.exists()


@pytest.mark.usefixtures("bob")  # somebody else who answers, so that nothing waits for alice alone
@pytest.mark.parametrize("is_noted", [True, False])
def test_who_comes_back_has_no_old_way_in(root: Client, alice: User, *, is_noted: bool) -> None:
    old, link, token = browser(alice), path_of(alice), ApiToken.create_for(alice)
    if not is_noted:
        alice.sign_ins.all().delete()
    path = user_page("change", alice.pk)

    for fields in ({"is_active": ""}, {"is_active": "on"}):
        kept = {name: value for name, value in filled(root, path).items() if name != "is_active"}
        sent = {**kept, **{name: value for name, value in fields.items() if value}}
        assert root.post(path, sent).status_code == 302

    assert User.objects.get(pk=alice.pk).is_active
    assert old.get("/").status_code == 302
    assert Client().post(link).status_code == 410
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/runs", headers=headers).status_code == 401
    assert root.get("/").status_code == 200
    assert Session.objects.count() == 1


def test_the_admin_shows_no_key_of_a_session(root: Client, alice: User) -> None:
    key = browser(alice).session.session_key
    sign_in = alice.sign_ins.get()

    paths = [
        reverse("admin:countersign_dashboard_signin_changelist"),
        reverse("admin:countersign_dashboard_signin_change", args=[sign_in.pk]),
    ]
    assert all(str(key) not in root.get(path).content.decode() for path in paths)
