"""Nobody reassigns a request to where nobody can answer, unless that is what they mean."""

from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from chat.models import HumanRequest
from chat.services import NobodyToAnswerError, reassign_request
from tests.admin_acts import ALL_THE_SAME
from tests.calls import JSON, caller, detail
from tests.conftest import group
from tests.pages import shown
from tests.runs import answer

PROMPT = "Pay 31.20 €?"
REQUESTS = "/admin/countersign_chat/humanrequest/"


def test_requests_are_reassigned_to_an_empty_group_only_all_the_same(
    root: Client, asks_erin: HumanRequest
) -> None:
    group("nobodys")
    chosen = {"action": "reassign", "_selected_action": [str(asks_erin.pk)]}
    decided = {**chosen, "is_decided": "yes", "to": "nobodys", "reason": "Away."}

    first = shown(root.post(REQUESTS, chosen))
    assert ALL_THE_SAME not in first
    asked = shown(root.post(REQUESTS, decided))

    assert "Nobody could answer these requests now if they asked “nobodys”." in asked
    assert f'<a href="/requests/{asks_erin.pk}">' in asked
    assert 'type="checkbox" name="allow_unanswerable"' in asked
    assert str(asks_erin.assignments.get()) == "@erin"
    root.post(REQUESTS, {**decided, "allow_unanswerable": "on"})
    assert str(asks_erin.assignments.get()) == "nobodys"


def test_the_service_refuses_an_empty_group_and_names_the_request(
    asks_erin: HumanRequest, dave: User
) -> None:
    group("nobodys")
    reassign = partial(reassign_request, asks_erin.pk, to="nobodys", by=dave, reason="Away.")

    with pytest.raises(NobodyToAnswerError, match=f"“{PROMPT[:-1]}.” if it asked “nobodys”"):
        reassign()
    assert str(asks_erin.assignments.get()) == "@erin"

    reassign(allow_unanswerable=True)
    assert str(asks_erin.assignments.get()) == "nobodys"


def reassign(client: Client, request: HumanRequest, **body: Any) -> Any:
    said = {"reason": "Away.", **body}
    return client.post(f"/api/requests/{request.pk}/reassignment", said, JSON)


def test_the_api_refuses_an_empty_group_unless_the_caller_means_it(
    asks_erin: HumanRequest, admin_user: User
) -> None:
    group("nobodys")
    client = caller(admin_user)

    refused = detail(reassign(client, asks_erin, to="nobodys"), 409)
    assert "if it asked “nobodys”. Choose somebody else" in refused
    assert PROMPT in refused
    assert "allow_unanswerable" in refused
    assert str(asks_erin.assignments.get()) == "@erin"

    done = reassign(client, asks_erin, to="nobodys", allow_unanswerable=True).json()
    assert done["message"] == "The request was reassigned to nobodys."
    assert done["request"]["assigned"] == ["nobodys"]
    listed = client.get("/api/requests?is_unanswerable=true").json()["items"]
    assert [one["id"] for one in listed] == [str(asks_erin.pk)]

    reassign(client, asks_erin, to="finance")
    assert client.get("/api/requests?is_unanswerable=true").json()["items"] == []
    assert client.get("/api/requests?is_unanswerable=false").json()["items"] != []


def test_only_who_may_operate_requests_reassigns_them_over_http(
    asks_erin: HumanRequest, alice: User, carol: User
) -> None:
    for_alice = reassign(caller(alice), asks_erin, to="finance")

    assert "with the permission “Can withdraw and reassign requests”" in detail(for_alice, 403)
    assert reassign(caller(carol), asks_erin, to="finance").status_code == 404
    alice.user_permissions.add(Permission.objects.get(codename="operate_request"))
    alice = User.objects.get(pk=alice.pk)
    assert detail(reassign(caller(alice), asks_erin, to="finance", reason=""), 422)
    assert detail(reassign(caller(alice), asks_erin, to="nowhere"), 409)
    assert "Enter a group" in detail(reassign(caller(alice), asks_erin), 409)
    odd = detail(reassign(caller(alice), asks_erin, to=f"\u202e{'x' * 100_000}"), 409)
    assert odd.startswith("There is no “\\u202exxx")
    assert len(odd) < 200
    assert reassign(caller(alice), asks_erin, to="finance").status_code == 200
    answer(asks_erin, by=User.objects.get(username="bob"))
    assert "bob" in detail(reassign(caller(alice), asks_erin, to="finance"), 409)
