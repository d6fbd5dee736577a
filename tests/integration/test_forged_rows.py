"""Forgeries beside the journal are found, told and shown; what is older is not called broken."""

from io import StringIO

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client

from chat.models import HumanResponse
from chat.services import Answer, respond
from procedures.conf import conf
from procedures.engine.journal.events import NewEvent, chain
from procedures.engine.values import canonical
from procedures.files import path_of
from procedures.models import Event, Head, Run
from procedures.services.ledger import examine
from tests.audited_story import advance_all, finish, story
from tests.calls import request_of
from tests.integration.test_proven_rows import AUDITED


def test_a_response_that_was_put_in_or_taken_out_is_found(
    alice: User, bob: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    response = HumanResponse.objects.get()
    response.pk, response.user = None, dave
    response.save(force_insert=True)
    assert examine(run).faults == [
        f"Human response {response.pk}: it doesn't belong to any answer in the journal."
    ]

    HumanResponse.objects.all().delete()

    [fault] = examine(run).faults
    assert fault.startswith(f"Response to {response.request_id}: the field request was changed")


def test_an_answer_forged_before_a_worker_took_it_in_is_found(
    alice: User, bob: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    told = run.run_inputs.get(kind="wait.closed", key="approve")
    HumanResponse.objects.update(value="false")
    forged = told.data.replace('"value":true', '"value":false')
    assert forged != told.data
    run.run_inputs.filter(pk=told.pk).update(data=forged)

    finish(run, dave)

    assert (
        f"Run input {told.pk}: the field data was changed after it was written."
        in examine(run).faults
    )


@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_a_stored_file_that_is_harmed_is_named(
    harm: str, alice: User, bob: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    path = path_of(run.artifacts.get().digest)
    with default_storage.open(path) as file:
        content = file.read()
    default_storage.delete(path)
    if harm == "damaged":
        default_storage.save(path, ContentFile(content + b"0"))

    found = examine(run).faults
    default_storage.delete(path)
    default_storage.save(path, ContentFile(content))

    assert found == ["File receipt.txt: its content is damaged, or missing in the file store."]


def test_rows_of_before_the_proofs_are_older_and_not_broken(
    alice: User, bob: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    finish(run, dave)
    for one in Run.objects.all():
        as_before(one)
    run.refresh_from_db()

    verdict = examine(run)
    assert verdict.faults == []
    assert f"Run {run.pk}: its result" in verdict.older
    assert f"Human response {HumanResponse.objects.get().pk}" in verdict.older
    said = StringIO()
    call_command("verify_journal", str(run.pk), stdout=said)
    assert "because they were written before the site kept proofs: " in said.getvalue()
    assert said.getvalue().endswith("1 of 1 journals are intact.\n")


def as_before(run: Run) -> None:
    """Make its journal and its rows what this site wrote before there were proofs."""
    head, key = "", conf.LEDGER_KEY.encode()
    for event in run.events.order_by("seq"):
        new = {"proof", "at", "by_id", "responder_id", "right", "right_id", "channel", "signal_id"}
        kept = {name: one for name, one in event.content.items() if name not in new}
        draft = NewEvent(event.kind, event.key, event.name, kept)
        one = chain(draft, run_id=str(run.pk), seq=event.seq, at=event.at, head=head, key=key)
        Event.objects.filter(pk=event.pk).update(data=one.data, hash=one.hash)
        head = one.hash
    Head.objects.filter(run=run).update(hash=head)
    for label in AUDITED:
        model = apps.get_model(label)
        if hasattr(model, "proof"):
            model._default_manager.update(proof="")  # noqa: SLF001 (of any model)


def test_the_admin_says_of_a_forged_answer_that_it_differs(
    alice: User, bob: User, dave: User, admin_client: Client
) -> None:
    story(alice, bob, dave)
    response = HumanResponse.objects.get()
    page = f"/admin/countersign_chat/humanresponse/{response.pk}/change/"
    assert "This row agrees with the journal." in admin_client.get(page).content.decode()

    HumanResponse.objects.update(comment="Pay twice.")

    shown = admin_client.get(page).content.decode()
    assert "This row differs from the journal." in shown
    assert (
        f"Human response {response.pk}: the field comment was changed after it was written."
        in shown
    )
    request = admin_client.get(
        f"/admin/countersign_chat/humanrequest/{response.request_id}/change/"
    )
    assert "This row agrees with the journal." in request.content.decode()


def test_the_journal_keeps_by_what_right_and_from_where_somebody_answered(
    alice: User, bob: User, dave: User
) -> None:
    run = story(alice, bob, dave)
    advance_all(run)

    content = run.events.get(kind="wait.closed", key="approve").content
    assert content["responder_id"] == bob.pk
    assert (content["right"], content["right_id"]) == ("member of finance", bob.groups.get().pk)
    assert (content["channel"], content["evidence_digest"]) == (
        "web",
        HumanResponse.objects.get().evidence_digest,
    )
    assert "192.0.2.7" not in canonical.text_of(content)
    respond(request_of(run).pk, Answer(value="Nothing.", reason="They are away."), by=dave)
    advance_all(run)
    assert run.events.get(kind="wait.closed", key="ask").content["right"] == "bypass: superuser"
