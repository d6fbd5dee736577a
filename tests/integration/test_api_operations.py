"""Operators act over HTTP: with a reason, told what became of it; nobody else does."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User

from procedures.models import Run
from tests import procedures
from tests.calls import JSON, caller, detail, grant, request_of, run_until_it_waits
from tests.runs import everything_about, status_of

WHY = {"reason": "Ordered twice."}
NAMES = {
    "cancellation": "cancel",
    "force_end": "force_end",
    "pause": "pause",
    "unpause": "unpause",
    "retry": "retry",
}


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()


@pytest.fixture
def operated(dave: User, operators: Group) -> Run:
    run = run_until_it_waits("question")
    grant("question", operators, "operate")
    return run


def post(user: User, run: Run, verb: str, body: Any = WHY) -> Any:
    return caller(user).post(f"/api/runs/{run.pk}/{verb}", body, JSON)


@pytest.mark.parametrize(
    ("verbs", "told", "status"),
    [
        (["cancellation"], "The run was cancelled.", "cancelled"),
        (["force_end"], "The run has ended.", "cancelled"),
        (["pause"], "The run is paused.", "paused"),
        (["pause", "unpause"], "The run is waiting again.", "waiting"),
    ],
)
def test_an_operator_is_told_what_became_of_the_run(
    dave: User, operated: Run, verbs: list[str], told: str, status: str
) -> None:
    answers = [post(dave, operated, verb) for verb in verbs]

    assert [answer.status_code for answer in answers] == [200] * len(verbs)
    last = answers[-1].json()
    assert (last["message"], last["run"]["status"], last["run"]["id"]) == (
        told,
        status,
        str(operated.pk),
    )
    noted = operated.events.filter(kind="operator").order_by("seq")
    assert [event.content["by"] for event in noted] == ["dave"] * len(verbs)
    assert [event.name for event in noted] == [NAMES[verb] for verb in verbs]


def test_what_failed_is_retried(dave: User, operators: Group) -> None:
    run = run_until_it_waits("flaky", failures=1, attempts=1)
    grant("flaky", operators, "operate")

    answer = post(dave, run, "retry")

    assert (answer.status_code, answer.json()["run"]["status"]) == (200, "queued")


@pytest.mark.parametrize("verb", NAMES)
def test_a_verb_needs_the_role_and_a_reason(
    alice: User, carol: User, dave: User, operated: Run, support: Group, verb: str
) -> None:
    grant("question", support, "see")
    before = everything_about(operated)

    assert detail(post(carol, operated, verb), 404)
    assert "Operators of Question" in detail(post(alice, operated, verb), 403)
    for body in ({}, {"reason": " "}, {"reason": "x" * 1001}, {"reason": "a\0b"}):
        assert detail(post(dave, operated, verb, body), 422)

    assert everything_about(operated) == before
    assert not operated.run_inputs.exists()


def test_what_cannot_be_done_now_is_refused_in_words(dave: User, operated: Run) -> None:
    assert detail(post(dave, operated, "unpause"), 409) == ("This run isn't paused; it is waiting.")
    post(dave, operated, "cancellation")
    for verb in ("cancellation", "force_end", "pause"):
        assert detail(post(dave, operated, verb), 409) == (
            "This run has already ended (cancelled)."
        )


def test_who_may_operate_every_run_needs_no_role(carol: User, operated: Run) -> None:
    carol.user_permissions.add(Permission.objects.get(codename="operate_run"))

    assert post(carol, operated, "pause").status_code == 200
    assert status_of(operated) == "paused"


BODIES = {
    "/api/runs/{run}/cancellation": WHY,
    "/api/runs/{run}/force_end": WHY,
    "/api/runs/{run}/pause": WHY,
    "/api/runs/{run}/unpause": WHY,
    "/api/runs/{run}/retry": WHY,
    "/api/runs/{run}/restart": WHY,
    "/api/runs/{run}/fork": {**WHY, "at": 1},
    "/api/runs/{run}/signals/paid": {"id": "1", "value": 1},
    "/api/requests/{request}/response": {"value": True},
    "/api/requests/{request}/reassignment": {**WHY, "to": "@bob"},
}


@pytest.mark.parametrize("name", ["input", "allow_unanswerble", "Reason"])
@pytest.mark.parametrize(("path", "body"), BODIES.items(), ids=BODIES)
def test_a_name_that_a_body_does_not_know_is_refused_and_nothing_done(
    admin_user: User, operated: Run, path: str, body: dict[str, Any], name: str
) -> None:
    """It was meant for something: inputs to start anew with, a safeguard."""
    before = everything_about(operated)
    url = path.format(run=operated.pk, request=request_of(operated).pk)

    refused = caller(admin_user).post(url, {**body, name: {"amount": "7"}}, JSON)

    assert f"{name}: isn't a known field." in detail(refused, 422)
    assert everything_about(operated) == before
    assert Run.objects.count() == 1
