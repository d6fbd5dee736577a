"""A name is an identity in history: nobody is given one that reads as somebody else."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.test import Client

from chat.services import Answer, reassign_request, respond, withdraw_request
from dashboard.demo.people import create_demo_accounts
from procedures.runner import advance_run
from procedures.services import (
    ForkPoint,
    cancel_run,
    force_end_run,
    fork_run,
    pause_run,
    restart_run,
    start_run,
)
from tests.calls import request_of, run_until_it_waits
from tests.conftest import group

RESERVED = ["system", "System", "@approver", "perm:app.code", "role:operate", "\uff53ystem"]
UNSEEN = ["fin\u200bance", "carol\u202e", "support\u3164", "a\nb"]


@pytest.mark.parametrize("name", RESERVED + UNSEEN)
def test_names_of_the_language_are_refused_everywhere(
    name: str, carol: User, admin_client: Client
) -> None:
    with pytest.raises(ValidationError, match="name"):
        User.objects.create_user(name)
    with pytest.raises(ValidationError, match="name"):
        Group.objects.create(name=name)
    form = {"username": name, "usable_password": "false"}
    for page in (f"user/{carol.pk}/change", "user/add", "group/add"):
        shown = admin_client.post(f"/admin/auth/{page}/", {**form, "name": name})
        assert shown.status_code == 200, page
        assert shown.context["errors"]
    assert not User.objects.filter(username=name).exists()
    Group.objects.create(name="the systems of role: operations")


@pytest.mark.parametrize("way", ["renamed", "deleted"])
def test_a_name_that_was_given_up_is_given_to_nobody_else(way: str, carol: User) -> None:
    first = User.objects.create_user("approver")
    team = Group.objects.create(name="auditors")
    if way == "renamed":
        first.username, team.name = "retired", "old auditors"
        first.save()
        team.save()
    else:
        first.delete()
        team.delete()

    carol.username = "approver"
    with pytest.raises(ValidationError, match="Another user"):
        carol.save()
    with pytest.raises(ValidationError, match="Another user"):
        User.objects.create_user("Approver")
    with pytest.raises(ValidationError, match="Another group"):
        Group.objects.create(name="auditors")

    if way == "renamed":  # they may have it back themselves
        first.username = "approver"
        first.save()


def test_a_name_under_which_somebody_answered_is_theirs(bob: User, admin_user: User) -> None:
    run = run_until_it_waits("question")
    respond(request_of(run).pk, Answer(value=True), by=admin_user)
    User.objects.filter(pk=admin_user.pk).update(username="root")  # past the forms

    bob.username = "admin"
    with pytest.raises(ValidationError, match="Somebody else has acted here"):
        bob.save()


def starts(by: User) -> None:
    start_run("question", {}, by=by)


def cancels(by: User) -> None:
    cancel_run(run_until_it_waits("question").pk, by=by, reason="Not needed.")


def ends_at_once(by: User) -> None:
    force_end_run(run_until_it_waits("question").pk, by=by, reason="Not needed.")


def pauses(by: User) -> None:
    pause_run(run_until_it_waits("question").pk, by=by, reason="For now.")


def restarts(by: User) -> None:
    restart_run(run_until_it_waits("question").pk, by=by, reason="Once more.")


def forks(by: User) -> None:
    run = run_until_it_waits("question")
    fork_run(run.pk, ForkPoint("before"), by=by, reason="Another way.")


def withdraws(by: User) -> None:
    asked = request_of(run_until_it_waits("question"))
    withdraw_request(asked.pk, by=by, reason="Not needed.")


def reassigns(by: User) -> None:
    asked = request_of(run_until_it_waits("question"))
    reassign_request(asked.pk, to="@bob", by=by, reason="He knows.")


def begins_a_child(by: User) -> None:
    """Nothing but the start of the child stands under the name."""
    User.objects.filter(pk=by.pk).update(username="first")
    by.refresh_from_db()
    run, _ = start_run("waiting_beside_a_child", {"fate": "abandon"}, by=by)
    User.objects.filter(pk=by.pk).update(username="admin")
    advance_run(run.pk)


ACTS = [
    *(starts, cancels, ends_at_once, pauses, restarts, forks, withdraws, reassigns),
    begins_a_child,
]


@pytest.mark.parametrize("act", ACTS)
def test_a_name_under_which_somebody_acted_is_theirs(
    act: Callable[[User], None], bob: User, admin_user: User
) -> None:
    act(admin_user)
    User.objects.filter(pk=admin_user.pk).update(username="root")  # past the forms
    admin_user.refresh_from_db()

    for name in ("admin", "Admin"):
        bob.username = name
        with pytest.raises(ValidationError, match="Somebody else has acted here"):
            bob.save()
        with pytest.raises(ValidationError, match="Somebody else has acted here"):
            User.objects.create_user(name)

    admin_user.username = "admin"
    admin_user.save()


def test_a_name_that_only_stands_in_what_others_wrote_is_free(bob: User, admin_user: User) -> None:
    text = '"by":"carol","by_id":7,'
    cancel_run(run_until_it_waits("question").pk, by=admin_user, reason=text)
    start_run("headed_evidence", {"header": text}, by=admin_user)

    bob.username = "carol"
    bob.save()


def test_a_demo_whose_people_and_groups_were_renamed_starts_again(db: None) -> None:
    create_demo_accounts()
    User.objects.get(username="outsider").delete()
    for row, name in (
        (User.objects.get(username="approver"), "username"),
        (group("finance"), "name"),
    ):
        setattr(row, name, "renamed")
        row.save()

    create_demo_accounts()

    assert set(User.objects.values_list("username", flat=True)) == {
        "starter",
        "renamed",
        "operator",
    }
