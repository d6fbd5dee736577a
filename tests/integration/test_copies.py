"""Restarts and forks over HTTP and in the admin, and how the pages of runs tell of them."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from procedures.models import Run
from tests.calls import JSON, caller, detail, grant, run_until_it_waits

WHY = {"reason": "It was the wrong order."}
ADMIN = "/admin/countersign_procedures/run/"


@pytest.fixture
def origin(dave: User, operators: Group) -> Run:
    run = run_until_it_waits("going_shopping", goods="milk")
    grant("going_shopping", operators, "operate", "start")
    return run


def post(user: User, run: Run, verb: str, body: dict[str, Any], key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    address = f"/api/runs/{run.pk}/{verb}"
    return caller(user).post(address, body, JSON, headers=headers)


@pytest.mark.parametrize(
    ("verb", "more", "at"),
    [
        ("restart", {"inputs": {"goods": "bread"}}, ""),
        ("fork", {"at": "may"}, "may"),
        ("fork", {"at": 2, "inputs": {"goods": "bread"}, "keep_answers": False}, "list"),
    ],
)
def test_an_operator_gets_the_new_run(
    dave: User, origin: Run, verb: str, more: dict[str, Any], at: str
) -> None:
    answers = [post(dave, origin, verb, {**WHY, **more}, key="a") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
    first, second = (answer.json() for answer in answers)
    assert first["id"] == second["id"] != str(origin.pk)
    assert (first["origin"], first["forked_at"]) == (str(origin.pk), at)
    assert first["started_by"] == "dave"
    assert first["inputs"]["goods"] == more.get("inputs", {}).get("goods", "milk")


@pytest.mark.parametrize(
    ("verb", "body", "words"),
    [
        ("restart", {}, "Give a reason"),
        ("restart", {**WHY, "inputs": {"strict": "perhaps"}}, "strict"),
        ("restart", {**WHY, "inputs": [1]}, ""),
        ("fork", WHY, "a step or wait called ''"),
        ("fork", {**WHY, "at": "buy"}, "a step or wait called 'buy'"),
        ("fork", {**WHY, "at": "9" * 5000}, "a step or wait called '999"),
        ("fork", {**WHY, "at": [1]}, "at"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(
    dave: User, origin: Run, verb: str, body: dict[str, Any], words: str
) -> None:
    assert words in detail(post(dave, origin, verb, body), 422)

    assert Run.objects.count() == 1


@pytest.mark.parametrize("verb", ["restart", "fork"])
def test_it_needs_the_roles_to_operate_and_to_start(
    alice: User, bob: User, carol: User, origin: Run, verb: str
) -> None:
    grant("going_shopping", alice.groups.get(), "see", "start")
    grant("going_shopping", bob.groups.get(), "operate")
    body = {**WHY, "at": "may"} if verb == "fork" else WHY

    assert detail(post(carol, origin, verb, body), 404)
    assert "Operators of" in detail(post(alice, origin, verb, body), 403)
    assert "permission to start" in detail(post(bob, origin, verb, body), 403)

    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("action", "more", "told", "shown"),
    [
        ("restart", {}, "The new run is", "restarted"),
        ("fork", {"at": "may", "keep_answers": "on"}, "continues from may", "forked at"),
    ],
)
def test_staff_make_new_runs_and_the_pages_lead_to_each_other(
    admin_client: Client, origin: Run, action: str, more: dict[str, str], told: str, shown: str
) -> None:
    chosen = {"action": action, "_selected_action": [str(origin.pk)]}
    form = {**chosen, "is_decided": "yes", **WHY, **more, "inputs": '{"goods": "bread"}'}

    for inputs in ("[1]", "milk", "9" * 5000, "[" * 100_000, '{"\\ud800": 1}'):
        wrong = admin_client.post(ADMIN, form | {"inputs": inputs}).content.decode()
        assert "Enter a JSON object" in wrong
    assert told in admin_client.post(ADMIN, form, follow=True).content.decode()

    copy = Run.objects.get(origin=origin)
    old, new = (admin_client.get(f"/runs/{run.pk}").content.decode() for run in (origin, copy))
    assert shown in old
    assert f'href="/runs/{copy.pk}"' in old
    assert f'from <a href="/runs/{origin.pk}"' in new


def test_nobody_is_led_to_a_run_that_they_may_not_see(
    client: Client, admin_user: User, carol: User, origin: Run
) -> None:
    own = run_until_it_waits("question")
    Run.objects.filter(pk=own.pk).update(started_by=carol, origin=origin)
    address = f'href="/runs/{origin.pk}"'

    client.force_login(carol)
    assert address not in client.get(f"/runs/{own.pk}").content.decode()
    client.force_login(admin_user)
    assert address in client.get(f"/runs/{own.pk}").content.decode()
