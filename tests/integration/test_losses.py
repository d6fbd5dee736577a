"""An act in the admin that leaves nobody to answer shows what it strands before it is saved."""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chat.models import Assignment, HumanRequest
from chat.services import losses_of, requests_without_answerers
from procedures import models
from procedures.models import Grant, Procedure
from tests.admin_acts import (
    ALL_THE_SAME,
    GRANT,
    GROUP,
    USER,
    Act,
    confirmed,
    deletion,
    deletion_in_list,
    form,
    state,
)
from tests.calls import assign_too, grant, request_of, run_until_it_waits
from tests.conftest import create_person, group, make_staff
from tests.flows import ASK, Folder, flow
from tests.pages import Fields, browser, shown

PERMISSION = "auth.view_group"
PROMPT = "Pay 31.20 €?"


def erin() -> User:
    return User.objects.get(username="erin")


def ask_group(request: HumanRequest) -> None:
    Assignment.objects.filter(request=request).update(user=None, group=group("audit"))


def ask_permission(request: HumanRequest) -> None:
    Assignment.objects.filter(request=request).update(user=None, permission=PERMISSION)


def held() -> Permission:
    return Permission.objects.get(codename="view_group")


def permit_group(request: HumanRequest) -> None:
    ask_permission(request)
    group("audit").permissions.add(held())


def permit_user(request: HumanRequest) -> None:
    ask_permission(request)
    erin().user_permissions.add(held())


def as_they_are(_: HumanRequest) -> None:
    """Erin is asked by name."""


Prepare = Callable[[HumanRequest], None]
ACTS: dict[str, tuple[Prepare, Callable[[Client], Act]]] = {
    "the user is deactivated": (
        as_they_are,
        lambda client: form(client, USER, erin().pk, lambda fields: fields.pop("is_active")),
    ),
    "the last member is deactivated": (
        ask_group,
        lambda client: form(client, USER, erin().pk, lambda fields: fields.pop("is_active")),
    ),
    "the last member leaves the group": (
        ask_group,
        lambda client: form(client, USER, erin().pk, lambda fields: fields.update(groups=[])),
    ),
    "the last holder loses the permission": (
        permit_user,
        lambda client: form(
            client, USER, erin().pk, lambda fields: fields.update(user_permissions=[])
        ),
    ),
    "the last holder is deactivated": (
        permit_user,
        lambda client: form(client, USER, erin().pk, lambda fields: fields.pop("is_active")),
    ),
    "the group of the last holder loses the permission": (
        permit_group,
        lambda client: form(
            client, GROUP, group("audit").pk, lambda fields: fields.update(permissions=[])
        ),
    ),
    "the holder leaves the group that has the permission": (
        permit_group,
        lambda client: form(client, USER, erin().pk, lambda fields: fields.update(groups=[])),
    ),
    "the last member is deleted": (ask_group, lambda _: deletion(USER, erin().pk)),
    "users are deleted in the list": (
        ask_group,
        lambda _: deletion_in_list(USER, erin().pk, create_person("zoe").pk),
    ),
    "the group with the permission is deleted": (
        permit_group,
        lambda _: deletion(GROUP, group("audit").pk),
    ),
    "groups are deleted in the list": (
        permit_group,
        lambda _: deletion_in_list(GROUP, group("audit").pk, group("others").pk),
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_act_that_strands_a_request_is_saved_only_after_it_was_shown(
    root: Client, asks_erin: HumanRequest, name: str
) -> None:
    prepare, make = ACTS[name]
    prepare(asks_erin)
    act, before = make(root), state()

    answer = root.post(act.path, act.fields)
    warned = shown(answer)

    assert state() == before
    assert answer.status_code == 200
    assert "Nobody could answer 1 open request any more" in warned
    assert f'<a href="/requests/{asks_erin.pk}">{PROMPT}</a>' in warned
    assert "Finance would be asked instead." in warned
    assert not requests_without_answerers().exists()

    assert root.post(act.path, confirmed(answer)).status_code == 302
    assert state() != before
    assert requests_without_answerers().get() == asks_erin


KEPT: dict[str, tuple[Prepare, Callable[[], Act]]] = {
    "a user": (as_they_are, lambda: deletion(USER, erin().pk)),
    "a user in the list": (as_they_are, lambda: deletion_in_list(USER, erin().pk)),
    "a group": (ask_group, lambda: deletion(GROUP, group("audit").pk)),
    "a group in the list": (ask_group, lambda: deletion_in_list(GROUP, group("audit").pk)),
}


@pytest.mark.parametrize("name", KEPT)
def test_whoever_a_request_names_is_not_deleted_at_all(
    root: Client, asks_erin: HumanRequest, name: str
) -> None:
    prepare, make = KEPT[name]
    prepare(asks_erin)
    act, before = make(), state()

    assert ALL_THE_SAME not in shown(root.post(act.path, act.fields, follow=True))
    assert state() == before


def answer_grant() -> Grant:
    return Grant.objects.get(procedure__name="question", role="answer")


def without_a_member(fields: Fields) -> None:
    fields["group"] = group("nobodys").pk


GRANTS: dict[str, Callable[[Client], Act]] = {
    "the last grant is deleted": lambda _: deletion(GRANT, answer_grant().pk),
    "grants are deleted in the list": lambda _: deletion_in_list(GRANT, answer_grant().pk),
    "its role is another": lambda client: form(
        client, GRANT, answer_grant().pk, lambda fields: fields.update(role="see")
    ),
    "its group is one without a member": lambda client: form(
        client, GRANT, answer_grant().pk, without_a_member
    ),
    "its procedure is another": lambda client: form(
        client,
        GRANT,
        answer_grant().pk,
        lambda fields: fields.update(procedure=Procedure.objects.get(name="two_steps").pk),
    ),
    "its last member is deactivated": lambda client: form(
        client,
        USER,
        User.objects.get(username="bob").pk,
        lambda fields: fields.pop("is_active"),
    ),
    "its last member leaves": lambda client: form(
        client,
        USER,
        User.objects.get(username="bob").pk,
        lambda fields: fields.update(groups=[]),
    ),
}


@pytest.mark.parametrize("has_operators", [True, False])
@pytest.mark.parametrize("name", GRANTS)
def test_a_procedure_that_loses_its_last_answerer_is_shown_before(
    root: Client, asks_erin: HumanRequest, name: str, operators: Group, *, has_operators: bool
) -> None:
    others = Grant.objects.exclude(procedure__name__in=["question", "two_steps"])
    others.delete()  # so that the list is short enough to name the procedure
    if has_operators:
        grant("question", operators, "operate")
    act, before = GRANTS[name](root), state()

    answer = root.post(act.path, act.fields)
    warned = shown(answer)

    assert state() == before
    assert "Nobody would have the role “answer” on" in warned
    row = warned.partition('<a href="/procedures/question">Question</a>')[2].partition("</li>")[0]
    assert ("would go to Operators." in row) is has_operators
    assert ("would wait until somebody has the role." in row) is not has_operators
    assert "Runs that haven&#x27;t ended: 1." in row
    assert "open request" not in warned
    assert root.post(act.path, confirmed(answer)).status_code == 302
    assert state() != before


def test_a_group_with_another_active_member_is_changed_without_a_word(
    root: Client, asks_erin: HumanRequest
) -> None:
    ask_group(asks_erin)
    create_person("zoe", group("audit"))

    for act in (ACTS["the last member is deactivated"][1](root), deletion(USER, erin().pk)):
        answer = root.post(act.path, act.fields)
        assert answer.status_code == 302, shown(answer)

    assert not requests_without_answerers().exists()
    act = form(root, USER, User.objects.get(username="zoe").pk, lambda one: one.pop("is_active"))
    assert ALL_THE_SAME in shown(root.post(act.path, act.fields))


def test_what_was_confirmed_is_what_was_shown(root: Client, asks_erin: HumanRequest) -> None:
    act = ACTS["the user is deactivated"][1](root)
    first = root.post(act.path, act.fields)
    audited = Procedure.objects.get(name="equal_questions")
    other = request_of(run_until_it_waits(audited.name))
    assign_too(other, user=erin())

    again = root.post(act.path, confirmed(first))

    assert "2 open requests" in shown(again)
    assert erin().is_active
    assert root.post(act.path, {**act.fields, "confirmed": "yes"}).status_code == 200
    assert erin().is_active
    assert root.post(act.path, confirmed(again)).status_code == 302
    assert not erin().is_active


def test_nothing_is_said_of_what_is_not_done(root: Client, asks_erin: HumanRequest) -> None:
    """Neither "was changed successfully" nor a line in Django's log, while nothing is saved."""
    act, logged = ACTS["the user is deactivated"][1](root), models.Act.objects.count()

    warned = shown(root.post(act.path, act.fields))

    assert "success" not in warned
    assert "success" not in shown(root.get(reverse("admin:index")))
    assert models.Act.objects.count() == logged


def test_what_an_act_leaves_for_after_its_commit_is_dropped_with_it(
    root: Client, asks_erin: HumanRequest, django_capture_on_commit_callbacks: Any
) -> None:
    """A site's own receiver, for example, mails somebody whose account was closed."""
    mailed: list[str] = []

    def mail_later(instance: User, **_: Any) -> None:
        transaction.on_commit(lambda: mailed.append(instance.username))

    act = ACTS["the user is deactivated"][1](root)
    post_save.connect(mail_later, sender=User)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            answer = root.post(act.path, act.fields)
        with django_capture_on_commit_callbacks(execute=True):
            losses_of(lambda: erin().save())
        assert mailed == []

        with django_capture_on_commit_callbacks(execute=True):
            root.post(act.path, confirmed(answer))
        assert mailed == ["erin"]
    finally:
        post_save.disconnect(mail_later, sender=User)


# Who is told, and what it costs


def test_who_may_not_see_a_request_reads_only_that_there_is_one(
    asks_erin: HumanRequest, root: Client
) -> None:
    codes = ("change_user", "view_user", "view_group")
    eve = make_staff(create_person("eve", group("audit")), *codes)
    act = ACTS["the user is deactivated"][1](browser(eve))

    warned = shown(browser(eve).post(act.path, act.fields))

    assert "Nobody could answer 1 open request any more" in warned
    assert "You don&#x27;t have permission to see them." in warned
    assert PROMPT not in warned
    assert str(asks_erin.pk) not in warned
    assert erin().is_active


def queries_to_save(client: Client, act: Act) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert ALL_THE_SAME in shown(client.post(act.path, act.fields))
    return [query["sql"] for query in queries.captured_queries]


@pytest.fixture
def few_values(db: None) -> Iterator[None]:
    """SQLite takes no more values in a statement than others take."""
    with connection.cursor():  # is connected by now
        if connection.vendor != "sqlite":
            yield
            return
        before = connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 1100)
        yield
        connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)


@pytest.mark.usefixtures("few_values")
@pytest.mark.parametrize("before", ["", "@", "perm:auth."])
def test_a_file_may_hold_more_texts_than_a_statement_takes(
    root: Client, asks_erin: HumanRequest, flows: Folder, before: str
) -> None:
    flows.deploy(text=flow(ASK, words=[f"{before}word{number}" for number in range(3000)]))
    ask_group(asks_erin)
    flows.deploy("hats.json", flow({"ask": "audit"}, {"ask": "@erin"}, name="hats"))

    act = form(root, USER, erin().pk, lambda fields: fields.pop("is_active"))
    warning = root.post(act.path, act.fields)

    assert "2 names in the code would no longer match anybody" in shown(warning)
    assert root.post(act.path, confirmed(warning)).status_code == 302


def test_many_requests_cost_as_many_queries_as_two(root: Client, asks_erin: HumanRequest) -> None:
    two = [asks_erin, request_of(run_until_it_waits("question"))]
    assign_too(two[1], user=erin())
    Assignment.objects.exclude(user=erin()).delete()
    act = ACTS["the user is deactivated"][1](root)
    few = [len(queries_to_save(root, act)) for _ in range(2)][-1]

    for _ in range(15):
        request = request_of(run_until_it_waits("question"))
        request.assignments.all().delete()
        assign_too(request, user=erin())
    act = ACTS["the user is deactivated"][1](root)

    assert len(queries_to_save(root, act)) == few
