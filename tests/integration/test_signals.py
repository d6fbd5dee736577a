"""Signals over HTTP: who may send them, and what is refused in words."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from procedures.models import Run, Signal
from procedures.runner import advance_run
from tests.calls import caller, detail, grant, request_of, respond, run_until_it_waits


@pytest.fixture
def run(alice: User, bob: User, support: Group, finance: Group, operators: Group) -> Run:
    """It waits for its first payment."""
    grant("two_payments", support, "start")
    grant("two_payments", finance, "answer")
    grant("two_payments", operators, "operate")
    run = run_until_it_waits("two_payments", by=alice)
    respond(caller(bob), request_of(run), value=True)
    advance_run(run.pk)
    run.refresh_from_db()
    return run


def send(user: User, run: Run, *, name: str = "paid", **body: Any) -> Any:
    return caller(user).post(f"/api/runs/{run.pk}/signals/{name}", body, "application/json")


def test_a_signal_is_kept_once_and_wakes_the_run(run: Run, alice: User) -> None:
    first = send(alice, run, id="p-1", value=31)
    again = send(alice, run, id="p-1", value=31)

    assert (first.status_code, again.status_code) == (201, 200)
    number = Signal.objects.get().pk
    assert first.json() == again.json() == {"id": "p-1", "name": "paid", "number": number}
    run.refresh_from_db()
    assert run.status == "queued"


def test_operators_may_send_too(run: Run, dave: User) -> None:
    assert send(dave, run, id="p-1", value=31).status_code == 201


def test_who_is_only_asked_may_not(run: Run, bob: User) -> None:
    words = detail(send(bob, run, id="p-1"), 403)

    assert words.startswith("You don't have permission to send signals to")
    assert not Signal.objects.exists()


def test_a_stranger_finds_no_run(run: Run, carol: User) -> None:
    detail(send(carol, run, id="p-1"), 404)


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        (
            "paid",
            {"value": 1},
            "Send an id with the signal. If you send the signal again with the same id and value, "
            "it counts only once.",
        ),
        *(
            (name, {"id": "p-1"}, "No run can wait for this signal. ")
            for name in ("x" * 81, "%20", "a:b", "a%23b", "a%0Ab", "a%E2%80%AEb")
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(
    run: Run, alice: User, name: str, body: dict[str, Any], words: str
) -> None:
    assert detail(send(alice, run, name=name, **body), 422).startswith(words)
    assert not Signal.objects.exists()


@pytest.mark.parametrize("body", [{"value": "much"}, {"value": 31.5}, {}])
def test_what_the_run_cannot_take_is_refused_at_the_door(
    run: Run, alice: User, body: dict[str, Any]
) -> None:
    words = detail(send(alice, run, id="p-1", **body), 422)

    assert words == (
        "The run doesn't accept this value of the signal 'paid'. The value must be "
        "a whole number like 42."
    )
    assert not Signal.objects.exists()
    assert send(alice, run, id="p-1", value=31).status_code == 201


def test_the_same_id_with_another_value_is_refused(run: Run, alice: User) -> None:
    send(alice, run, id="p-1", value=31)

    words = detail(send(alice, run, id="p-1", value=32), 422)

    assert words == "The id 'p-1' was already used with another value. Use a new id."


def test_an_ended_run_takes_none(run: Run, alice: User) -> None:
    for number in (1, 2):
        send(alice, run, id=f"p-{number}", value=number)
        advance_run(run.pk)

    assert detail(send(alice, run, id="p-3"), 422) == "This run has already ended (succeeded)."
