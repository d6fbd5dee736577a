"""Names that code uses are not taken away before somebody has read which code it is."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.admin_acts import (
    GROUP,
    USER,
    Act,
    confirmed,
    deletion,
    deletion_in_list,
    form,
    page_of,
    state,
)
from tests.conftest import create_person, group
from tests.pages import Fields, filled, shown


def erin() -> User:
    return User.objects.get(username="erin")


NAMES: dict[str, tuple[Callable[[Client], Act], str]] = {
    "the group is renamed": (
        lambda client: form(
            client, GROUP, group("zebras").pk, lambda fields: fields.update(name="horses")
        ),
        "Requests that code assigns to this name would go to those who have the role “answer”.",
    ),
    "the group is deleted": (
        lambda _: deletion(GROUP, group("zebras").pk),
        "Requests that code assigns to this name would go to those who have the role “answer”.",
    ),
    "the groups are deleted in the list": (
        lambda _: deletion_in_list(GROUP, group("zebras").pk, group("gardeners").pk),
        "Requests that code assigns to this name would go to those who have the role “answer”.",
    ),
    "its last member is deactivated": (
        lambda client: form(client, USER, erin().pk, lambda fields: fields.pop("is_active")),
        "Nobody could answer the requests that code assigns to this name.",
    ),
    "its last member leaves": (
        lambda client: form(client, USER, erin().pk, lambda fields: fields.update(groups=[])),
        "Nobody could answer the requests that code assigns to this name.",
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_code_uses_does_not_vanish_without_a_word(root: Client, name: str) -> None:
    create_person("erin", group("zebras"))
    make, fate = NAMES[name]
    act, before = make(root), state()

    answer = root.post(act.path, act.fields)
    warned = shown(answer)

    assert state() == before
    assert "1 name in the code would no longer match anybody" in warned
    row = warned.partition("<strong>zebras</strong>")[2].partition("</li>")[0]
    assert "Used by the code of Zebra paper." in row
    assert fate in row
    assert root.post(act.path, confirmed(answer)).status_code == 302
    assert state() != before


USERS: dict[str, Callable[[Fields], Any]] = {
    "renamed": lambda fields: fields.update(username="striped_bob"),
    "deactivated": lambda fields: fields.pop("is_active"),
}


@pytest.mark.parametrize("what", USERS)
def test_a_person_whom_code_names_does_not_vanish_without_a_word(root: Client, what: str) -> None:
    bob = create_person("zebra_bob")
    act = form(root, USER, bob.pk, USERS[what])

    warned = shown(root.post(act.path, act.fields))

    row = warned.partition("<strong>@zebra_bob</strong>")[2].partition("</li>")[0]
    assert "Used by the code of Zebra paper." in row
    assert "would go to those who have the role “answer”" in row
    assert User.objects.get(username="zebra_bob").is_active


def test_a_group_that_only_roles_name_is_renamed_after_a_word(root: Client) -> None:
    path = page_of(GROUP, "change", group("stewards").pk)
    fields = {**filled(root, path), "name": "watchers"}

    warned = shown(root.post(path, fields))

    row = warned.partition("<strong>stewards</strong>")[2].partition("</li>")[0]
    assert "Used by the code of Named for stewards." in row
    assert "The roles in the code would still name the group" in row
    assert group("stewards").pk == int(path.split("/")[-3])


def test_a_group_that_nobody_names_is_renamed_without_a_word(root: Client) -> None:
    path = page_of(GROUP, "change", group("gardeners").pk)

    assert root.post(path, {**filled(root, path), "name": "florists"}).status_code == 302
    assert Group.objects.filter(name="florists").exists()
