"""Claims: who may pass a claimed request on, whose claim counts, and for whom it waits."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import HumanRequest
from chat.services import (
    claim_request,
    delegate,
    revoke_delegation,
)
from procedures.models.clock import clock
from tests.calls import JSON, caller, detail, grant, request_of, run_until_it_waits
from tests.conftest import create_person
from tests.pages import browser

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
