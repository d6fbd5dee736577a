"""A run of which an auditor reads a row of every kind, and what happened to it."""

from django.contrib.auth.models import User

from chat.models import Session
from chat.services import Answer, post_message, respond, withdraw_request
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import Sent, pause_run, send_signal, start_run, unpause_run
from tests.calls import request_of


def story(alice: User, bob: User, dave: User) -> Run:
    dave.is_superuser = True
    dave.save()
    run, _is_new = start_run("audited", {"note": "31"}, by=dave, idempotency_key="k-1")
    advance_all(run)
    pause_run(run.pk, by=dave, reason="Wait.")
    unpause_run(run.pk, by=dave, reason="Now.")
    send_signal(run.pk, Sent("paid", "p-1", 31), by=dave)
    send_signal(run.pk, Sent("paid", "p-2", 32), by=dave)
    advance_all(run)
    answer = Answer(value=True, comment="Fine.", channel="web", address="192.0.2.7")
    respond(request_of(run).pk, answer, by=bob)
    session = Session.objects.get()
    post_message(session, "Look at this.", by=dave, client_key="c-1")
    return run


def advance_all(run: Run) -> None:
    while queued := list(Run.objects.queued().order_by("pk")):
        for one in queued:
            advance_run(one.pk)
    run.refresh_from_db()


def finish(run: Run, by: User) -> None:
    advance_all(run)
    withdraw_request(request_of(run).pk, by=by, reason="Enough.")
    advance_all(run)
    assert run.status == "succeeded"
