"""A run of which an auditor reads a row of every kind, and what happened to it."""

from functools import partial

from django.contrib.auth.models import User

from chat.models import Session
from chat.services import Answer, post_message, reassign_request, respond, withdraw_request
from procedures.engine.lifecycle.children import collect_child_results
from procedures.engine.lifecycle.deliveries import deliver
from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore
from procedures.journal import in_transaction
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


def carry_on(run: Run) -> None:
    """Advance all, and bring what runs tell each other after their commits."""
    while True:
        advance_all(run)
        parents, receivers = Run.objects.with_news_of_children(), Run.objects.with_mail()
        for pk in parents.values_list("pk", flat=True):
            in_transaction(partial(collect_child_results, run_id=pk))
        for pk in receivers.values_list("pk", flat=True):
            in_transaction(partial(deliver, run_id=pk))
        if not Run.objects.queued().exists():
            return


def finish(run: Run, by: User) -> None:
    advance_all(run)
    withdraw_request(request_of(run).pk, by=by, reason="Enough.")
    advance_all(run)
    assert run.status == "succeeded"


def family(alice: User, bob: User, dave: User) -> Run:
    """A run whose rows are counted, sent, brought by children and kept for later."""
    with use_file_store(ContentStore()):
        paper = File.store("paper.txt", "Pay.")
    inputs = {"paper": paper, "asked": ["finance", "@bob", "@alice"]}
    run, _is_new = start_run("audited_family", inputs, by=dave)
    carry_on(run)
    send_signal(run.pk, Sent("later", "l-1", 1), by=dave)
    send_signal(run.pk, Sent("later", "l-2", 2), by=dave)
    session = Session.objects.get(messages__run=run, messages__kind="run")
    for word in ("One.", "Two.", "Three."):
        post_message(session, word, by=dave)
    respond(request_of(run).pk, Answer(value="Them."), by=bob)
    carry_on(run)
    reassign_request(request_of(run).pk, to="@bob", by=dave, reason="Alice is away.")
    post_message(session, "The last word.", by=dave)
    return run
