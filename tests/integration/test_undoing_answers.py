"""Answers that can be undone for a while: what becomes of them, over the services and the API."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import HumanRequest
from chat.services import (
    AlreadyAnsweredError,
    Answer,
    NotTheirsToUndoError,
    respond,
    undo_response,
)
from dashboard.channels.letter import letter_about
from dashboard.live.concerned import RunNews
from dashboard.live.marks import runs_mark
from procedures.engine.kinds.controls import Buttons
from procedures.models import Run, Wait
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import TooLateError, cancel_run, sweep
from procedures.services.ledger import examine
from tests.calls import caller, grant, request_of, run_until_it_waits
from tests.calls import respond as answer_by_api
from tests.pages import HTMX

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def asked(bob: User, finance: Group) -> HumanRequest:
    for name in ("undoable", "undoable_pair", "undoable_two_of_three"):
        grant(name, finance, "answer")
    return request_of(run_until_it_waits("undoable"))


def say(request: HumanRequest, value: Any = True, *, by: User, channel: str = "page") -> None:  # noqa: FBT002
    respond(request.pk, Answer(value, channel=channel), by=by)


def let_pass(length: timedelta) -> None:
    clock.ahead += length
    sweep()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def kinds(request: HumanRequest) -> list[str]:
    return list(request.events.values_list("kind", flat=True))


def result_of(request: HumanRequest) -> Any:
    run = Run.objects.get(pk=request.wait.run_id)
    advance_run(run.pk)
    run.refresh_from_db()
    assert run.status == "succeeded", run.error
    return json.loads(run.result or "")


def test_a_held_answer_closes_the_request_and_takes_effect_later(
    asked: HumanRequest, bob: User
) -> None:
    say(asked, by=bob)

    asked.refresh_from_db()
    assert (asked.status, asked.closed_by) == ("answered", "bob")
    assert asked.effective_at == asked.wait.effective_at
    assert not asked.assignments.filter(is_open=True).exists()
    assert examine(asked.wait.run).faults == []
    let_pass(11 * SECOND)
    asked.refresh_from_db()
    assert asked.effective_at is None
    assert result_of(asked) == [True, "", False]
    assert examine(Run.objects.get(pk=asked.wait.run_id)).faults == []


def test_undone_the_request_is_open_as_before(asked: HumanRequest, bob: User) -> None:
    before = asked.version
    say(asked, by=bob)

    undo_response(asked.pk, by=bob)

    asked.refresh_from_db()
    assert (asked.status, asked.outcome, asked.closed_by) == ("open", "", "")
    assert asked.closed_at is None
    assert asked.effective_at is None
    assert asked.version == before + 2
    assert asked.assignments.filter(is_open=True).exists()
    [response] = asked.responses.all()
    assert response.undone_at
    assert kinds(asked) == ["created", "answered", "undone"]
    assert examine(asked.wait.run).faults == []


def test_another_answer_counts_after_an_undo(asked: HumanRequest, bob: User) -> None:
    say(asked, value=True, by=bob)
    undo_response(asked.pk, by=bob)

    say(asked, value=False, by=bob)
    let_pass(11 * SECOND)

    assert result_of(asked)[0] is False
    assert asked.responses.count() == 2
    assert examine(Run.objects.get(pk=asked.wait.run_id)).faults == []


def test_the_same_answer_again_is_the_held_one(asked: HumanRequest, bob: User) -> None:
    first, _ = respond(asked.pk, Answer(value=True, channel="page"), by=bob)

    again, is_new = respond(asked.pk, Answer(value=True, channel="page"), by=bob)

    assert (again, is_new) == (first, False)


def test_others_are_told_that_it_is_answered(asked: HumanRequest, bob: User, carol: User) -> None:
    carol.groups.add(Group.objects.get(name="finance"))
    say(asked, by=bob)

    with pytest.raises(AlreadyAnsweredError, match="bob has already answered"):
        say(asked, value=False, by=carol)
    with pytest.raises(NotTheirsToUndoError):
        undo_response(asked.pk, by=carol)


def test_open_lists_of_runs_are_told_of_a_held_answer(asked: HumanRequest, bob: User) -> None:
    news, mark = RunNews(), str(runs_mark(bob))
    assert not news.read((), [bob], marked=[(bob.pk, mark)]).behind

    say(asked, by=bob)
    told = news.read((), [bob], marked=[(bob.pk, mark)])

    assert told.seen == {bob.pk: {asked.wait.run_id}}
    assert told.behind == {(bob.pk, mark)}


def test_from_the_moment_on_it_takes_effect_it_is_too_late(asked: HumanRequest, bob: User) -> None:
    say(asked, by=bob)
    clock.ahead += 11 * SECOND

    with pytest.raises(TooLateError):
        undo_response(asked.pk, by=bob)

    sweep()
    with pytest.raises(TooLateError):
        undo_response(asked.pk, by=bob)
    assert result_of(asked)[0] is True


def test_an_answer_by_a_program_is_never_held(asked: HumanRequest, bob: User) -> None:
    say(asked, by=bob, channel="api")

    with pytest.raises(TooLateError):
        undo_response(asked.pk, by=bob)
    assert result_of(asked)[0] is True


def test_a_deadline_that_has_passed_takes_effect_with_the_undo(bob: User, finance: Group) -> None:
    grant("undoable", finance, "answer")
    request = request_of(run_until_it_waits("undoable", expires="30s"))
    clock.ahead += 25 * SECOND
    say(request, by=bob)
    let_pass(8 * SECOND)

    undo_response(request.pk, by=bob)

    request.refresh_from_db()
    assert (request.status, request.closed_by) == ("expired", "system: deadline")
    assert kinds(request) == ["created", "answered", "undone", "expired"]
    assert result_of(request) == [False, "", True]
    assert examine(Run.objects.get(pk=request.wait.run_id)).faults == []


@pytest.mark.usefixtures("asked")
def test_what_it_makes_unneeded_is_closed_only_as_long_as_it_holds(bob: User) -> None:
    run = run_until_it_waits("undoable_pair")
    ann, ben = HumanRequest.objects.filter(wait__run=run).order_by("pk")
    say(ann, by=bob)

    ben.refresh_from_db()
    assert (ben.status, ben.effective_at is None) == ("withdrawn", False)
    assert ben.closed_why == "bob answered the related question “May ann?” with “Approve”."
    assert kinds(ben) == ["created"]
    assert examine(run).faults == []
    with pytest.raises(AlreadyAnsweredError, match="withdrawn"):
        say(ben, by=bob)

    undo_response(ann.pk, by=bob)

    ben.refresh_from_db()
    assert (ben.status, ben.closed_why) == ("open", "")
    say(ben, by=bob)
    let_pass(11 * SECOND)
    ann.refresh_from_db()
    assert (ann.status, ann.effective_at) == ("withdrawn", None)
    assert kinds(ann) == ["created", "answered", "undone", "withdrawn"]
    assert result_of(ben) == ["ben"]
    assert examine(Run.objects.get(pk=run.pk)).faults == []


def test_a_run_that_ends_meanwhile_does_not_use_the_answer(
    asked: HumanRequest, bob: User, dave: User
) -> None:
    say(asked, by=bob)

    cancel_run(asked.wait.run_id, by=dave, reason="Enough.")

    asked.refresh_from_db()
    [response] = asked.responses.all()
    assert not response.is_used
    assert (asked.status, asked.closed_by, asked.effective_at) == ("answered", "bob", None)
    why = "The run continued without this answer, which hadn't taken effect yet."
    assert asked.closed_why == why
    assert kinds(asked) == ["created", "answered", "unused"]
    with pytest.raises(TooLateError):
        undo_response(asked.pk, by=bob)
    assert examine(Run.objects.get(pk=asked.wait.run_id)).faults == []


def test_over_the_api_a_person_undoes_what_they_said_on_a_page(
    asked: HumanRequest, bob: User, carol: User
) -> None:
    say(asked, by=bob)
    path = f"/api/requests/{asked.pk}"

    assert signed_in(carol).delete(f"{path}/response").status_code == 404
    assert caller(bob).delete(f"{path}/response").status_code == 403  # no token undoes anything
    told = caller(bob).get(path).json()
    assert told["effective_at"] == told["responses"][0]["effective_at"] is not None
    undone = signed_in(bob).delete(f"{path}/response")

    assert (undone.status_code, undone.json()["status"]) == (200, "open")
    late = signed_in(bob).delete(f"{path}/response")
    assert (late.status_code, late.json()["detail"]) == (
        409,
        "You haven't answered this request, so there is nothing to undo.",
    )
    history = caller(bob).get(f"{path}/history").json()
    assert [one["kind"] for one in history] == ["created", "answered", "undone"]
    assert (history[1]["by"], history[1]["channel"]) == ("bob", "page")


@pytest.mark.usefixtures("asked")
def test_a_request_in_a_set_says_what_else_ends_it(bob: User, finance: Group) -> None:
    grant("undoable_or_time", finance, "answer")
    pair = HumanRequest.objects.filter(wait__run=run_until_it_waits("undoable_pair"))
    beside_time = request_of(run_until_it_waits("undoable_or_time"))

    first = caller(bob).get(f"/api/requests/{pair.earliest('pk').pk}").json()
    second = caller(bob).get(f"/api/requests/{beside_time.pk}").json()

    assert first["ends_with"] == [{"kind": "request", "at": None, "name": "May ben?"}]
    [timer] = second["ends_with"]
    assert (timer["kind"], timer["name"]) == ("timer", "")
    assert timer["at"] is not None


def test_on_its_page_the_answer_is_undone_by_a_button(
    asked: HumanRequest, bob: User, carol: User
) -> None:
    client, path = signed_in(bob), f"/requests/{asked.pk}"
    client.post(f"{path}/response", {"value": "true"})

    asked.refresh_from_db()
    assert not asked.is_open
    shown = client.get(path).content.decode()
    assert "Until then it can be undone." in shown
    assert ">Undo</button>" in shown
    assert b"Undo" in client.get(f"{path}/undo").content
    asked.refresh_from_db()
    assert not asked.is_open  # looking undoes nothing
    carol.groups.add(Group.objects.get(name="finance"))
    assert b"Undo" not in signed_in(carol).get(f"{path}/undo").content
    assert signed_in(carol).post(f"{path}/undo").status_code == 409

    assert client.post(f"{path}/undo").status_code == 302
    assert HumanRequest.objects.open().filter(pk=asked.pk).exists()
    late = client.post(f"{path}/undo", headers={"HX-Request": "true"})
    assert (late.status_code, b"nothing to undo" in late.content) == (409, True)


def test_neither_a_mail_link_nor_a_token_undoes_anything_by_itself(
    asked: HumanRequest, bob: User
) -> None:
    other = request_of(run_until_it_waits("undoable"))
    [path] = re.findall(r"/requests/\S+", letter_about(asked, to=bob).text)
    assert path == f"/requests/{asked.pk}"
    stranger, client = Client(), signed_in(bob)
    client.post(f"{path}/response", {"value": "true"})
    asked.refresh_from_db()
    held_until = asked.effective_at

    for answered in (stranger.get(path), stranger.post(f"{path}/undo")):
        assert answered.status_code == 302
        assert answered["Location"].startswith("/sign-in?")
    assert caller(bob).delete(f"/api{path}/response").status_code == 403
    asked.refresh_from_db()
    assert (asked.status, asked.effective_at) == ("answered", held_until)
    assert client.post(f"{path}/undo").status_code == 302
    assert HumanRequest.objects.open().filter(pk=asked.pk).exists()
    assert answer_by_api(caller(bob), other, value=True).status_code == 201
    other.refresh_from_db()
    assert other.effective_at is None, "what a token answers isn't held"


def test_a_held_answer_that_was_forged_is_found(asked: HumanRequest, bob: User) -> None:
    say(asked, by=bob)
    wait = Wait.objects.get(pk=asked.wait_id)
    forged = wait.held.replace('"value":true', '"value":false')
    assert forged != wait.held

    Wait.objects.filter(pk=wait.pk).update(held=forged)

    assert [": the field held " in one for one in examine(asked.wait.run).faults] == [True]
    let_pass(11 * SECOND)
    faults = examine(Run.objects.get(pk=asked.wait.run_id)).faults
    assert any("its history has another answer than the journal" in one for one in faults)


def test_an_undone_answer_that_is_made_to_count_is_found(asked: HumanRequest, bob: User) -> None:
    say(asked, by=bob)
    undo_response(asked.pk, by=bob)

    asked.responses.update(undone_at=None)

    assert any(": the field undone_at " in one for one in examine(asked.wait.run).faults)


def test_an_entry_that_is_taken_out_of_a_history_is_found(asked: HumanRequest, bob: User) -> None:
    say(asked, by=bob)
    undo_response(asked.pk, by=bob)

    asked.events.filter(kind="undone").delete()

    assert any("history entries should run from" in one for one in examine(asked.wait.run).faults)


def test_what_two_answers_make_unneeded_stays_so_until_both_take_effect(
    asked: HumanRequest, bob: User
) -> None:
    run = run_until_it_waits("undoable_two_of_three")
    ann, ben, cem = HumanRequest.objects.filter(wait__run=run).order_by("wait__opened_seq")
    say(ann, by=bob)
    say(cem, by=bob)

    ben.refresh_from_db()
    ann.refresh_from_db()
    assert ben.effective_at == ann.effective_at
    let_pass(6 * SECOND)
    ben.refresh_from_db()
    cem.refresh_from_db()
    assert (ben.effective_at, cem.effective_at) == (ann.effective_at, None)
    undo_response(ann.pk, by=bob)
    ben.refresh_from_db()
    assert (ben.status, ben.effective_at) == ("open", None)
    say(ben, by=bob)
    let_pass(11 * SECOND)
    assert result_of(ben) == ["cem", "ben"]


def test_whoever_undoes_an_answer_has_the_form_as_it_was_sent(bob: User, finance: Group) -> None:
    grant("inbox_item", finance, "answer")
    run = run_until_it_waits("inbox_item", prompt="Fit?", kind="review", options={"undo": "1 min"})
    request, client = request_of(run), signed_in(bob)
    [editor] = [one for one in request.asked.controls if one.name == "editor"]
    sent = {editor.sent_as: "Dear Mrs Blum,\nthank you.", "comment": "Named her."}
    buttons = next(one for one in request.asked.controls if isinstance(one, Buttons))
    sent[buttons.sent_as] = buttons.texts[0][0]
    path = f"/requests/{request.pk}"
    assert client.post(f"{path}/response", sent, headers=HTMX).status_code == 200
    request.refresh_from_db()
    assert not request.is_open

    card = client.post(f"{path}/undo", headers=HTMX).content.decode()

    for text in (card, client.get(path).content.decode()):
        assert "Dear Mrs Blum," in text
        assert "Named her." in text
