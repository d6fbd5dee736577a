"""Whoever may operate every run sees every run, and whoever has started one may cancel it."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User

from procedures.models import Run
from tests.calls import caller, grant, run_until_it_waits
from tests.conftest import group
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db


def started(by: User) -> Run:
    grant("question", group("support"), "start")
    return run_until_it_waits("question", by=by)


def test_who_may_operate_every_run_sees_every_run(carol: User, alice: User) -> None:
    run = started(alice)
    paths = (f"/runs/{run.pk}", f"/runs/{run.pk}/journal", "/procedures/question")
    before = [browser(carol).get(path).status_code for path in paths]
    carol.user_permissions.add(Permission.objects.get(codename="operate_run"))
    carol = User.objects.get(pk=carol.pk)

    assert before == [404, 404, 404]
    assert [browser(carol).get(path).status_code for path in paths] == [200, 200, 200]
    assert caller(carol).get(f"/api/runs/{run.pk}").json()["id"] == str(run.pk)
    assert str(run.pk) in shown(browser(carol).get("/runs"))


VERBS = ("cancellation", "force_end", "pause", "unpause", "retry", "restart", "fork")


def test_no_verb_shows_what_a_get_does_not(carol: User, alice: User, operators: Group) -> None:
    """The status is 404 both with and without the permission, or in neither case."""
    run = started(alice)
    carol.user_permissions.add(Permission.objects.get(codename="operate_request"))

    for verb in VERBS:
        path = f"/api/runs/{run.pk}/{verb}"
        refusal = caller(carol).post(path, {"reason": "Why?"}, "application/json")
        assert (refusal.status_code, "question" in refusal.content.decode()) == (404, False)


def cancel(user: User, run: Any) -> Any:
    path = f"/api/runs/{run.pk}/cancellation"
    return caller(user).post(path, {"reason": "Ordered twice."}, "application/json")


def test_the_starter_may_cancel_and_do_nothing_else_of_an_operators(
    alice: User, bob: User, finance: Group
) -> None:
    grant("question", finance, "answer")
    run = started(alice)

    others = [
        caller(alice).post(f"/api/runs/{run.pk}/{verb}", {"reason": "x"}, "application/json")
        for verb in VERBS[1:]
    ]

    assert [other.status_code for other in others] == [403] * 6
    assert cancel(bob, run).status_code == 403
    assert cancel(alice, run).json()["message"] == "The run was cancelled."
    assert run.events.get(kind="operator").content["by"] == "alice"


def test_the_role_cancel_forbids_it_to_the_starter_and_lets_others(
    alice: User, bob: User, finance: Group
) -> None:
    grant("question", finance, "cancel")
    run = started(alice)

    assert cancel(alice, run).status_code == 403
    assert caller(bob).get(f"/api/runs/{run.pk}").status_code == 200
    assert cancel(bob, run).status_code == 200
