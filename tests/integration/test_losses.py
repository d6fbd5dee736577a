"""An act in the admin that leaves nobody to answer shows what it strands before it is saved."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chat.models import Assignment, HumanRequest
from chat.services import NobodyToAnswerError, reassign_request, requests_without_answerers
from procedures.models import Grant, Procedure
from tests.calls import JSON, caller, detail, grant, request_of, run_until_it_waits
from tests.conftest import create_person, group
from tests.pages import Fields, browser, filled, shown
from tests.runs import answer

PERMISSION = "auth.view_group"
PROMPT = "Pay 31.20 €?"
ALL_THE_SAME = "all the same"


def page_of(model: str, name: str, *args: Any) -> str:
    return reverse(f"admin:{model}_{name}", args=args)


USER, GROUP, GRANT = "auth_user", "auth_group", "procedures_grant"


@pytest.fixture
def root(admin_user: User) -> Client:
    return browser(admin_user)


@pytest.fixture
def request_(alice: User, bob: User, dave: User, finance: Group, operators: Group) -> HumanRequest:
    """Asks erin alone, of the group audit; finance answers for the procedure and dave operates."""
    create_person("erin", group("audit"))
    grant("question", finance, "answer")
    grant("question", group("support"), "start")
    request = request_of(run_until_it_waits("question", by=alice))
    reassign_request(request.pk, to="@erin", by=dave, reason="She knows.")
    return request


def erin() -> User:
    return User.objects.get(username="erin")


def state() -> list[Any]:
    """All that the acts below change."""
    users = [
        (user.pk, user.is_active, sorted(user.groups.values_list("pk", flat=True)))
        for user in User.objects.order_by("pk")
    ]
    groups = [
        (one.pk, one.name, sorted(one.permissions.values_list("pk", flat=True)))
        for one in Group.objects.order_by("pk")
    ]
    held = sorted(User.user_permissions.through.objects.values_list("user", "permission"))
    grants = sorted(Grant.objects.values_list("procedure", "group", "role"))
    return [users, groups, held, grants, sorted(Assignment.objects.values_list("pk", flat=True))]


# Acts, as a browser posts them


class Act(NamedTuple):
    path: str
    fields: Fields


def form(client: Client, model: str, pk: Any, change: Callable[[Fields], Any]) -> Act:
    path = page_of(model, "change", pk)
    fields = filled(client, path)
    change(fields)
    return Act(path, fields)


def deletion(model: str, pk: Any) -> Act:
    return Act(page_of(model, "delete", pk), {"post": "yes"})


def deletion_in_list(model: str, *pks: Any) -> Act:
    chosen = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}
    return Act(page_of(model, "changelist"), chosen)


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
    root: Client, request_: HumanRequest, name: str
) -> None:
    prepare, make = ACTS[name]
    prepare(request_)
    act, before = make(root), state()

    answer = root.post(act.path, act.fields)
    warned = shown(answer)

    assert state() == before
    assert answer.status_code == 200
    assert "Nobody could answer 1 open request any more" in warned
    assert f'<a href="/requests/{request_.pk}">{PROMPT}</a>' in warned
    assert "Finance would be asked instead." in warned
    assert not requests_without_answerers().exists()

    assert root.post(act.path, confirmed(answer)).status_code == 302
    assert state() != before
    assert requests_without_answerers().get() == request_


KEPT: dict[str, tuple[Prepare, Callable[[], Act]]] = {
    "a user": (as_they_are, lambda: deletion(USER, erin().pk)),
    "a user in the list": (as_they_are, lambda: deletion_in_list(USER, erin().pk)),
    "a group": (ask_group, lambda: deletion(GROUP, group("audit").pk)),
    "a group in the list": (ask_group, lambda: deletion_in_list(GROUP, group("audit").pk)),
}


@pytest.mark.parametrize("name", KEPT)
def test_whoever_a_request_names_is_not_deleted_at_all(
    root: Client, request_: HumanRequest, name: str
) -> None:
    prepare, make = KEPT[name]
    prepare(request_)
    act, before = make(), state()

    assert ALL_THE_SAME not in shown(root.post(act.path, act.fields, follow=True))
    assert state() == before


def confirmed(answer: Any) -> Fields:
    """What the button of the page sends."""
    fields: Fields = {}
    for name, value in answer.context["sent"]:
        fields.setdefault(name, []).append(value)
    return fields


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
    root: Client, request_: HumanRequest, name: str, operators: Group, *, has_operators: bool
) -> None:
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
    root: Client, request_: HumanRequest
) -> None:
    ask_group(request_)
    create_person("zoe", group("audit"))

    for act in (ACTS["the last member is deactivated"][1](root), deletion(USER, erin().pk)):
        answer = root.post(act.path, act.fields)
        assert answer.status_code == 302, shown(answer)

    assert not requests_without_answerers().exists()
    act = form(root, USER, User.objects.get(username="zoe").pk, lambda one: one.pop("is_active"))
    assert ALL_THE_SAME in shown(root.post(act.path, act.fields))


def test_what_was_confirmed_is_what_was_shown(root: Client, request_: HumanRequest) -> None:
    act = ACTS["the user is deactivated"][1](root)
    first = root.post(act.path, act.fields)
    audited = Procedure.objects.get(name="equal_questions")
    other = request_of(run_until_it_waits(audited.name))
    Assignment.objects.create(request=other, user=erin())

    again = root.post(act.path, confirmed(first))

    assert "2 open requests" in shown(again)
    assert erin().is_active
    assert root.post(act.path, {**act.fields, "confirmed": "yes"}).status_code == 200
    assert erin().is_active
    assert root.post(act.path, confirmed(again)).status_code == 302
    assert not erin().is_active


def test_nothing_is_said_of_what_is_not_done(root: Client, request_: HumanRequest) -> None:
    """Neither "was changed successfully" nor a line in Django's log, while nothing is saved."""
    act = ACTS["the user is deactivated"][1](root)

    warned = shown(root.post(act.path, act.fields))

    assert "success" not in warned
    assert "success" not in shown(root.get(reverse("admin:index")))


# Reassigning


REQUESTS = "/admin/chat/humanrequest/"


def test_requests_are_reassigned_to_an_empty_group_only_all_the_same(
    root: Client, request_: HumanRequest
) -> None:
    group("nobodys")
    chosen = {"action": "reassign", "_selected_action": [str(request_.pk)]}
    decided = {**chosen, "is_decided": "yes", "to": "nobodys", "reason": "Away."}

    first = shown(root.post(REQUESTS, chosen))
    assert ALL_THE_SAME not in first
    asked = shown(root.post(REQUESTS, decided))

    assert "Nobody in “nobodys” can answer now" in asked
    assert f'<a href="/requests/{request_.pk}">' in asked
    assert 'type="checkbox" name="allow_unanswerable"' in asked
    assert str(request_.assignments.get()) == "@erin"
    root.post(REQUESTS, {**decided, "allow_unanswerable": "on"})
    assert str(request_.assignments.get()) == "nobodys"


def test_the_service_refuses_an_empty_group_and_names_the_request(
    request_: HumanRequest, dave: User
) -> None:
    group("nobodys")
    reassign = partial(reassign_request, request_.pk, to="nobodys", by=dave, reason="Away.")

    with pytest.raises(NobodyToAnswerError, match=f"“nobodys” .* “{PROMPT[:-1]}"):
        reassign()
    assert str(request_.assignments.get()) == "@erin"

    reassign(allow_unanswerable=True)
    assert str(request_.assignments.get()) == "nobodys"


# Names that code uses


NAMES: dict[str, tuple[Callable[[Client], Act], str]] = {
    "the group is renamed": (
        lambda client: form(
            client, GROUP, group("zebras").pk, lambda fields: fields.update(name="horses")
        ),
        "Whatever code assigns to it would go to those who have the role “answer”.",
    ),
    "the group is deleted": (
        lambda _: deletion(GROUP, group("zebras").pk),
        "Whatever code assigns to it would go to those who have the role “answer”.",
    ),
    "the groups are deleted in the list": (
        lambda _: deletion_in_list(GROUP, group("zebras").pk, group("gardeners").pk),
        "Whatever code assigns to it would go to those who have the role “answer”.",
    ),
    "its last member is deactivated": (
        lambda client: form(client, USER, erin().pk, lambda fields: fields.pop("is_active")),
        "Whatever code assigns to it would have nobody to answer.",
    ),
    "its last member leaves": (
        lambda client: form(client, USER, erin().pk, lambda fields: fields.update(groups=[])),
        "Whatever code assigns to it would have nobody to answer.",
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
    assert "Code uses 1 name that would lead to nobody" in warned
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
    path = page_of(GROUP, "change", group("operators").pk)
    fields = {**filled(root, path), "name": "watchers"}

    warned = shown(root.post(path, fields))

    row = warned.partition("<strong>operators</strong>")[2].partition("</li>")[0]
    assert "Refund orders, Release a version" in row
    assert "The roles in the code would still name it" in row
    assert group("operators").pk == int(path.split("/")[-3])


def test_a_group_that_nobody_names_is_renamed_without_a_word(root: Client) -> None:
    path = page_of(GROUP, "change", group("gardeners").pk)

    assert root.post(path, {**filled(root, path), "name": "florists"}).status_code == 302
    assert Group.objects.filter(name="florists").exists()


# Who is told, and what it costs


def test_who_may_not_see_a_request_reads_only_that_there_is_one(
    request_: HumanRequest, root: Client
) -> None:
    eve = create_person("eve", group("audit"))
    eve.is_staff = True
    eve.save()
    eve.user_permissions.add(
        *Permission.objects.filter(codename__in=["change_user", "view_user", "view_group"])
    )
    act = ACTS["the user is deactivated"][1](browser(eve))

    warned = shown(browser(eve).post(act.path, act.fields))

    assert "Nobody could answer 1 open request any more" in warned
    assert "You don&#x27;t have permission to see which." in warned
    assert PROMPT not in warned
    assert str(request_.pk) not in warned
    assert erin().is_active


def queries_to_save(client: Client, act: Act) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert ALL_THE_SAME in shown(client.post(act.path, act.fields))
    return [query["sql"] for query in queries.captured_queries]


def test_many_requests_cost_as_many_queries_as_two(root: Client, request_: HumanRequest) -> None:
    two = [request_, request_of(run_until_it_waits("question"))]
    Assignment.objects.create(request=two[1], user=erin())
    Assignment.objects.exclude(user=erin()).delete()
    act = ACTS["the user is deactivated"][1](root)
    few = [len(queries_to_save(root, act)) for _ in range(2)][-1]

    for _ in range(15):
        request = request_of(run_until_it_waits("question"))
        request.assignments.all().delete()
        Assignment.objects.create(request=request, user=erin())
    act = ACTS["the user is deactivated"][1](root)

    assert len(queries_to_save(root, act)) == few


# Over HTTP


def reassign(client: Client, request: HumanRequest, **body: Any) -> Any:
    said = {"reason": "Away.", **body}
    return client.post(f"/api/requests/{request.pk}/reassignment", said, JSON)


def test_the_api_refuses_an_empty_group_unless_the_caller_means_it(
    request_: HumanRequest, admin_user: User
) -> None:
    group("nobodys")
    client = caller(admin_user)

    refused = detail(reassign(client, request_, to="nobodys"), 409)
    assert "Nobody in “nobodys” can answer now" in refused
    assert PROMPT in refused
    assert "allow_unanswerable" in refused
    assert str(request_.assignments.get()) == "@erin"

    done = reassign(client, request_, to="nobodys", allow_unanswerable=True).json()
    assert done["told"] == "Now nobodys is asked."
    assert done["request"]["assigned"] == ["nobodys"]
    listed = client.get("/api/requests?is_unanswerable=true").json()["items"]
    assert [one["id"] for one in listed] == [str(request_.pk)]

    reassign(client, request_, to="finance")
    assert client.get("/api/requests?is_unanswerable=true").json()["items"] == []
    assert client.get("/api/requests?is_unanswerable=false").json()["items"] != []


def test_only_who_may_operate_requests_reassigns_them_over_http(
    request_: HumanRequest, alice: User, carol: User
) -> None:
    for_alice = reassign(caller(alice), request_, to="finance")

    assert "may withdraw and reassign requests" in detail(for_alice, 403)
    assert reassign(caller(carol), request_, to="finance").status_code == 404
    alice.user_permissions.add(Permission.objects.get(codename="operate_request"))
    alice = User.objects.get(pk=alice.pk)
    assert detail(reassign(caller(alice), request_, to="finance", reason=""), 422)
    assert detail(reassign(caller(alice), request_, to="nowhere"), 409)
    assert "name a group" in detail(reassign(caller(alice), request_), 409)
    assert reassign(caller(alice), request_, to="finance").status_code == 200
    answer(request_, by=User.objects.get(username="bob"))
    assert "bob" in detail(reassign(caller(alice), request_, to="finance"), 409)
