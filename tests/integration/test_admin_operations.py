"""Operators act in the admin: on exactly the rows they chose, and never without a reason."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.services import Answer, respond
from dashboard.demo.people import let_operators_view
from procedures.models import Run
from procedures.runner import advance_run
from tests import procedures
from tests.calls import request_of, run_until_it_waits
from tests.runs import status_of


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()


@pytest.fixture
def failed(admin_user: User) -> Run:
    run = run_until_it_waits("broken")
    respond(request_of(run).pk, Answer(value=True), by=admin_user)
    advance_run(run.pk)
    return run


@pytest.fixture
def staff(dave: User, operators: Group) -> Client:
    let_operators_view()
    User.objects.filter(pk=dave.pk).update(is_staff=True)
    client = Client()
    client.force_login(dave)
    return client


RUNS = "/admin/countersign_procedures/run/"


def test_staff_cancel_the_runs_they_chose_with_a_reason(staff: Client) -> None:
    chosen, other, done = (run_until_it_waits(n) for n in ("question", "question", "two_steps"))
    form = {"action": "cancel", "_selected_action": [str(chosen.pk), str(done.pk)]}

    asked = staff.post(RUNS, form).content.decode()
    assert "Cancel runs" in asked
    assert f'<a href="/runs/{chosen.pk}">{chosen}</a>' in asked
    assert str(other.pk) not in asked
    assert status_of(chosen) == "waiting"

    again = staff.post(RUNS, form | {"is_decided": "yes", "reason": " "}).content.decode()
    assert "This field is required" in again
    assert status_of(chosen) == "waiting"

    decided = form | {"is_decided": "yes", "reason": "Ordered twice."}
    told = staff.post(RUNS, decided, follow=True).content.decode()
    assert "The run was cancelled." in told
    assert "stays as it is. This run has already ended (succeeded)." in told
    assert [status_of(run) for run in (chosen, other, done)] == [
        "cancelled",
        "waiting",
        "succeeded",
    ]


def test_who_may_only_look_operates_nothing(staff: Client, operators: Group) -> None:
    run = run_until_it_waits("question")
    operators.permissions.remove(*operators.permissions.filter(codename__startswith="operate_"))
    form = {"action": "cancel", "_selected_action": [str(run.pk)], "is_decided": "yes"}

    staff.post(RUNS, form | {"reason": "Ordered twice."})

    assert status_of(run) == "waiting"
    assert 'value="cancel"' not in staff.get(RUNS).content.decode()


def test_a_run_in_the_admin_leads_to_its_page(staff: Client) -> None:
    run = run_until_it_waits("question")

    assert f"/runs/{run.pk}" in staff.get(f"{RUNS}{run.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("action", "title", "told", "status"),
    [
        ("pause", "Pause runs", "The run is paused.", "paused"),
        ("unpause", "Resume paused runs", "This run isn&#x27;t paused; it is waiting.", "waiting"),
        ("force_end", "End runs and their child runs at once", "The run has ended.", "cancelled"),
    ],
)
def test_staff_operate_the_runs_they_chose_with_a_reason(
    staff: Client, action: str, title: str, told: str, status: str
) -> None:
    run = run_until_it_waits("question")
    form = {"action": action, "_selected_action": [str(run.pk)]}
    decided = form | {"is_decided": "yes", "reason": "The bank is closed."}

    assert title in staff.post(RUNS, form).content.decode()
    assert told in staff.post(RUNS, decided, follow=True).content.decode()
    assert status_of(run) == status


REQUESTS = "/admin/countersign_chat/humanrequest/"


def test_staff_withdraw_requests_with_a_reason(staff: Client) -> None:
    request = request_of(run_until_it_waits("question"))
    form = {"action": "withdraw", "_selected_action": [str(request.pk)]}
    decided = form | {"is_decided": "yes", "reason": "Paid by hand."}

    assert "Withdraw requests" in staff.post(REQUESTS, form).content.decode()
    assert (
        "The request was withdrawn." in staff.post(REQUESTS, decided, follow=True).content.decode()
    )
    assert "stays as it is" in staff.post(REQUESTS, decided, follow=True).content.decode()

    request.refresh_from_db()
    assert request.status == "withdrawn"


def test_a_request_in_the_admin_leads_to_its_page(staff: Client) -> None:
    request = request_of(run_until_it_waits("question"))

    shown = staff.get(f"{REQUESTS}{request.pk}/change/").content.decode()
    assert f'href="/requests/{request.pk}"' in shown


def test_staff_retry_runs_with_a_reason(staff: Client, failed: Run) -> None:
    form = {"action": "retry", "_selected_action": [str(failed.pk)]}
    decided = form | {"is_decided": "yes", "reason": "The disk is back."}

    assert "Retry runs" in staff.post(RUNS, form).content.decode()
    assert "tries work again" in staff.post(RUNS, decided, follow=True).content.decode()
    assert status_of(failed) == "queued"


def test_staff_reassign_requests_with_a_reason(staff: Client, carol: User) -> None:
    request = request_of(run_until_it_waits("question"))
    form = {"action": "reassign", "_selected_action": [str(request.pk)]}
    decided = form | {"is_decided": "yes", "reason": "Away."}

    assert "Reassign requests" in staff.post(REQUESTS, form).content.decode()
    assert "This field is required" in staff.post(REQUESTS, decided).content.decode()
    told = staff.post(REQUESTS, decided | {"to": "@carol"}, follow=True).content.decode()
    assert "The request was reassigned to @carol." in told
