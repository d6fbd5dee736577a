"""Somebody leaves or is away: where their requests go, what ends, and who may say so."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone

from chat.models import Delegation, HumanRequest
from chat.services import delegate
from dashboard.accounts.offboarding import LastSuperuserError, offboard
from dashboard.models import ApiToken
from procedures.models import Act
from procedures.models.clock import clock
from tests.calls import assign_too, grant, request_of, run_until_it_waits
from tests.conftest import create_manager, create_person, group, make_staff
from tests.pages import browser, shown

REASON = "She works elsewhere now."
DAY = timedelta(days=1)


@pytest.fixture
def erin(db: None) -> User:
    return create_person("erin", group("audit"))


def ask(*whom: dict[str, Any]) -> HumanRequest:
    """A question that asks exactly these."""
    grant("question", group("finance"), "answer")
    request = request_of(run_until_it_waits("question"))
    request.assignments.all().delete()
    for one in whom:
        assign_too(request, **one)
    request.refresh_from_db()
    return request


def path_of(user: User, page: str = "offboard") -> str:
    return f"/admin/person/{user.pk}/{page}/"


def fields_of(response: Any, **filled: str) -> dict[str, str]:
    name, value = response.context["confirmed"]
    return {name: value, "reason": REASON, **filled}


def asked_by(request: HumanRequest) -> set[str]:
    return {str(one) for one in HumanRequest.objects.get(pk=request.pk).assignments.all()}


def test_whoever_leaves_passes_each_request_on_and_can_sign_in_no_more(
    root: Client, erin: User, bob: User, finance: Group
) -> None:
    User.objects.create_user("zoe").groups.add(group("audit"))  # so that the code finds somebody
    alone, also, kept = ask({"user": erin}), ask({"user": erin}), ask({"user": erin}, {"user": bob})
    other = browser(erin)
    headers = {"Authorization": f"Bearer {ApiToken.create_for(erin)}"}
    page = root.get(path_of(erin))
    assert len(page.context["form"].rows()) == 3
    assert "also asked: @bob" in shown(page)

    wrong = root.post(path_of(erin), fields_of(page, rest="@erin"))
    assert (
        "an active user, or a group with an active member, apart from the person who leaves."
        in shown(wrong)
    )
    assert User.objects.get(pk=erin.pk).is_active
    done = root.post(path_of(erin), fields_of(page, rest="finance", **{f"to-{also.pk}": "@bob"}))

    receipt = done.context["receipt"]
    assert (receipt.sessions, receipt.tokens, receipt.groups) == (1, 1, ["audit"])
    assert "ended the account of erin" in shown(done)
    assert {one.to for one in receipt.moved} == {"finance", "@bob"}
    assert (asked_by(alone), asked_by(also)) == ({"finance"}, {"@bob"})
    assert asked_by(kept) == {"@erin", "@bob"}
    assert not User.objects.get(pk=erin.pk).is_active
    assert other.get("/profile").status_code == 302
    assert Client().get("/api/runs", headers=headers).status_code == 401
    entry = Act.objects.about(erin).latest("pk")
    assert entry.words == (
        "Offboarded. Ended 1 session, revoked 1 token and all sign-in links, and reassigned 2 "
        "requests."
    )
    assert entry.reason == REASON
    assert root.get(path_of(erin)).status_code == 403  # nothing is left to end


def test_what_nobody_could_answer_is_said_before_the_account_ends(
    root: Client, erin: User, bob: User
) -> None:
    request = ask({"user": erin})
    other = browser(erin)

    told = root.post(path_of(erin), fields_of(root.get(path_of(erin))))

    assert "Nobody could answer 1 open request any more" in shown(told)
    assert User.objects.get(pk=erin.pk).is_active
    assert other.get("/profile").status_code == 200
    assert root.post(path_of(erin), fields_of(told)).context["receipt"].moved == []
    assert not User.objects.get(pk=erin.pk).is_active
    assert asked_by(request) == {"@erin"}


def test_a_request_that_cant_be_passed_on_is_on_the_receipt(
    admin_user: User, erin: User, bob: User
) -> None:
    request = ask({"user": erin})

    receipt = offboard(erin, {}, rest="nowhere", by=admin_user, reason=REASON)

    [moved] = receipt.moved
    assert "There is no “nowhere”" in moved.fault
    assert asked_by(request) == {"@erin"}
    assert not User.objects.get(pk=erin.pk).is_active


def test_who_leaves_as_a_deputy_is_said(root: Client, erin: User, bob: User) -> None:
    delegate(by=bob, to=erin, until=clock.now() + DAY)

    assert "answers for others who are away" in shown(root.get(path_of(erin)))


def test_staff_offboard_nobody_above_them_nobody_twice_and_not_themselves(
    erin: User, bob: User, finance: Group
) -> None:
    request = ask({"user": erin})
    by = create_manager()
    client = browser(by)
    User.objects.filter(pk=bob.pk).update(is_staff=True)

    assert client.get(path_of(bob)).status_code == 403
    assert client.get(path_of(by)).status_code == 403
    page = client.get(path_of(erin))
    assert "have permission to reassign" in shown(page)
    assert str(request.pk) not in shown(page)
    wanted = {"rest": "@manager", f"to-{request.pk}": "@manager"}
    told = client.post(path_of(erin), fields_of(page, **wanted))
    done = client.post(path_of(erin), fields_of(told, **wanted))
    assert done.context["receipt"].moved == []
    assert asked_by(request) == {"@erin"}

    by.user_permissions.remove(Permission.objects.get(codename="change_user"))
    assert client.get(path_of(create_person("ina"))).status_code == 403


def test_unlisted_requests_go_where_the_page_says(erin: User, bob: User, finance: Group) -> None:
    """The viewer doesn't see the request, so the page only counts it."""
    User.objects.create_user("zoe").groups.add(group("audit"))  # so that the code finds somebody
    request, by = ask({"user": erin}), create_manager()
    client = browser(by)
    page = client.get(path_of(erin))
    assert page.context["hidden"] == 1
    assert "Unlisted requests aren't reassigned." in shown(page)
    assert 'name="rest"' not in shown(page)

    make_staff(by, "operate_request")
    page = client.get(path_of(erin))
    assert "to the assignee that you enter above. If you enter none, they stay" in shown(page)
    empty = client.post(path_of(erin), fields_of(page, rest=""))
    assert "Nobody could answer 1 open request any more" in shown(empty)
    done = client.post(path_of(erin), fields_of(page, rest="finance"))

    assert [one.to for one in done.context["receipt"].moved] == ["finance"]
    assert asked_by(request) == {"finance"}


def test_the_last_superuser_stays(root: Client, admin_user: User) -> None:
    second = User.objects.create_superuser("second")
    User.objects.filter(pk=admin_user.pk).update(is_superuser=False, is_staff=True)
    admin_user.user_permissions.set(Permission.objects.all())

    assert root.get(path_of(second)).status_code == 403  # who is above
    User.objects.filter(pk=admin_user.pk).update(is_superuser=True)
    assert "last active superuser" not in shown(root.get(path_of(second)))


def until(days: int) -> str:
    return f"{timezone.localtime(clock.now() + days * DAY):%Y-%m-%dT%H:%M}"


def test_a_deputy_answers_until_the_absence_ends(root: Client, erin: User, bob: User) -> None:
    request = ask({"user": erin})
    path = path_of(erin, "away")

    for wrong, words in (
        ({"deputy": "nobody"}, "no active user"),
        ({"deputy": "erin"}, "yourself"),
        ({"until": until(-1)}, "later than the beginning"),
        ({"until": until(1000)}, "at most a year"),
    ):
        fields = {"deputy": "bob", "until": until(3), "reason": REASON, **wrong}
        assert words in shown(root.post(path, fields))
    assert not request.asks(bob)

    root.post(path, {"deputy": "@bob", "until": until(3), "reason": REASON})
    assert request.asks(User.objects.get(pk=bob.pk))
    assert "bob can answer meanwhile" in shown(root.get(path))
    assert "bob can answer meanwhile" in Act.objects.about(erin).latest("pk").words

    root.post(path, {"act": "end"})
    assert not request.asks(User.objects.get(pk=bob.pk))


def test_only_superusers_and_people_themselves_choose_a_deputy(erin: User) -> None:
    by = create_manager(group("audit"))
    by.user_permissions.set(Permission.objects.all())
    fields = {"deputy": "manager", "until": until(3), "reason": REASON}

    assert browser(by).get(path_of(erin, "away")).status_code == 403
    assert browser(by).post(path_of(erin, "away"), fields).status_code == 403
    assert browser(by).post(path_of(erin, "away"), {"act": "end"}).status_code == 403
    assert not Delegation.objects.exists()
    own = {"deputy": "erin", "until": until(3), "reason": REASON}
    assert browser(by).post(path_of(by, "away"), own).status_code == 302
    assert Delegation.objects.get().user == by


def test_two_superusers_who_end_each_others_accounts_leave_one(admin_user: User) -> None:
    other = User.objects.create_superuser("other")
    as_read_before = User.objects.get(pk=other.pk)
    offboard(other, {}, rest="", by=admin_user, reason=REASON)

    with pytest.raises(LastSuperuserError):
        offboard(admin_user, {}, rest="", by=as_read_before, reason=REASON)

    admin_user.refresh_from_db()
    assert admin_user.is_active
