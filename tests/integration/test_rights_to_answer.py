"""Rights to answer: four eyes, deputies, claims, and comments that say why."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from chat.access import answerable_requests, most_urgent
from chat.channels.planning import people_asked
from chat.channels.registry import find_channel
from chat.models import Delegation, HumanRequest
from chat.services import (
    Answer,
    ClaimedError,
    NotAskedError,
    claim_request,
    delegate,
    note_seen,
    people_by_name,
    people_named,
    reassign_request,
    release_request,
    respond,
    revoke_delegation,
    waiting_for,
    waiting_of,
)
from procedures.engine.errors import AnswerError
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import ForkPoint, fork_run
from procedures.services.ledger import examine
from procedures.users import holders_of_permission, permission_holders
from tests.calls import JSON, assign_too, caller, grant, request_of, run_until_it_waits
from tests.conftest import create_person

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def finance_asked(finance: Group) -> Group:
    for name in ("looked_at_twice", "explained", "undoable"):
        grant(name, finance, "answer")
        grant(name, finance, "start")
        grant(name, finance, "operate")
    return finance


@pytest.fixture
def vera(finance_asked: Group) -> User:
    return create_person("vera", finance_asked)


@pytest.fixture
def victor(finance_asked: Group) -> User:
    return create_person("victor", finance_asked)


def ask(name: str, *, by: User | None = None) -> HumanRequest:
    return request_of(run_until_it_waits(name, by=by))


def say(request: HumanRequest, by: User, value: Any = True, comment: str = "") -> None:  # noqa: FBT002
    respond(request.pk, Answer(value, comment, channel="page"), by=by)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def kinds(request: HumanRequest) -> list[str]:
    return list(request.events.values_list("kind", flat=True))


# Four eyes


def test_nobody_answers_what_they_have_started(vera: User, victor: User) -> None:
    request = ask("looked_at_twice", by=vera)

    with pytest.raises(NotAskedError):
        say(request, vera)
    assert request.pk not in set(answerable_requests(vera).values_list("pk", flat=True))

    assert request.pk in set(answerable_requests(victor).values_list("pk", flat=True))
    say(request, victor)


@pytest.mark.usefixtures("finance_asked")
def test_an_administrator_who_started_it_answers_it_no_more_than_others(dave: User) -> None:
    dave.is_superuser = True
    dave.save()

    with pytest.raises(NotAskedError):
        say(ask("looked_at_twice", by=dave), dave)


def test_no_superuser_counts_as_holder_of_a_permission(carol: User, admin_user: User) -> None:
    name = "auth.view_group"
    for user in (carol, admin_user):
        user.user_permissions.add(Permission.objects.get(codename="view_group"))

    assert holders_of_permission(name).get() == carol
    assert permission_holders([name], [carol.pk, admin_user.pk]) == {(name, carol.pk)}


def test_who_forked_it_and_who_started_the_first_one_count_both(vera: User, victor: User) -> None:
    viola = create_person("viola", Group.objects.get(name="finance"))
    first = ask("looked_at_twice", by=vera)
    forked, _ = fork_run(first.wait.run_id, ForkPoint("approve"), by=victor, reason="Again.")
    advance_run(forked.pk)
    request = request_of(forked)

    for by in (vera, victor):
        with pytest.raises(NotAskedError):
            say(request, by)
    say(request, viola)


def test_a_deputy_of_whoever_started_it_has_no_right_of_their_own(vera: User, victor: User) -> None:
    request = ask("looked_at_twice", by=vera)
    delegate(by=vera, to=victor, until=clock.now() + DAY)

    with pytest.raises(NotAskedError):
        say(request, victor)


# Delegation


def test_a_deputy_answers_for_somebody_until_a_date(vera: User, carol: User) -> None:
    delegate(by=vera, to=carol, until=clock.now() + DAY, reason="On holiday.")
    request = ask("explained")
    assert request.pk in most_urgent(carol, 10)
    assert request.pk in set(answerable_requests(carol).values_list("pk", flat=True))

    say(request, carol)

    [response] = request.responses.all()
    assert response.for_user == vera
    assert request.events.latest("seq").content["right"] == "deputy of vera"
    assert examine(request.wait.run).faults == []
    clock.ahead += DAY
    with pytest.raises(NotAskedError):
        say(ask("explained"), carol)


def test_a_deputy_of_an_administrator_is_not_asked_by_every_permission(
    vera: User, carol: User, admin_user: User
) -> None:
    """An administrator holds them all, without being asked by any."""
    request = ask("explained")
    assign_too(request, permission="countersign_chat.view_message")
    delegate(by=admin_user, to=carol, until=clock.now() + DAY)

    assert request.pk not in most_urgent(carol, 10)
    assert not answerable_requests(carol).filter(pk=request.pk).exists()
    assert waiting_for([carol.pk]) == {carol.pk: {}}
    with pytest.raises(NotAskedError):
        say(request, carol)


def test_a_revoked_delegation_counts_no_more(vera: User, carol: User) -> None:
    given = delegate(by=vera, to=carol, until=clock.now() + DAY)

    with pytest.raises(Delegation.DoesNotExist):
        revoke_delegation(given.pk, by=carol)
    revoke_delegation(given.pk, by=vera)

    with pytest.raises(NotAskedError):
        say(ask("explained"), carol)


def test_a_deputy_loses_what_the_giver_loses(vera: User, carol: User) -> None:
    delegate(by=vera, to=carol, until=clock.now() + DAY)
    vera.groups.clear()

    with pytest.raises(NotAskedError):
        say(ask("explained"), carol)


def test_a_delegation_that_makes_no_sense_is_refused(vera: User, carol: User) -> None:
    now = clock.now()
    with pytest.raises(OperationRefusedError, match="to yourself"):
        delegate(by=vera, to=vera, until=now + DAY)
    with pytest.raises(OperationRefusedError, match="later than the beginning"):
        delegate(by=vera, to=carol, until=now - DAY)
    with pytest.raises(OperationRefusedError, match="at most a year"):
        delegate(by=vera, to=carol, until=now + 400 * DAY)


def test_delegations_over_the_api(vera: User, carol: User) -> None:
    until = (clock.now() + DAY).isoformat()
    made = signed_in(vera).post(
        "/api/delegations", {"to": "@carol", "until": until, "reason": "Ill."}, content_type=JSON
    )
    assert made.status_code == 201, made.json()
    assert (made.json()["user"], made.json()["to"]) == ("vera", "carol")
    assert [one["reason"] for one in signed_in(carol).get("/api/delegations").json()] == ["Ill."]
    path = f"/api/delegations/{made.json()['id']}"
    assert signed_in(carol).delete(path).status_code == 404
    assert signed_in(vera).delete(path).json()["revoked_at"]
    assert signed_in(vera).get("/api/delegations").json() == []
    odd = {"to": "@carol", "until": until, "reason": "Ill.\0"}
    assert signed_in(vera).post("/api/delegations", odd, content_type=JSON).status_code == 422
    nobody = {"to": "@nobody", "until": until}
    assert signed_in(vera).post("/api/delegations", nobody, content_type=JSON).status_code == 404


# Claims


def test_a_claimed_request_is_answered_by_nobody_else(vera: User, victor: User) -> None:
    request = ask("explained")
    claim_request(request.pk, by=vera)

    with pytest.raises(ClaimedError, match="vera has claimed this request"):
        say(request, victor)
    with pytest.raises(ClaimedError):
        claim_request(request.pk, by=victor)
    with pytest.raises(ClaimedError):
        release_request(request.pk, by=victor)

    release_request(request.pk, by=vera)
    say(request, victor)
    assert kinds(request) == ["created", "claimed", "released", "answered"]
    assert examine(request.wait.run).faults == []


def test_a_claimed_request_waits_for_nobody_else(vera: User, victor: User) -> None:
    request = ask("explained")
    claim_request(request.pk, by=vera)

    waiting = waiting_for([vera.pk, victor.pk])
    assert (request.pk in waiting[vera.pk], request.pk in waiting[victor.pk]) == (True, False)
    for person, is_asked in ((vera, True), (victor, False)):
        assert answerable_requests(person).filter(pk=request.pk).exists() is is_asked
        assert (request.pk in waiting_of(person)) is is_asked
    vera.is_active = False
    vera.save()
    assert request.pk in waiting_of(victor)
    assert request.pk in waiting_for([victor.pk])[victor.pk]


def test_what_they_have_started_waits_for_others_only(vera: User, victor: User) -> None:
    request = ask("looked_at_twice", by=vera)

    waiting = waiting_for([vera.pk, victor.pk])
    assert (request.pk in waiting[vera.pk], request.pk in waiting[victor.pk]) == (False, True)
    assert request.pk not in waiting_of(vera)


def test_a_deputy_is_told_of_what_waits_for_somebody_else(vera: User, carol: User) -> None:
    delegate(by=vera, to=carol, until=clock.now() + DAY)
    request = ask("explained")

    assert request.pk in waiting_for([carol.pk])[carol.pk]
    assert people_named(request.assignees, [carol.pk]) == {carol.pk}
    [name] = request.assignees
    assert people_by_name([name], [carol.pk])[name] == {carol.pk}
    carol.email = "carol@example.org"
    carol.save()
    assert carol in people_asked(request, find_channel("mail"))


def test_nobody_claims_what_they_can_not_answer(vera: User, carol: User) -> None:
    request = ask("explained")

    with pytest.raises(NotAskedError):
        claim_request(request.pk, by=carol)
    claim_request(request.pk, by=vera)
    assert claim_request(request.pk, by=vera).claimed_by == vera
    assert kinds(request) == ["created", "claimed"]


def test_the_claim_of_somebody_who_left_counts_no_more(vera: User, victor: User) -> None:
    request = ask("explained")
    claim_request(request.pk, by=vera)
    vera.is_active = False
    vera.save()

    say(request, victor)


def test_a_reassigned_request_is_claimed_by_nobody(vera: User, carol: User, dave: User) -> None:
    request = ask("explained")
    claim_request(request.pk, by=vera)

    reassign_request(request.pk, to="@carol", by=dave, reason="She knows.")

    say(request, carol)
    assert kinds(request) == ["created", "claimed", "reassigned", "answered"]
    assert examine(request.wait.run).faults == []


def test_claims_over_the_api(vera: User, victor: User) -> None:
    request = ask("explained")
    path = f"/api/requests/{request.pk}/claim"

    assert caller(vera).post(path).json()["claimed_by"] == "vera"
    assert caller(victor).post(path).status_code == 409
    handed = signed_in(vera).post(
        f"/api/requests/{request.pk}/reassignment",
        {"to": "@victor", "reason": "He knows."},
        content_type=JSON,
    )
    assert handed.status_code == 200, handed.json()
    assert handed.json()["request"]["claimed_by"] is None
    assert caller(victor).post(path).json()["claimed_by"] == "victor"
    assert caller(victor).delete(path).json()["claimed_by"] is None


def test_who_has_seen_it_is_noted_once(vera: User, carol: User) -> None:
    request = ask("explained")

    assert caller(vera).post(f"/api/requests/{request.pk}/seen").status_code == 204
    assert not note_seen(request.pk, by=vera, channel="page")
    assert not note_seen(request.pk, by=carol, channel="page")

    assert kinds(request) == ["created", "seen"]
    assert examine(request.wait.run).faults == []


# Comments


def test_a_decision_that_needs_a_comment_is_refused_without(vera: User) -> None:
    request = ask("explained")

    with pytest.raises(AnswerError, match="“Reject” needs a comment"):
        say(request, vera, value=False)

    say(request, vera, value=False, comment="The tests fail.")
    told = caller(vera).get(f"/api/requests/{request.pk}").json()
    assert (told["risk"], told["conditions"]) == ("high", ["“Reject” needs a comment."])
