"""Claims: who may pass a claimed request on, whose claim counts, and for whom it waits."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from chat.access import answerable_requests, most_urgent
from chat.inbox import Inbox, Tab
from chat.models import HumanRequest
from chat.services import (
    Answer,
    ClaimedError,
    claim_request,
    delegate,
    respond,
    revoke_delegation,
    waiting_for,
    waiting_of,
)
from dashboard.overview.finds import Search
from procedures.models.clock import clock
from tests.calls import JSON, assign_too, caller, detail, grant, request_of, run_until_it_waits
from tests.conftest import create_person
from tests.pages import ask_in, browser, queries_of, shown

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
DENIED = "don't have permission to reassign"


@pytest.fixture
def vera(finance: Group) -> User:
    grant("explained", finance, "answer")
    return create_person("vera", finance)


@pytest.fixture
def victor(vera: User, finance: Group) -> User:
    return create_person("victor", finance)


@pytest.fixture
def request_(vera: User) -> HumanRequest:
    return request_of(run_until_it_waits("explained"))


def reassign(client: Client, request: HumanRequest, to: str) -> Any:
    body = {"to": to, "reason": "Another knows."}
    return client.post(f"/api/requests/{request.pk}/reassignment", body, JSON)


def is_left(request: HumanRequest, user: User) -> bool:
    """Look in every list, all of which must agree."""
    person = User.objects.get(pk=user.pk)
    found = {
        "answerable": answerable_requests(person).filter(pk=request.pk).exists(),
        "urgent": request.pk in most_urgent(person, 9),
        "one": request.pk in waiting_of(person),
        "many": request.pk in waiting_for([person.pk])[person.pk],
        "inbox": request.pk in Inbox(person, Tab.GROUPS).ids(9),
    }
    assert len(set(found.values())) == 1, found
    return found["one"]


# Passing it on


def test_a_deputy_with_a_claim_takes_no_request_over_for_good(
    request_: HumanRequest, vera: User, carol: User
) -> None:
    given = delegate(by=vera, to=carol, until=clock.now() + DAY)
    claim_request(request_.pk, by=carol)

    assert DENIED in detail(reassign(browser(carol), request_, to="@carol"), 403)
    revoke_delegation(given.pk, by=vera)
    assert reassign(browser(carol), request_, to="@carol").status_code in {403, 404}

    assert [str(one) for one in request_.assignments.all()] == ["finance"]


def test_who_claimed_a_request_and_is_asked_no_more_cannot_pass_it_on(
    request_: HumanRequest, vera: User, support: Group
) -> None:
    grant("explained", support, "see")
    claim_request(request_.pk, by=vera)
    vera.groups.set([support])

    assert DENIED in detail(reassign(browser(vera), request_, to="@vera"), 403)


def test_a_claim_lets_people_pass_a_request_on_and_no_token(
    request_: HumanRequest, vera: User, victor: User
) -> None:
    claim_request(request_.pk, by=vera)

    assert DENIED in detail(reassign(caller(vera), request_, to="@victor"), 403)
    assert reassign(browser(vera), request_, to="@victor").status_code == 200
    assert [str(one) for one in request_.assignments.all()] == ["@victor"]


# Whose claim counts


@pytest.mark.parametrize("way", ["revoked", "expired", "left the group"])
def test_a_claim_counts_only_while_the_claimer_could_answer(
    request_: HumanRequest, vera: User, victor: User, carol: User, way: str
) -> None:
    given = delegate(by=vera, to=carol, until=clock.now() + DAY)
    claim_request(request_.pk, by=carol)
    assert not is_left(request_, victor)

    if way == "revoked":
        revoke_delegation(given.pk, by=vera)
    elif way == "expired":
        clock.ahead += DAY
    else:
        vera.groups.clear()

    assert is_left(request_, victor)
    assert Inbox(victor, Tab.UNCLAIMED).ids(9) == [request_.pk]
    respond(request_.pk, Answer(value=True, channel="page"), by=victor)


@pytest.mark.parametrize("way", ["taken away", "made a superuser"])
def test_a_claim_by_a_right_to_a_permission_counts_while_it_is_held_by_no_superuser(
    request_: HumanRequest, vera: User, carol: User, way: str
) -> None:
    permission = Permission.objects.get(codename="view_message")
    assign_too(request_, permission="countersign_chat.view_message")
    carol.user_permissions.add(permission)
    claim_request(request_.pk, by=User.objects.get(pk=carol.pk))
    assert not is_left(request_, vera)

    if way == "taken away":
        carol.user_permissions.clear()
    else:
        User.objects.filter(pk=carol.pk).update(is_superuser=True)

    assert is_left(request_, vera)
    respond(request_.pk, Answer(value=True, channel="page"), by=vera)


@pytest.mark.parametrize("name", ["victor", "carol"])
def test_what_somebody_has_claimed_waits_for_their_deputy_too(
    request_: HumanRequest, vera: User, victor: User, carol: User, name: str
) -> None:
    deputy = {"victor": victor, "carol": carol}[name]
    claim_request(request_.pk, by=vera)
    assert not is_left(request_, deputy)

    delegate(by=vera, to=deputy, until=clock.now() + DAY)

    deputy = User.objects.get(pk=deputy.pk)
    assert is_left(request_, deputy)
    assert Inbox(deputy, Tab.GROUPS).ids(9) == [request_.pk]
    with pytest.raises(ClaimedError):
        claim_request(request_.pk, by=deputy)
    respond(request_.pk, Answer(value=True, channel="page"), by=deputy)


def test_home_and_search_offer_only_what_is_left_to_somebody(
    request_: HumanRequest, vera: User, victor: User
) -> None:
    claim_request(request_.pk, by=vera)

    for person, is_left_ in ((vera, True), (victor, False)):
        client = browser(person)
        assert (str(request_.pk) in shown(client.get("/requests/waiting"))) is is_left_
        assert [one.key for one in Search(person, "").requests()] == [str(request_.pk)] * is_left_


def test_whoever_is_asked_learns_whom_to_ask_for_what_is_claimed(
    request_: HumanRequest, vera: User, victor: User
) -> None:
    claim_request(request_.pk, by=vera)

    page = shown(browser(victor).get(f"/requests/{request_.pk}"))

    assert "Ask <bdi>vera</bdi> to release the request if you should answer it instead." in page
    assert "isn't assigned to you" not in page


def test_a_transcript_reads_nothing_for_a_single_claimed_request(
    request_: HumanRequest, alice: User, vera: User, victor: User
) -> None:
    """Its words come from what the page has read for all of its requests."""
    path, client = f"/chat/{request_.session_id}", browser(victor)

    def statements_with_claimed(count: int) -> int:
        for _ in range(count):
            claim_request(ask_in(request_.session, "approval", by=alice).pk, by=vera)
        return len(queries_of(client, path))

    before = statements_with_claimed(1)
    assert statements_with_claimed(2) == before
    assert shown(client.get(path)).count("Ask <bdi>vera</bdi> to release the request") == 3
