"""Actions that several people decide about, and whose values one of them changes."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from chat.access import answerable_requests
from chat.models import HumanRequest, Notification
from chat.services import (
    AlreadyVotedError,
    Answer,
    ValuesChangedError,
    claim_request,
    respond,
    undo_response,
    waiting_for,
)
from dashboard.channels.mail import letter_of
from procedures.engine.errors import AnswerError
from procedures.models.clock import clock
from procedures.services import sweep
from procedures.services.ledger import examine
from tests.calls import JSON, caller, grant, request_of, run_until_it_waits
from tests.conftest import create_person
from tests.integration.test_votes import kinds, result_of
from tests.pages import HTMX, browser, shown

pytestmark = pytest.mark.django_db
APPROVED, REJECTED = {"decision": "approved"}, {"decision": "rejected"}


@pytest.fixture
def voters(finance: Group) -> list[User]:
    grant("packed_together", finance, "start", "answer")
    return [create_person(name, finance) for name in ("vera", "victor", "viola", "viktoria")]


def ask(**inputs: Any) -> HumanRequest:
    return request_of(run_until_it_waits("packed_together", **inputs))


def parcels(number: int) -> dict[str, Any]:
    return {**APPROVED, "values": {"parcels": number}}


def vote(request: HumanRequest, by: User, value: Any, **more: Any) -> None:
    respond(request.pk, Answer(value, channel="page", **more), by=by)
    request.refresh_from_db()


def typed_parcels(page: str) -> list[str]:
    [field] = re.findall(r'<input[^>]* name="field-parcels"[^>]*>', page)
    return re.findall(r' value="([^"]*)"', field)


def test_the_changed_values_go_back_to_the_others_and_are_what_runs(voters: list[User]) -> None:
    vera, victor, viola, _viktoria = voters
    request = ask()
    vote(request, vera, APPROVED)
    assert request.pk not in waiting_for([vera.pk])[vera.pk]

    vote(request, victor, parcels(4))

    assert request.is_open
    assert examine(request.wait.run).faults == []
    waiting = waiting_for([one.pk for one in voters])
    assert [request.pk in waiting[one.pk] for one in voters] == [True, False, True, True]
    assert answerable_requests(vera).filter(pk=request.pk).exists()
    page = shown(browser(viola).get(f"/requests/{request.pk}"))
    assert "<bdi>victor</bdi> changed the values: Parcels: 5 → 4." in page
    assert "The vote of <bdi>vera</bdi> on the earlier values no longer counts." in page
    assert "1 of 2 votes" in page
    told = caller(viola).get(f"/api/requests/{request.pk}").json()
    assert told["evidence"]["parcels"] == 4
    assert told["conditions"][1:] == [
        "victor changed the values: Parcels: 5 → 4.",
        "The vote of vera on the earlier values no longer counts.",
    ]
    with pytest.raises(AlreadyVotedError):
        vote(request, victor, parcels(3))
    vote(request, vera, parcels(4))

    assert (request.status, request.outcome, request.closed_by) == ("answered", "edited", "vera")
    assert kinds(request) == ["created", "voted", "outdated", "voted", "answered"]
    assert result_of(request) == ["edited", "4 parcels of A-7", ["victor", "vera"]]


def test_whoever_does_not_name_the_changed_values_has_not_approved_them(
    voters: list[User],
) -> None:
    vera, victor, viola, _ = voters
    request = ask()
    vote(request, vera, parcels(4))

    for said in (True, APPROVED):
        with pytest.raises(AnswerError, match="The values of this request have been changed"):
            vote(request, victor, said)
    with pytest.raises(ValuesChangedError, match="vera has changed the values"):
        vote(request, victor, parcels(5), seen="shown")
    vote(request, victor, REJECTED)
    vote(request, viola, REJECTED)

    assert result_of(request) == ["rejected", "viola"]


def test_a_page_that_shows_the_earlier_values_shows_the_new_ones_first(
    voters: list[User],
) -> None:
    vera, victor, *_ = voters
    request = ask()
    path = f"/requests/{request.pk}/response"
    old = {**APPROVED, "values": request.proposal, "field-order": "A-7", "field-parcels": "5"}
    vote(request, vera, parcels(4))

    late = browser(victor).post(path, {**old, "comment": "Fine."}, headers=HTMX)

    assert late.status_code == 409
    page = shown(late)
    assert "vera has changed the values of this request since you saw them." in page
    assert typed_parcels(page) == ["4"]
    assert "Fine." in page
    new = {**old, "values": request.proposal, "field-parcels": "4"}
    assert browser(victor).post(path, new, headers=HTMX).status_code == 200
    assert result_of(request) == ["edited", "4 parcels of A-7", ["vera", "victor"]]


def test_a_draft_of_the_earlier_values_keeps_its_comment_and_shows_the_new_values(
    voters: list[User],
) -> None:
    vera, victor, *_ = voters
    request, client = ask(), browser(victor)
    typed = {"values": request.proposal, "field-order": "A-7", "field-parcels": "6"}
    client.post(f"/requests/{request.pk}/draft", {**typed, "comment": "Fine.", "draft_version": 0})
    assert typed_parcels(shown(client.get(f"/requests/{request.pk}"))) == ["6"]

    vote(request, vera, parcels(4))

    page = shown(client.get(f"/requests/{request.pk}"))
    assert typed_parcels(page) == ["4"]
    assert "Fine." in page
    assert f"request-{request.pk}-{victor.pk}-{request.proposal}" in page


def test_with_four_eyes_somebody_else_approves_the_change_and_one_rejection_ends_it(
    voters: list[User],
) -> None:
    vera, victor, viola, _ = voters
    both: dict[str, Any] = {"quorum": 1, "four_eyes": True}
    plain, edited, rejected = (ask(by=viola, **both) for _ in range(3))

    vote(plain, vera, APPROVED)
    assert result_of(plain) == ["approved", "5 parcels of A-7", []]
    claim_request(edited.pk, by=vera)
    vote(edited, vera, parcels(4))
    assert (edited.is_open, edited.claimed_by) == (True, None)
    vote(edited, victor, parcels(4))
    assert result_of(edited) == ["edited", "4 parcels of A-7", ["vera", "victor"]]
    vote(rejected, vera, parcels(4))
    vote(rejected, victor, REJECTED)
    assert result_of(rejected) == ["rejected", "victor"]


def test_the_original_values_can_come_back_and_a_change_nobody_can_approve_is_refused(
    voters: list[User], finance: Group
) -> None:
    vera, victor, viola, viktoria = voters
    request = ask()
    vote(request, vera, parcels(4))
    vote(request, victor, parcels(5))
    assert request.change is None
    vote(request, viola, APPROVED)
    assert result_of(request) == ["approved", "5 parcels of A-7", ["victor", "viola"]]

    for one in (victor, viktoria):
        one.groups.remove(finance)
    alone = ask(by=viola, quorum=1, four_eyes=True)
    with pytest.raises(
        AnswerError, match="2 people must approve the changed values, and too few are left"
    ):
        vote(alone, vera, parcels(4))


def test_a_change_can_be_undone_and_the_earlier_votes_are_given_again(
    voters: list[User],
) -> None:
    vera, victor, viola, _ = voters
    request = ask(undo=True)
    vote(request, vera, APPROVED)
    vote(request, victor, parcels(4))

    undo_response(request.pk, by=victor)

    request.refresh_from_db()
    assert request.change is None
    for one in (vera, viola):
        vote(request, one, APPROVED)
    clock.ahead += timedelta(seconds=11)
    sweep()
    assert result_of(request) == ["approved", "5 parcels of A-7", ["vera", "viola"]]


def test_over_the_api_a_repeated_change_gets_its_response(voters: list[User]) -> None:
    request = ask()
    path = f"/api/requests/{request.pk}/response"

    made, again = (
        caller(voters[0]).post(path, {"value": parcels(4)}, content_type=JSON) for _ in range(2)
    )

    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json()["value"] == {**APPROVED, "values": {"order": "A-7", "parcels": 4}}
    refused = caller(voters[1]).post(path, {"value": True}, content_type=JSON)
    assert refused.status_code == 422


def test_whose_vote_no_longer_counts_is_notified_of_each_change(
    voters: list[User],
) -> None:
    vera, victor, viola, _ = voters
    for one in voters:
        one.email = f"{one.username}@example.org"
        one.save()
    request = ask()
    vote(request, vera, APPROVED)

    vote(request, victor, parcels(4))
    vote(request, viola, parcels(3))

    first, second = Notification.objects.filter(round__gt=0).order_by("round")
    assert (first.recipient, second.recipient) == (vera, victor)
    letter = letter_of(second)
    assert letter.subject == "Values changed, please answer: Packed together"
    assert "[Values changed]" in letter.text


def test_a_tool_runs_with_the_arguments_that_one_changed_and_others_approved(
    voters: list[User], finance: Group
) -> None:
    vera, victor, viola, _ = voters
    grant("pays_together", finance, "start", "answer")
    request = request_of(run_until_it_waits("pays_together"))
    vote(request, vera, APPROVED)
    vote(request, victor, {**APPROVED, "values": {"amount": "20"}}, comment="Half of it.")

    vote(request, viola, {**APPROVED, "values": {"amount": "20"}})

    told = "victor changed amount from '31.20' to '20' before the call was carried out (Half of it."
    assert "20 € paid back" in result_of(request)
    assert told in result_of(request)
