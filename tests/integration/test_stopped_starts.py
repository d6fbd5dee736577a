"""A site, or one procedure, takes no new runs for a while; what was started continues."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.services import Answer, respond
from procedures.models import Act, Procedure, Run
from procedures.runner import advance_run
from procedures.services import (
    StartsStoppedError,
    allow_starts,
    restart_run,
    start_run,
    stop_starts,
)
from tests.calls import caller, request_of, run_until_it_waits
from tests.conftest import create_person, make_staff
from tests.pages import browser, grant_to_both, shown

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/admin/new-runs/"
NOTICE = "Closed until Monday."


def procedure(name: str = "question") -> Procedure:
    return Procedure.objects.get(name=name)


@pytest.mark.parametrize("name", ["question", ""])
def test_nobody_starts_a_stopped_procedure(name: str, admin_user: User) -> None:
    run = run_until_it_waits("question", by=admin_user)
    which = procedure(name) if name else None
    stop_starts(which, NOTICE, by=admin_user, reason="Deployment.")

    for by in (admin_user, None):
        with pytest.raises(StartsStoppedError, match=NOTICE):
            start_run("question", {}, by=by)
    with pytest.raises(StartsStoppedError, match=NOTICE):
        restart_run(run.pk, by=admin_user, reason="Again.")
    assert Run.objects.count() == 1

    allow_starts(which, by=admin_user, reason="Done.")
    assert restart_run(run.pk, by=admin_user, reason="Again.")[1]
    acts = Act.objects.filter(kind="switch").order_by("pk").values_list("words", "reason")
    assert [(NOTICE in words, reason) for words, reason in acts] == [
        (True, "Deployment."),
        (False, "Done."),
    ]


def test_other_procedures_and_runs_that_were_started_continue(admin_user: User) -> None:
    run = run_until_it_waits("question", by=admin_user)
    stop_starts(procedure(), NOTICE, by=admin_user, reason="Deployment.")

    respond(request_of(run).pk, Answer(value=True, reason="Alone."), by=admin_user)
    advance_run(run.pk)
    assert Run.objects.get(pk=run.pk).status == "succeeded"
    other = run_until_it_waits("one_of_each", by=admin_user, kind="approval")
    assert other.status == "waiting"


def test_a_repeated_request_still_gets_its_run(admin_user: User) -> None:
    first, _ = start_run("question", {}, by=admin_user, idempotency_key="a")
    stop_starts(None, NOTICE, by=admin_user, reason="Deployment.")

    again, is_new = start_run("question", {}, by=admin_user, idempotency_key="a")
    assert (again.pk, is_new) == (first.pk, False)


def test_programs_and_people_read_the_notice_and_strangers_dont(
    alice: User, admin_user: User
) -> None:
    grant_to_both("question")
    stop_starts(procedure(), NOTICE, by=admin_user, reason="Deployment.")

    told = caller(alice).post("/api/procedures/question/runs", "{}", "application/json")
    assert (told.status_code, NOTICE in told.json()["detail"]) == (409, True)
    page = browser(alice).post("/procedures/question", {})
    assert page.status_code == 409
    assert NOTICE in shown(page)
    stranger = caller(create_person("eve"))
    hidden = stranger.post("/api/procedures/question/runs", "{}", "application/json")
    assert hidden.status_code == 404


def test_administrators_stop_and_allow_new_runs(admin_client: Client) -> None:
    fields = {"procedure": procedure().pk, "notice": NOTICE, "reason": "Deployment."}
    assert NOTICE not in shown(admin_client.post(PAGE, {**fields, "notice": ""}))
    done = shown(admin_client.post(PAGE, fields, follow=True))
    assert NOTICE in done
    assert "Allow new runs" in done

    stop = procedure().stopped_starts
    assert admin_client.post(PAGE, {"allow": "x"}).status_code == 404
    done = shown(admin_client.post(PAGE, {"allow": stop.pk}, follow=True))
    assert "Nothing is blocked." in done


def test_only_those_with_the_permission_do(carol: User) -> None:
    assert browser(make_staff(carol)).get(PAGE).status_code == 403

    looking = browser(make_staff(carol, "view_stoppedstarts"))
    assert "Block new runs" not in shown(looking.get(PAGE))
    sent = {"notice": NOTICE, "reason": "Why."}
    assert looking.post(PAGE, sent).status_code == 403
    assert looking.post(PAGE, {"allow": "1"}).status_code == 403
