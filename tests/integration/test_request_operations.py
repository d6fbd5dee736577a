"""Operators withdraw and reassign requests, with name and reason."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.models import HumanRequest
from chat.services import (
    AlreadyAnsweredError,
    Answer,
    NotAskedError,
    reassign_request,
    respond,
    withdraw_request,
)
from procedures.runner import advance_run
from procedures.services import OperationRefusedError
from tests import procedures
from tests.calls import caller, grant, request_of, run_until_it_waits
from tests.pages import browser, shown
from tests.runs import status_of


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()


def test_a_withdrawn_request_lets_its_run_go_on_without_a_value(
    dave: User, admin_user: User
) -> None:
    run = run_until_it_waits("question")
    request = request_of(run)

    assert withdraw_request(request.pk, by=dave, reason="Paid by hand.") == (
        "The request was withdrawn."
    )
    advance_run(run.pk)

    (decision,) = procedures.saw
    assert (decision.outcome, decision.value) == ("withdrawn", None)
    assert (decision.responder, decision.comment) == ("dave", "Paid by hand.")
    assert not decision
    assert status_of(run) == "succeeded"
    assert run.events.get(kind="operator").content["action"] == "withdraw"
    request.refresh_from_db()
    assert (request.status, request.closed_by) == ("withdrawn", "dave")
    with pytest.raises(AlreadyAnsweredError, match=r"withdrawn\. dave: Paid by hand"):
        respond(request.pk, Answer(value=True), by=admin_user)
    page = shown(browser(admin_user).get(f"/requests/{request.pk}"))
    assert "<strong>Withdrawn by dave</strong>," in page
    assert ": Paid by hand." in page


def test_who_is_not_needed_any_more_reads_who_has_answered_what(admin_user: User) -> None:
    run = run_until_it_waits("first_come", by=admin_user)
    asked = {request.wait.key: request for request in HumanRequest.objects.all()}
    respond(asked["may"].pk, Answer(value=True), by=admin_user)

    with pytest.raises(AlreadyAnsweredError) as refused:
        respond(asked["left"].pk, Answer(value="late"), by=admin_user)

    words = "admin answered the related question “Pay?” with “Pay 31 €”."
    assert str(refused.value) == f"This request was withdrawn. {words}"
    browser = Client()
    browser.force_login(admin_user)
    assert words in browser.get(f"/requests/{asked['left'].pk}").content.decode()
    shown = caller(admin_user).get(f"/api/requests/{asked['left'].pk}").json()
    assert (shown["closed_by"], shown["closed_why"]) == ("system: no longer needed", words)
    assert status_of(run) == "queued"


def test_an_answered_request_cannot_be_withdrawn(dave: User, admin_user: User) -> None:
    run = run_until_it_waits("question")
    respond(request_of(run).pk, Answer(value=True), by=admin_user)

    with pytest.raises(AlreadyAnsweredError, match="admin has already answered this"):
        withdraw_request(request_of(run).pk, by=dave, reason="Paid by hand.")

    assert not run.run_inputs.filter(kind="operator").exists()


def test_no_request_is_withdrawn_without_a_reason(dave: User) -> None:
    run = run_until_it_waits("question")

    with pytest.raises(OperationRefusedError, match="Give a reason"):
        withdraw_request(request_of(run).pk, by=dave, reason="")

    assert request_of(run).is_open


@pytest.fixture
def people(alice: User, bob: User, carol: User) -> dict[str, User]:
    """Bob is asked at first; the others by the names to reassign to."""
    return {"bob": bob, "@carol": carol, "support": alice}


@pytest.mark.parametrize("to", ["@carol", "support"])
def test_a_reassigned_request_asks_somebody_else_alone(
    people: dict[str, User], to: str, dave: User
) -> None:
    grant("question", people["bob"].groups.get(), "answer")
    run = run_until_it_waits("question")
    request = request_of(run)

    assert reassign_request(request.pk, to=to, by=dave, reason="Away.") == (
        f"The request was reassigned to {to}."
    )

    with pytest.raises(NotAskedError):
        respond(request.pk, Answer(value=True), by=people["bob"])
    respond(request.pk, Answer(value=True), by=people[to])
    advance_run(run.pk)
    assert status_of(run) == "succeeded"
    assert run.events.get(kind="operator").content == {
        "action": "reassign",
        "wait": "approve",
        "by": "dave",
        "by_id": dave.pk,
        "reason": "Away.",
        "to": to,
        "to_id": people[to].pk if to.startswith("@") else people[to].groups.get().pk,
    }


@pytest.mark.parametrize("to", ["nobody", "@nobody", "", "perm:nobody"])
def test_a_request_is_reassigned_to_nobody_unknown(dave: User, bob: User, to: str) -> None:
    grant("question", bob.groups.get(), "answer")
    request = request_of(run_until_it_waits("question"))

    with pytest.raises(OperationRefusedError, match="Enter a group"):
        reassign_request(request.pk, to=to, by=dave, reason="Away.")

    assert [str(assignment) for assignment in request.assignments.all()] == ["finance"]


def test_an_answered_request_cannot_be_reassigned(dave: User, admin_user: User) -> None:
    request = request_of(run_until_it_waits("question"))
    respond(request.pk, Answer(value=True), by=admin_user)

    with pytest.raises(AlreadyAnsweredError):
        reassign_request(request.pk, to="@dave", by=dave, reason="Away.")
