"""A signal that came early and cannot be taken is skipped: its sender can read why."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import send_signal, start_run
from procedures.services.signals import Sent
from tests.calls import caller, detail


@pytest.fixture
def run(admin_user: User) -> Run:
    return start_run("even_payment", {}, by=admin_user)[0]


def sent(run: Run, user: User, value: Any) -> dict[str, Any]:
    body = {"id": f"p-{value}", "value": value}
    address = f"/api/runs/{run.pk}/signals/paid"
    response = caller(user).post(address, body, "application/json")
    assert response.status_code == 201
    return dict(response.json())


def told_of(number: int, user: User) -> dict[str, Any]:
    return dict(caller(user).get(f"/api/signals/{number}").json())


@pytest.mark.parametrize("value", ["much", 31])
def test_the_signal_says_why_it_was_skipped(run: Run, admin_user: User, value: Any) -> None:
    number = sent(run, admin_user, value)["number"]
    assert told_of(number, admin_user)["status"] == "kept"
    for _ in range(2):
        advance_run(run.pk)

    told = told_of(number, admin_user)

    assert told["status"] == "skipped"
    assert told["reason"].startswith("The signal paid from admin was skipped")
    assert (told["run"], told["value"], told["wait"]) == (str(run.pk), value, None)


def test_a_signal_that_fits_says_what_it_closed(run: Run, admin_user: User) -> None:
    number = sent(run, admin_user, 32)["number"]
    advance_run(run.pk)

    told = told_of(number, admin_user)

    assert (told["status"], told["reason"], told["wait"]) == ("received", "", "paid")
    assert (told["id"], told["name"], told["sender"]) == ("p-32", "paid", "admin")


def test_who_may_not_see_the_run_finds_no_signal(run: Run, admin_user: User, carol: User) -> None:
    signal, _ = send_signal(run.pk, Sent("paid", "p-1", 32), by=admin_user)

    detail(caller(carol).get(f"/api/signals/{signal.pk}"), 404)
    detail(caller(admin_user).get(f"/api/signals/{2**70}"), 404)
