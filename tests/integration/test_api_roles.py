"""Rights to see, start, answer and operate: each success beside its refusal."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User

from chat.models import HumanRequest
from procedures.models import Grant, Run
from tests.calls import caller, grant, request_of, respond, run_until_it_waits

RUNS = "/api/procedures/assigned_question/runs"
JSON = "application/json"


@pytest.fixture(autouse=True)
def roles(support: Group, finance: Group, operators: Group) -> None:
    """alice's group starts, bob's answers, dave's operates; carol has none."""
    grant("assigned_question", support, "start")
    grant("assigned_question", finance, "answer")
    grant("assigned_question", operators, "operate")


def asked(*whom: str, by: User | None = None) -> HumanRequest:
    return request_of(run_until_it_waits("assigned_question", by=by, whom=whom))


def start(user: User) -> Any:
    return caller(user).post(RUNS, {"whom": []}, JSON)


def status(user: User, path: str) -> int:
    return int(caller(user).get(f"/api/{path}").status_code)


# Roles


def test_starters_start_and_others_are_told_whom_to_ask(
    alice: User, bob: User, dave: User, carol: User
) -> None:
    assert start(alice).status_code == 201
    for person in (bob, dave):
        refused = start(person)
        assert refused.status_code == 403
        assert refused.json()["detail"] == (
            "You don't have permission to start Assigned question. Members of support can."
        )
    assert start(carol).status_code == 404


def test_any_role_shows_the_procedure(alice: User, bob: User, dave: User, carol: User) -> None:
    for person in (alice, bob, dave):
        assert status(person, "procedures/assigned_question") == 200
    assert status(carol, "procedures/assigned_question") == 404


def test_a_run_is_seen_by_its_starter_the_asked_and_its_operators(
    alice: User, bob: User, dave: User, carol: User
) -> None:
    run = asked(by=alice).wait.run

    for person in (alice, bob, dave):
        assert status(person, f"runs/{run.pk}") == 200
    assert status(carol, f"runs/{run.pk}") == 404


def test_the_role_see_shows_every_run_and_starts_none(carol: User) -> None:
    run = asked().wait.run
    viewers = Group.objects.create(name="viewers")
    carol.groups.add(viewers)
    assert status(carol, f"runs/{run.pk}") == 404

    grant("assigned_question", viewers, "see")

    assert status(carol, f"runs/{run.pk}") == 200
    assert start(carol).status_code == 403
    assert respond(caller(carol), request_of(run), value=True).status_code == 403


def test_starters_do_not_see_each_others_runs(alice: User, support: Group, carol: User) -> None:
    carol.groups.add(support)
    run = asked(by=alice).wait.run

    assert status(carol, f"runs/{run.pk}") == 404
    assert caller(carol).get("/api/runs").json()["items"] == []


def test_the_starter_sees_the_request_and_may_not_answer_it(alice: User, bob: User) -> None:
    request = asked(by=alice)

    assert status(alice, f"requests/{request.pk}") == 200
    refused = respond(caller(alice), request, value=True)
    assert refused.status_code == 403
    assert refused.json()["detail"] == (
        "This request isn't assigned to you. finance can answer it."
    )
    assert respond(caller(bob), request, value=True).status_code == 201


def test_operators_see_and_may_not_answer(dave: User) -> None:
    request = asked()

    assert status(dave, f"requests/{request.pk}") == 200
    assert respond(caller(dave), request, value=True).status_code == 403


def test_superusers_may_everything_and_answer_for_others_only_in_person(admin_user: User) -> None:
    request = asked("@nobody")

    assert start(admin_user).status_code == 201
    assert status(admin_user, f"requests/{request.pk}") == 200
    assert respond(caller(admin_user), request, value=True).status_code == 403


# Whom a request asks


def test_one_person_can_be_asked_whatever_their_groups(carol: User, bob: User) -> None:
    request = asked("@carol")

    assert status(carol, f"runs/{request.wait.run_id}") == 200
    assert status(bob, f"requests/{request.pk}") == 404
    assert respond(caller(bob), request, value=True).status_code == 404
    assert respond(caller(carol), request, value=True).status_code == 201


def test_holders_of_a_permission_can_be_asked(carol: User, bob: User) -> None:
    request = asked("perm:auth.view_group")
    assert respond(caller(carol), request, value=True).status_code == 404

    carol.user_permissions.add(Permission.objects.get(codename="view_group"))

    assert respond(caller(bob), request, value=True).status_code == 404
    assert respond(caller(carol), request, value=True).status_code == 201


def test_of_several_asked_anyone_may_answer(carol: User, dave: User) -> None:
    request = asked("operators", "@carol")

    assert set(caller(carol).get(f"/api/requests/{request.pk}").json()["assigned"]) == {
        "operators",
        "@carol",
    }
    assert respond(caller(dave), request, value=True).status_code == 201
    assert respond(caller(carol), request, value=True).status_code == 409


@pytest.mark.parametrize("whom", ["@nobody", "no such group", "@carol", "perm:no.such", "perm:"])
def test_where_somebody_unknown_is_asked_the_usual_answerers_are(
    bob: User, carol: User, whom: str
) -> None:
    User.objects.filter(pk=carol.pk).update(is_active=False)
    request = asked(whom)

    told = caller(bob).get(f"/api/requests/{request.pk}").json()

    assert told["note"] == f"Unknown assignees: {whom}. People with the role “answer” were asked."
    assert told["assigned"] == ["finance"]
    assert respond(caller(bob), request, value=True).status_code == 201


def test_where_nobody_may_answer_the_request_says_so(admin_user: User) -> None:
    Grant.objects.filter(role="answer").delete()
    request = asked()

    assert "Only administrators can answer this" in request.note


# Changes take effect at once


def test_who_leaves_the_group_may_not_answer_any_more(bob: User, finance: Group) -> None:
    request, bobs = asked(), caller(bob)
    assert bobs.get(f"/api/requests/{request.pk}").status_code == 200

    bob.groups.remove(finance)

    assert bobs.get(f"/api/requests/{request.pk}").status_code == 404
    assert respond(bobs, request, value=True).status_code == 404


def test_who_joins_the_group_may_answer(carol: User, finance: Group) -> None:
    request, carols = asked(), caller(carol)
    assert respond(carols, request, value=True).status_code == 404

    carol.groups.add(finance)

    assert respond(carols, request, value=True).status_code == 201


def test_a_grant_taken_away_ends_starting(alice: User, support: Group) -> None:
    assert start(alice).status_code == 201

    Grant.objects.filter(group=support, procedure__name="assigned_question").delete()

    assert start(alice).status_code == 404
    assert Run.objects.count() == 1


def test_somebody_deactivated_may_nothing(bob: User) -> None:
    request, bobs = asked(), caller(bob)

    User.objects.filter(pk=bob.pk).update(is_active=False)

    assert respond(bobs, request, value=True).status_code == 401
    request.refresh_from_db()
    assert request.is_open
