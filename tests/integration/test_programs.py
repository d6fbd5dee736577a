"""Programs that ask don't answer: their rights with somebody's token, by any channel."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from chat.models import Delegation, HumanRequest, RequestEvent
from chat.services import (
    Answer,
    NotAskedError,
    ProgramRefusedError,
    delegate,
    plan_notifications,
    respond,
)
from chat.services.voting import voters_among
from dashboard.models import Scope
from procedures.engine.journal.seals import PROOF
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import restart_run, verify_journal
from tests.calls import detail, grant, request_of, run_until_it_waits
from tests.calls import respond as answer
from tests.configured import configure
from tests.outside import agent, allow, allow_runs, asked_by, asked_in_a_run
from tests.pages import ask, browser, shown

pytestmark = pytest.mark.django_db
OWN = "A program asked this with your token, so somebody else must answer it."


@pytest.fixture(autouse=True)
def answering(carol: User, finance: Group) -> None:
    """Carol, whose programs ask finance, belongs to finance herself."""
    carol.groups.add(finance)
    allow(carol, finance)
    allow_runs(carol, finance)


def refusals(request: HumanRequest) -> list[dict[str, Any]]:
    found = request.events.filter(kind=RequestEvent.Kind.REFUSED)
    return [one.content for one in found]


@pytest.mark.parametrize("asking", [asked_by, asked_in_a_run])
@pytest.mark.parametrize("scope", Scope.values)
def test_a_token_of_any_scope_does_not_approve_its_own_request(
    carol: User,
    scope: str,
    asking: Callable[[Client], HumanRequest],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The token tries the API, words in the chat, and the page that a mail links to."""
    request = asking(agent(carol))
    own = agent(carol, scope)

    by_api = answer(own, request, value=True)
    link = own.post(f"/requests/{request.pk}/response", {"value": "true"})
    words = own.post(f"/chat/{request.session_id}/messages", {"text": "yes"})
    reply = {"text": "yes", "reply_to": str(request.pk)}
    by_chat = own.post(f"/api/sessions/{request.session_id}/messages", reply, "application/json")

    detail(by_api, 403)
    if scope == Scope.ANSWER:  # the words are posted, and answer nothing
        assert (by_chat.json()["reply"]["is_answer"], by_chat.json()["reply"]["reason"]) == (
            False,
            OWN,
        )
    else:
        assert "needs the scope answer" in detail(by_chat, 403)
    assert by_api.json()["detail"] == OWN or "needs the scope answer" in by_api.json()["detail"]
    assert link.status_code in {302, 403}
    assert words.status_code in {302, 403, 404}
    request.refresh_from_db()
    assert request.is_open
    if scope == Scope.ANSWER:
        [refused] = refusals(request)
        assert (refused["program"], refused["reason"]) == ("deploy-bot", OWN)
        assert caplog.text.count("by the token deploy-bot of carol") == 2


def test_every_scope_together_does_not_either(carol: User) -> None:
    own = agent(carol, *Scope.values)
    request = asked_by(own)

    assert detail(answer(own, request, value=True), 403) == OWN
    detail(own.post(f"/api/requests/{request.pk}/claim"), 403)
    item = {"request_id": str(request.pk), "version": request.version, "value": True}
    bulk = own.post("/api/inbox/responses", {"answers": [item]}, "application/json").json()
    assert [(one["result"], one["message"]) for one in bulk["results"]] == [
        ("needs_attention", OWN)
    ]


def test_the_account_does_not_answer_in_the_browser(carol: User) -> None:
    request = asked_by(agent(carol))
    client = browser(carol)

    page = shown(client.get(f"/requests/{request.pk}"))
    said = client.post(f"/requests/{request.pk}/response", {"value": "true"})

    assert 'name="value"' not in page
    assert said.status_code == 403
    assert OWN in shown(said)
    assert [one["channel"] for one in refusals(request)] == ["page"]


def test_a_setting_lets_people_answer_in_the_browser_and_never_tokens(
    carol: User, settings: Settings
) -> None:
    configure(settings, ASKERS_MAY_ANSWER=True)
    request = asked_by(agent(carol))

    assert detail(answer(agent(carol, "answer"), request, value=True), 403) == OWN
    with pytest.raises(ProgramRefusedError):
        respond(request.pk, Answer(value=True, channel="radio"), by=carol)
    said = browser(carol).post(f"/requests/{request.pk}/response", {"value": "true"})
    assert said.status_code == 302
    request.refresh_from_db()
    assert request.closed_by == "carol"


def test_somebody_else_answers(carol: User, bob: User) -> None:
    request = asked_by(agent(carol))

    assert answer(agent(bob, "answer"), request, value=True).status_code == 201

    told = request.events.filter(kind=RequestEvent.Kind.ANSWERED).get().content
    assert told["program"] == "deploy-bot"


def test_a_deputy_of_the_account_has_no_right_from_it(carol: User, alice: User) -> None:
    request = asked_by(agent(carol))
    delegate(by=carol, to=alice, until=clock.now() + timedelta(days=1))
    assert Delegation.objects.active(clock.now()).exists()

    with pytest.raises(NotAskedError):
        respond(request.pk, Answer(value=True), by=alice)


def test_the_account_does_not_count_among_those_who_may_vote(carol: User, bob: User) -> None:
    request = asked_by(agent(carol))
    asked = request.assignments.all()

    assert voters_among(asked, run=request.wait.run, question=request.asked) == {bob.pk}


def test_a_repeated_refusal_is_noted_once(carol: User) -> None:
    request, own = asked_by(agent(carol)), agent(carol, "answer")

    for _ in range(3):
        detail(answer(own, request, value=True), 403)

    assert len(refusals(request)) == 1
    assert verify_journal(request.wait.run) == []


def test_a_run_started_by_a_token_asks_by_it_too_and_so_do_its_children_and_forks(
    carol: User, bob: User
) -> None:
    grant("question", Group.objects.get(name="agents"), "start", "operate")
    own = agent(carol, *Scope.values)
    said = own.post("/api/procedures/question/runs", {}, "application/json")
    run = Run.objects.get(pk=said.json()["id"])
    advance_run(run.pk)

    assert detail(answer(own, request_of(run), value=True), 403) == OWN
    again = own.post(f"/api/runs/{run.pk}/restart", {"reason": "Again."}, "application/json")
    fork = Run.objects.get(pk=again.json()["id"])
    advance_run(fork.pk)
    assert fork.program == "deploy-bot"
    assert detail(answer(own, request_of(fork), value=True), 403) == OWN


def test_a_child_has_the_program_of_its_parent(carol: User) -> None:
    grant("calls_question", Group.objects.get(name="agents"), "start")
    own = agent(carol, *Scope.values)
    said = own.post("/api/procedures/calls_question/runs", {}, "application/json")
    advance_run(Run.objects.get(pk=said.json()["id"]).pk)
    child = Run.objects.get(parent_wait__run=said.json()["id"])
    advance_run(child.pk)

    assert child.program == "deploy-bot"
    assert detail(answer(own, request_of(child), value=True), 403) == OWN


def test_a_child_of_a_restarted_run_asks_by_the_token_that_started_the_first_run(
    carol: User, dave: User, finance: Group
) -> None:
    grant("calls_question", Group.objects.get(name="agents"), "start")
    grant("calls_question", Group.objects.get(name="operators"), "operate", "start")
    grant("question", finance, "answer")
    own = agent(carol, *Scope.values)
    said = own.post("/api/procedures/calls_question/runs", {}, "application/json")
    advance_run(Run.objects.get(pk=said.json()["id"]).pk)

    again, _ = restart_run(said.json()["id"], by=dave, reason="Again.")
    advance_run(again.pk)
    child = Run.objects.get(parent_wait__run=again)
    advance_run(child.pk)

    assert child.program == ""
    assert detail(answer(own, request_of(child), value=True), 403) == OWN


def test_what_a_person_has_started_may_be_answered_with_their_token(carol: User) -> None:
    grant("question", Group.objects.get(name="finance"), "start", "answer")
    request = request_of(run_until_it_waits("question", by=carol))

    assert answer(agent(carol, "answer"), request, value=True).status_code == 201


# Tokens among people


def test_no_token_gives_an_answer_that_cannot_be_undone(alice: User, bob: User) -> None:
    grant("final_answers", Group.objects.get(name="support"), "start")
    grant("final_answers", Group.objects.get(name="finance"), "answer")
    request = request_of(run_until_it_waits("final_answers", by=alice, kind="approval"))
    body = {"value": True, "confirm": True}
    path = f"/api/requests/{request.pk}/response"

    said = agent(bob, "answer").post(path, body, "application/json")

    assert "irreversible" in detail(said, 403)
    assert len(refusals(request)) == 1
    assert browser(bob).post(path, body, "application/json").status_code == 201


def test_no_token_answers_in_place_of_those_who_are_asked(alice: User, admin_user: User) -> None:
    request = ask("approval", by=alice)

    said = answer(agent(admin_user, "answer"), request, value=True)

    assert "With a token, you can answer only requests that ask you." in detail(said, 403)
    assert [one["program"] for one in refusals(request)] == ["deploy-bot"]


def test_a_token_named_by_nobody_is_told_by_its_first_characters(carol: User, bob: User) -> None:
    request = asked_by(agent(carol, name=""))

    assert request.wait.run.program.endswith("…")
    assert f"<bdi>carol</bdi>'s program <bdi>{request.wait.run.program}</bdi>" in shown(
        browser(bob).get(f"/requests/{request.pk}")
    )


def test_the_history_names_the_token_that_asked(carol: User) -> None:
    request = asked_by(agent(carol))

    created = request.events.get(kind=RequestEvent.Kind.CREATED).content
    assert created["program"] == "deploy-bot"
    assert PROOF not in created
    assert verify_journal(request.wait.run) == []


def test_the_account_is_not_mailed_what_it_may_not_answer(
    carol: User, bob: User, settings: Settings
) -> None:
    for user in (carol, bob):
        user.email = f"{user}@sign.example"
        user.save()
    request = asked_by(agent(carol))
    HumanRequest.objects.filter(pk=request.pk).update(notify_at=clock.now())

    plan_notifications()

    assert [one.recipient for one in request.notifications.filter(channel="mail")] == [bob]


def test_who_may_not_answer_does_not_see_it_in_the_inbox(carol: User, bob: User) -> None:
    asked_by(agent(carol))

    def waiting(user: User) -> bool:
        return "Deploy?" in shown(browser(user).get("/"))

    assert waiting(bob)
