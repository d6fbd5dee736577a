"""Two managers of a site do the same, or the opposite, at the same moment."""

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import Delegation, RequestEvent
from chat.services import delegate, revoke_delegation
from chat.services.delegations import note_delegation
from dashboard.accounts.announcing import Planned, announce
from dashboard.accounts.groups import add_members, members_of, rename_group, retire_group
from dashboard.accounts.invitations import InvitationLine, invite, plan
from dashboard.accounts.sign_ins import revoke_token
from dashboard.admin.pages.matrix import MOST_BOXES
from dashboard.models import ApiToken
from procedures.models import Act, Procedure, Retention, StoppedStarts
from procedures.models.clock import clock
from procedures.services import allow_starts, stop_starts
from procedures.services.retention.holds import set_retention
from tests.at_once import at_once
from tests.calls import assign_too, request_of, run_until_it_waits
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def managers(db: None) -> list[User]:
    return [User.objects.create_superuser(name) for name in ("ann", "ben")]


def test_a_person_is_invited_once(managers: list[User]) -> None:
    line = InvitationLine("new@shop.example")
    acts = [partial(invite, plan([line], [], by=by), by=by) for by in managers]

    found = at_once(*acts)

    assert sorted(type(one).__name__ for one in found) == ["InvitedMeanwhileError", "list"]
    assert User.objects.get(email=line.address).username == "new"


def test_a_page_shows_whom_somebody_else_has_invited(managers: list[User]) -> None:
    path, given = "/admin/people/invite/", {"addresses": "new@shop.example", "way": "show"}
    clients = [browser(one) for one in managers]
    sent = [
        {**given, "is_decided": "yes", "seen": client.post(path, given).context["seen"]}
        for client in clients
    ]

    pages = at_once(
        *(partial(client.post, path, form) for client, form in zip(clients, sent, strict=True))
    )

    assert [page.status_code for page in pages] == [200, 200]
    # Not their contexts: the test client collects those of both threads.
    told = ["Nobody has been invited yet" in shown(page) for page in pages]
    assert sorted(told) == [False, True]
    assert User.objects.filter(email="new@shop.example").count() == 1


@pytest.mark.parametrize("of_all", [True, False])
def test_new_runs_are_stopped_once(managers: list[User], of_all: bool) -> None:  # noqa: FBT001
    procedure = None if of_all else Procedure.objects.create(name="slow", title="Slow")
    stops = [
        partial(stop_starts, procedure, notice, by=by, reason="")
        for notice, by in zip(("Soon.", "Later."), managers, strict=True)
    ]

    assert at_once(*stops) == [None, None]
    last = Act.objects.latest("pk")
    assert last.words.endswith(f"Notice: {StoppedStarts.objects.get().notice}")
    assert at_once(*[partial(allow_starts, procedure, by=by, reason="") for by in managers])
    assert Act.objects.filter(words__endswith="allowed again.").count() == 1


def test_a_group_that_is_retired_meanwhile_has_no_members(
    managers: list[User], alice: User
) -> None:
    group = Group.objects.create(name="night shift")
    first, second = managers

    added, retired = at_once(
        partial(add_members, group, [alice], by=first),
        partial(retire_group, group, by=second, reason="Closed."),
    )

    assert retired is None
    assert added is None or type(added).__name__ == "RetiredError"
    assert not members_of(group).exists()


def test_a_token_is_revoked_once(managers: list[User], alice: User) -> None:
    ApiToken.create_for(alice, name="Till")
    token = alice.api_tokens.get()

    found = at_once(*[partial(revoke_token, alice, token.pk, by=by) for by in managers])

    assert found == [None, None]
    words = Act.objects.about(token).order_by("pk").values_list("words", flat=True)
    assert list(words) == ["Created the token Till of alice.", "Revoked the token Till of alice."]


def test_the_log_says_which_name_a_group_had(managers: list[User]) -> None:
    group = Group.objects.create(name="night shift")
    first, second = (Group.objects.get(pk=group.pk) for _ in managers)

    at_once(
        partial(rename_group, first, "nights", by=managers[0], reason="Short."),
        partial(rename_group, second, "late shift", by=managers[1], reason="Clear."),
    )

    said = Act.objects.about(group).order_by("pk").values_list("words", flat=True)
    [before, middle] = [one.removeprefix("Renamed from ").rstrip(".") for one in said]
    assert before.split(" to ")[0] == "night shift"
    assert middle.split(" to ") == [before.split(" to ")[1], Group.objects.get(pk=group.pk).name]


def test_the_log_says_which_retention_was_replaced(managers: list[User]) -> None:
    procedure = Procedure.objects.create(name="slow", title="Slow")
    acts = [
        partial(set_retention, procedure, days, by=by, reason="Policy.")
        for days, by in zip((30, 60), managers, strict=True)
    ]

    assert at_once(*acts) == [None, None]
    first, second = Act.objects.filter(about="Slow").order_by("pk")
    [(_, before, between)], [(_, then, after)] = first.changed, second.changed
    assert (before, between) == ("", then)
    assert str(Retention.objects.get().days) == after


def test_a_deputy_whose_absence_is_ended_meanwhile_is_still_noted(
    managers: list[User], alice: User, bob: User
) -> None:
    request = request_of(run_until_it_waits("question"))
    assign_too(request, user=alice)
    given = delegate(by=alice, to=bob, until=clock.now() + timedelta(days=1))
    now = clock.now()
    right = request.right_of(bob, now=now)
    assert right
    revoke_delegation(given.pk, by=alice)

    note_delegation(request, right, by=bob, at=now)

    noted = request.events.filter(kind=RequestEvent.Kind.DELEGATED, user=alice)
    assert noted.count() == 1
    assert Delegation.objects.get().revoked_at is not None


def test_an_announcement_of_the_first_century_begins_now(managers: list[User]) -> None:
    client = browser(managers[0])
    soon = clock.now() + timedelta(days=1)
    form = {"text": "Hello.", "level": "info", "reason": "Because."}
    times = {"starts_at": "0001-01-01T00:00", "ends_at": f"{soon:%Y-%m-%dT%H:%M}"}
    before = clock.now()

    assert client.post("/admin/announcements/", {**form, **times}).status_code == 302

    made = announce(Planned("Again.", "info", soon), by=managers[0], reason="Because.")
    first = type(made).objects.earliest("pk")
    assert before <= first.starts_at <= made.starts_at


def test_a_form_with_more_boxes_than_a_page_is_refused(managers: list[User]) -> None:
    client: Client = browser(managers[0])
    boxes = [f"{one}:1:see" for one in range(MOST_BOXES + 1)]

    assert client.post("/admin/access/", {"held": " ".join(boxes)}).status_code == 400
