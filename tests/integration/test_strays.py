"""Requests whose last answerer is gone are handed on, told to operators, and listed as stuck."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.db import connection

from chat.models import Assignment, HumanRequest, Message, Notification
from chat.services import (
    ask_others,
    losses_of,
    reassign_request,
    requests_without_answerers,
    send_notification,
)
from chat.services.strays import ALONE
from procedures.models import Grant
from procedures.models.proofs import unproven
from procedures.services import OperationRefusedError
from tests.calls import assign_too, grant, request_of, run_until_it_waits
from tests.conftest import create_person, group
from tests.pages import browser, queries_of, shown
from tests.runs import answer

PERMISSION = "auth.view_group"


@pytest.fixture
def request_(alice: User, bob: User, dave: User, finance: Group, operators: Group) -> HumanRequest:
    """Asks erin alone; finance, where bob is, answers for the procedure, and dave operates it."""
    create_person("erin", group("audit"))
    grant("question", group("support"), "start")
    grant("question", finance, "answer")
    grant("question", operators, "operate")
    dave.email = "dave@sign.example"
    dave.save()
    request = request_of(run_until_it_waits("question", by=alice))
    reassign_request(request.pk, to="@erin", by=dave, reason="She knows.")
    return request


def erin() -> User:
    return User.objects.get(username="erin")


def name_group(request: HumanRequest) -> None:
    Assignment.objects.filter(request=request).update(user=None, group=group("audit"))


def name_permission(request: HumanRequest) -> None:
    erin().user_permissions.add(Permission.objects.get(codename="view_group"))
    Assignment.objects.filter(request=request).update(user=None, permission=PERMISSION)


def leave(_: HumanRequest) -> None:
    User.objects.filter(username="erin").update(is_active=False)


WAYS: dict[str, tuple[Callable[[HumanRequest], Any], Callable[[HumanRequest], Any]]] = {
    "the person is deactivated": (lambda _: None, leave),
    "the person is deleted": (lambda _: None, lambda _: erin().delete()),
    "the last member is deactivated": (name_group, leave),
    "the last member leaves": (name_group, lambda _: erin().groups.clear()),
    "the group is deleted": (name_group, lambda _: group("audit").delete()),
    "the permission is taken away": (name_permission, lambda _: erin().user_permissions.clear()),
    "its holder is deactivated": (name_permission, leave),
    "its holder becomes a superuser": (
        name_permission,
        lambda _: User.objects.filter(username="erin").update(is_superuser=True),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_when_all_who_were_asked_are_gone_the_default_group_is_asked(
    request_: HumanRequest, bob: User, dave: User, way: str
) -> None:
    name, go = WAYS[way]
    name(request_)
    ask_others()
    assert not requests_without_answerers().exists()

    go(request_)
    assert requests_without_answerers().get() == request_
    for _ in range(2):
        ask_others()

    request_.refresh_from_db()
    assert "It was reassigned to finance." in request_.note
    assert request_.note in Message.objects.get(kind="notice", level="error").text
    assert "It was reassigned to finance." in shown(browser(bob).get(f"/requests/{request_.pk}"))
    assert "Finance" in shown(browser(dave).get(f"/runs/{request_.wait.run_id}"))
    assert not requests_without_answerers().exists()
    [planned] = Notification.objects.exclude(alert=None)
    send_notification(planned.pk)
    assert (planned.recipient, mail.outbox[-1].subject[:20]) == (dave, "Error in Question: “")
    answer(request_, by=bob)


def test_without_a_default_group_the_operators_are_asked(
    request_: HumanRequest, bob: User, dave: User
) -> None:
    bob.groups.clear()
    leave(request_)

    ask_others()

    request_.refresh_from_db()
    assert "It was reassigned to operators." in request_.note
    answer(request_, by=dave)


@pytest.mark.parametrize("place", [0, 1])
def test_a_request_whose_row_is_broken_keeps_no_other_waiting(
    request_: HumanRequest, alice: User, dave: User, caplog: pytest.LogCaptureFixture, place: int
) -> None:
    other = request_of(run_until_it_waits("question", by=alice))
    reassign_request(other.pk, to="@erin", by=dave, reason="She knows.")
    pair = [request_, other]
    broken = pair.pop(place)
    HumanRequest.objects.filter(pk=broken.pk).update(assigned="[no JSON")
    leave(broken)

    ask_others()

    assert requests_without_answerers().get() == broken
    assert "It was reassigned to finance." in HumanRequest.objects.get(pk=pair[0].pk).note
    assert f"Request {broken.pk}: a periodic task failed." in caplog.text


def test_where_nobody_is_left_it_is_stuck_until_somebody_comes(
    request_: HumanRequest, alice: User, bob: User, dave: User, carol: User
) -> None:
    bob.groups.clear()
    dave.groups.clear()
    leave(request_)
    for _ in range(3):
        ask_others()

    request_.refresh_from_db()
    assert request_.note.endswith("there is nobody else to ask.")
    assert Message.objects.filter(kind="notice").count() == 1
    for_alice, for_carol = (shown(browser(user).get("/")) for user in (alice, carol))
    stuck = for_alice.split('id="stuck"')[1].split("</section>")[0]
    assert "Nobody can answer" in stuck
    assert f"/requests/{request_.pk}" in stuck
    assert "Nothing is stuck." not in stuck
    assert "Nobody can answer" not in for_carol

    User.objects.filter(username="erin").update(is_active=True)
    ask_others()

    request_.refresh_from_db()
    assert request_.note == ""
    assert "Nobody can answer" not in shown(browser(alice).get("/"))


def test_what_nobody_could_be_asked_goes_to_whoever_comes_later(
    request_: HumanRequest, alice: User, bob: User, dave: User, finance: Group
) -> None:
    bob.groups.clear()
    dave.groups.clear()
    leave(request_)
    ask_others()
    assert "Nobody can answer" in shown(browser(alice).get("/"))

    bob.groups.add(finance)
    for _ in range(2):
        ask_others()

    request_.refresh_from_db()
    assert "It was reassigned to finance." in request_.note
    assert "Nobody can answer" not in shown(browser(alice).get("/"))
    assert Message.objects.filter(kind="notice").count() == 2
    answer(request_, by=bob)


def test_what_nobody_was_ever_asked_goes_to_the_first_who_may(
    alice: User, bob: User, finance: Group
) -> None:
    grant("question", group("support"), "start")
    request = request_of(run_until_it_waits("question", by=alice))
    ask_others()
    assert not request.assignments.exists()
    assert "because nobody has the role “answer” on Question" in shown(browser(alice).get("/"))

    grant("question", finance, "answer")
    ask_others()

    assert "Nobody can answer" not in shown(browser(alice).get("/"))
    answer(request, by=bob)


def test_whoever_may_reassign_is_led_there_and_others_are_told_who_may(
    request_: HumanRequest, alice: User, admin_user: User
) -> None:
    leave(request_)

    for_alice, for_admin = (shown(browser(user).get("/")) for user in (alice, admin_user))

    assert "<bdi>erin</bdi> can't answer any more." in for_alice
    assert "An operator can reassign it." in for_alice
    link = f"/admin/countersign_chat/humanrequest/?q={request_.pk}"
    assert (link in for_alice, link in for_admin) == (False, True)
    assert f"/admin/countersign_chat/humanrequest/{request_.pk}/" in shown(
        browser(admin_user).get(link)
    )


def test_many_stuck_requests_cost_as_many_queries_as_few(
    request_: HumanRequest, alice: User
) -> None:
    name_permission(request_)
    client = browser(alice)
    leave(request_)
    queries_of(client, "/overview")
    few = len(queries_of(client, "/overview"))

    for _ in range(12):
        more = request_of(run_until_it_waits("question", by=alice))
        Assignment.objects.filter(request=more).update(group=None, permission=f"x.of_{more.pk}")

    assert requests_without_answerers().count() == 13
    assert len(queries_of(client, "/overview")) == few


def test_an_administrator_does_not_count_but_a_member_who_is_one_does(
    request_: HumanRequest, admin_user: User
) -> None:
    leave(request_)
    assert requests_without_answerers().exists()

    name_group(request_)
    admin_user.groups.add(group("audit"))
    assert not requests_without_answerers().exists()


def test_what_is_closed_or_has_somebody_is_left_alone(request_: HumanRequest, bob: User) -> None:
    assign_too(request_, group=bob.groups.get())
    leave(request_)
    ask_others()
    answer(request_, by=bob)
    bob.groups.clear()
    ask_others()

    assert not Message.objects.filter(kind="notice").exists()
    assert HumanRequest.objects.get().note == ""


@pytest.mark.parametrize("to", ["nobodys", "@gone"])
def test_nobody_is_asked_instead_who_is_not_there(
    request_: HumanRequest, dave: User, to: str
) -> None:
    group("nobodys").user_set.add(create_person("gone"))
    User.objects.filter(username="gone").update(is_active=False)

    with pytest.raises(OperationRefusedError, match=r"Nobody could answer|There is no"):
        reassign_request(request_.pk, to=to, by=dave, reason="Try.")

    assert str(request_.assignments.get()) == "@erin"


@pytest.mark.parametrize("way", WAYS)
def test_what_a_change_would_leave_alone_is_told_before_it_is_made(
    request_: HumanRequest, way: str
) -> None:
    name, go = WAYS[way]
    name(request_)

    told = losses_of(lambda: go(request_)).requests

    assert [*told] == [request_.pk]
    assert erin().is_active
    assert not requests_without_answerers().exists()
    assert [*losses_of(lambda: None).requests] == []


# Escalations


def escalate(by: User) -> HumanRequest:
    grant("one_of_each", group("support"), "start")
    return request_of(run_until_it_waits("one_of_each", by=by, kind="problem"))


def test_an_escalation_reaches_whoever_may_operate_every_run(alice: User, carol: User) -> None:
    carol.user_permissions.add(Permission.objects.get(codename="operate_run"))

    request = escalate(alice)

    assert request.note == ""
    assert "The bank is silent" in shown(browser(User.objects.get(pk=carol.pk)).get("/"))
    answer(request, value="Resolved it.", by=User.objects.get(pk=carol.pk))


def test_an_escalation_without_operators_says_whom_it_asks(alice: User, bob: User) -> None:
    grant("one_of_each", bob.groups.get(), "answer")

    request = escalate(alice)

    assert (
        request.note
        == "This procedure has no operators, so people with the role “answer” were asked."
    )
    answer(request, value="Resolved it.", by=bob)


def test_a_reassignment_while_a_note_is_dropped_keeps_its_seals(
    request_: HumanRequest, alice: User, dave: User
) -> None:
    Grant.objects.filter(role__in=("answer", "operate")).delete()
    leave(request_)
    ask_others()
    User.objects.filter(username="erin").update(is_active=True)
    looks: list[str] = []

    def reassign_after_the_look(
        execute: Callable[..., Any], sql: str, params: Any, *given: Any
    ) -> Any:
        if len(looks) == 1:  # whose note may be dropped
            looks.append("reassigned")
            reassign_request(request_.pk, to="@alice", by=dave, reason="She is here.")
        elif not looks and sql.startswith("SELECT") and ALONE in (params or ()):
            looks.append(sql)
        return execute(sql, params, *given)

    with connection.execute_wrapper(reassign_after_the_look):
        ask_others()

    request_.refresh_from_db()
    assert looks[1:] == ["reassigned"]
    assert unproven(request_) == []
    assert [one.user for one in request_.assignments.all()] == [alice]
