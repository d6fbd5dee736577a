"""Administrators who answer what doesn't ask them: only in person, with a reason, and marked."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from chat.models import Assignment, HumanRequest
from chat.services import (
    Answer,
    NeedsReasonError,
    NotAskedError,
    claim_request,
    delegate,
    note_seen,
    reply,
    respond,
)
from procedures.engine.errors import AnswerError
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services.ledger import examine
from tests.calls import JSON, assign_too, caller, detail, grant, request_of, run_until_it_waits
from tests.conftest import create_person
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db
WHY = "Finance is on holiday."


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root")


@pytest.fixture
def asked(bob: User, finance: Group) -> HumanRequest:
    for name in ("explained", "agreed", "revised"):
        grant(name, finance, "answer")
    return request_of(run_until_it_waits("explained"))


def faults(request: HumanRequest) -> list[str]:
    return examine(Run.objects.get(pk=request.wait.run_id)).faults


def say(request: HumanRequest, by: User, **more: Any) -> None:
    respond(request.pk, Answer(value=True, channel="page", **more), by=by)


def test_an_administrator_who_is_not_asked_needs_a_reason(asked: HumanRequest, root: User) -> None:
    for reason in ("", "  "):
        with pytest.raises(NeedsReasonError, match="you can answer it if you give a reason"):
            say(asked, root, reason=reason)

    say(asked, root, reason=WHY)

    [response] = asked.responses.all()
    assert response.reason == WHY
    entry = asked.events.latest("seq")
    assert (entry.kind, entry.name, entry.content["reason"]) == ("bypassed", "root", WHY)
    assert entry.content["right"] == "bypass: superuser"
    advance_run(asked.wait.run_id)
    assert faults(asked) == []
    closed = asked.wait.run.events.get(kind="wait.closed")
    assert (closed.content["right"], closed.content["reason"]) == ("bypass: superuser", WHY)


def test_an_administrator_who_is_asked_bypasses_nothing(
    asked: HumanRequest, root: User, finance: Group
) -> None:
    root.groups.add(finance)

    say(asked, root, reason=WHY)

    assert asked.responses.get().reason == ""
    assert list(asked.events.values_list("kind", flat=True)) == ["created", "answered"]


def test_what_asks_nobody_is_asked_of_administrators(asked: HumanRequest, root: User) -> None:
    Assignment.objects.filter(request=asked).delete()

    say(asked, root)

    assert asked.events.latest("seq").content["right"] == "administrator"


def test_others_answer_nothing_by_a_reason(asked: HumanRequest, carol: User) -> None:
    with pytest.raises(NotAskedError):
        say(asked, carol, reason=WHY)


def test_a_bypass_has_the_reason_in_the_seal_of_its_answer(asked: HumanRequest, root: User) -> None:
    say(asked, root, reason=WHY)
    advance_run(asked.wait.run_id)

    asked.responses.update(reason="Because.")

    assert any("the field reason was changed" in one for one in faults(asked))


def test_a_reason_that_can_not_be_kept_is_refused(asked: HumanRequest, root: User) -> None:
    with pytest.raises(AnswerError, match="can't be stored"):
        say(asked, root, reason="a\0b")


def test_no_token_bypasses_anything(asked: HumanRequest, root: User) -> None:
    path = f"/api/requests/{asked.pk}/response"
    body = {"value": True, "reason": WHY}

    refused = caller(root).post(path, body, content_type=JSON)

    words = "This request isn't assigned to you. finance can answer it."
    assert (
        detail(refused, 403) == f"{words} With a token, you can answer only requests that ask you."
    )
    asked.refresh_from_db()
    assert asked.is_open
    without = browser(root).post(path, {"value": True}, content_type=JSON)
    assert "if you give a reason" in detail(without, 422)
    made = browser(root).post(path, body, content_type=JSON)
    assert (made.status_code, made.json()["reason"]) == (201, WHY)
    history = caller(root).get(f"/api/requests/{asked.pk}/history").json()
    assert (history[-1]["kind"], history[-1]["reason"]) == ("bypassed", WHY)


def test_on_the_page_it_asks_for_the_reason_and_marks_the_receipt(
    asked: HumanRequest, root: User, bob: User
) -> None:
    client, path = browser(root), f"/requests/{asked.pk}"
    assert 'name="reason"' in shown(client.get(path))
    assert 'name="reason"' not in shown(browser(bob).get(path))

    refused = client.post(f"{path}/response", {"value": "true", "comment": "Fine."})
    assert refused.status_code == 422
    assert "if you give a reason" in shown(refused)
    sent = client.post(f"{path}/response", {"value": "true", "reason": WHY})

    assert sent.status_code == 302
    receipt = shown(browser(bob).get(path))
    assert "<strong>Bypass</strong>: <bdi>root</bdi> wasn't asked" in receipt.replace("&#x27;", "'")
    assert WHY in receipt
    advance_run(asked.wait.run_id)
    journal = shown(client.get(f"/runs/{asked.wait.run_id}/journal"))
    assert f"bypass by an administrator: {WHY}" in journal


def test_words_in_the_chat_are_no_bypass(asked: HumanRequest, root: User) -> None:
    told = reply(asked, "Approve", by=root)

    assert told.response is None
    assert "if you give a reason" in told.reason


def test_a_vote_and_an_ask_back_need_a_reason_too(
    asked: HumanRequest, root: User, bob: User
) -> None:
    vote = request_of(run_until_it_waits("agreed"))
    with pytest.raises(NeedsReasonError):
        say(vote, root)
    say(vote, root, reason=WHY)
    assert vote.events.latest("seq").kind == "bypassed"

    back = request_of(run_until_it_waits("revised"))
    wish: dict[str, Any] = {"comment": "Say which.", "asks_back": True}
    with pytest.raises(NeedsReasonError):
        respond(back.pk, Answer(**wish), by=root)
    respond(back.pk, Answer(**wish, reason=WHY), by=root)
    back.refresh_from_db()
    assert back.outcome == "changes_requested"
    assert faults(back) == []


def test_an_administrator_who_is_not_asked_has_not_seen_it(
    asked: HumanRequest, root: User, finance: Group
) -> None:
    assert browser(root).post(f"/requests/{asked.pk}/seen").status_code == 204
    assert list(asked.events.values_list("kind", flat=True)) == ["created"]

    root.groups.add(finance)
    assert note_seen(asked.pk, by=User.objects.get(pk=root.pk), channel="page")


# Deputies


def test_a_delegation_is_noted_when_it_begins_to_count(asked: HumanRequest, bob: User) -> None:
    deputy = create_person("dora")
    delegate(by=bob, to=deputy, until=clock.now() + timedelta(days=1), reason="Ill.")
    assert asked.events.count() == 1

    note_seen(asked.pk, by=deputy, channel="page")
    claim_request(asked.pk, by=deputy)
    say(asked, deputy)

    entries = list(asked.events.all())
    told = ["created", "delegated", "seen", "claimed", "answered"]
    assert [one.kind for one in entries] == told
    assert (entries[1].name, entries[1].content["to"]) == ("bob", ["dora"])
    assert entries[1].content["reason"] == "Ill."
    assert faults(asked) == []


def test_whoever_answers_by_an_own_right_is_no_deputy(
    asked: HumanRequest, bob: User, finance: Group
) -> None:
    colleague = create_person("clara", finance)
    delegate(by=bob, to=colleague, until=clock.now() + timedelta(days=1))

    say(asked, colleague)

    assert list(asked.events.values_list("kind", flat=True)) == ["created", "answered"]
    advance_run(asked.wait.run_id)
    assert json.loads(Run.objects.get(pk=asked.wait.run_id).result or "") == ""


def test_what_needs_a_reason_is_left_out_when_several_are_answered(
    asked: HumanRequest, bob: User, root: User, finance: Group
) -> None:
    other = request_of(run_until_it_waits("explained"))
    own, client = request_of(run_until_it_waits("explained")), browser(root)
    assign_too(own, user=root)
    sent = {"request": [f"{one.pk}:{one.version}" for one in (asked, other, own)]}

    text = shown(client.get("/inbox/bulk", sent))

    assert text.count('type="hidden" name="request"') == 1
    assert text.count("needs a reason") == 2
