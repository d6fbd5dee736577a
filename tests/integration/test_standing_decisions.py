"""Standing decisions: given with an answer, used when a run asks again, listed and revoked."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from pytest_django import Settings

from chat.models import HumanRequest, StandingDecision
from chat.services import (
    Answer,
    StandingLimits,
    delegate,
    respond,
    revoke_standing,
    undo_response,
)
from chat.services.standing_answers import answer_by_standing_decisions
from procedures.engine.errors import AnswerError
from procedures.models import ProcedureVersion, Run, Wait
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import sweep
from procedures.services.ledger import examine
from procedures.services.runs import start_found
from procedures.services.startable import find_startable
from tests.calls import JSON, caller, detail, grant
from tests.configured import configure
from tests.conftest import create_person
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
WHY = "He sent photos."


@pytest.fixture
def vera(finance: Group) -> User:
    for name in ("alike", "alike_in_a_set", "alike_in_words", "explained"):
        grant(name, finance, "answer")
        grant(name, finance, "start")
    return create_person("vera", finance)


def ask(
    name: str = "alike", *, by: User | None = None, program: str = "", **inputs: Any
) -> HumanRequest:
    run = start_found(find_startable(name, by=by, program=program), inputs).run
    advance_run(run.pk)
    return HumanRequest.objects.filter(wait__run=run).earliest("pk")


def give(
    request: HumanRequest, by: User, *, value: Any = True, uses: int = 3, **more: Any
) -> StandingDecision:
    also = StandingLimits(uses, clock.now() + more.pop("lasts", DAY))
    answer = Answer(value, WHY, **{"channel": "page", **more}, also=also)
    respond(request.pk, answer, by=by)
    return StandingDecision.objects.latest("pk")


def is_open(request: HumanRequest) -> bool:
    return HumanRequest.objects.open().filter(pk=request.pk).exists()


def result_of(request: HumanRequest) -> Any:
    advance_run(request.wait.run_id)
    run = Run.objects.get(pk=request.wait.run_id)
    assert run.status == "succeeded", run.error
    return json.loads(run.result or "")


def faults(request: HumanRequest) -> list[str]:
    return examine(Run.objects.get(pk=request.wait.run_id)).faults


def test_what_is_alike_is_answered_at_once(vera: User) -> None:
    first = ask()
    decision = give(first, vera)

    again = ask(amount="31.2")

    assert result_of(again) == [True, "vera", WHY]
    [response] = again.responses.all()
    assert (response.user, response.standing, response.channel) == (vera, decision, "standing")
    assert json.loads(response.shown)["evidence"]["amount"] == "31.2"
    entries = list(again.events.all())
    assert [one.kind for one in entries] == ["created", "answered"]
    assert entries[1].content["by_standing"] == decision.pk
    assert first.events.latest("seq").content["standing"]["uses"] == 3
    decision.refresh_from_db()
    assert decision.uses_left == 2
    for request in (first, again):
        assert faults(request) == []


@pytest.mark.parametrize(
    "inputs",
    [{"customer": "bea"}, {"amount": "31.21"}, {"amount": "1000"}],
    ids=["another customer", "more than shown", "more than allowed"],
)
def test_what_differs_is_asked(vera: User, inputs: dict[str, Any]) -> None:
    give(ask(), vera)

    assert is_open(ask(**inputs))


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"prompt": "Delete the customer?"}, True),
        ({"yes": "Delete it"}, True),
        ({"risk": "high"}, True),
        ({"explained": "approved"}, True),
        ({"options": {"air": "By air", "rail": "By rail"}}, "sea"),
        ({"options": {"sea": "By submarine", "air": "By air"}}, "sea"),
    ],
    ids=["prompt", "button", "risk", "comment", "options", "label"],
)
def test_a_question_that_means_something_else_is_asked(
    vera: User, changes: dict[str, Any], value: Any
) -> None:
    usual: dict[str, Any] = (
        {"options": {"sea": "By ship", "air": "By air"}} if "options" in changes else {}
    )
    give(ask("alike_in_words", **usual), vera, value=value)

    other = ask("alike_in_words", **{**usual, **changes})

    assert is_open(other)
    assert Run.objects.get(pk=other.wait.run_id).status == "waiting"
    assert result_of(ask("alike_in_words", **usual)) == value


def test_a_decision_beyond_the_sites_new_limits_leaves_the_request_open(
    vera: User, settings: Settings
) -> None:
    give(ask(), vera)
    configure(settings, SIZES={"comment": len(WHY) - 1})

    later = ask()

    assert is_open(later)
    assert Run.objects.get(pk=later.wait.run_id).status == "waiting"


def test_what_a_program_asks_with_the_givers_token_is_not_decided_in_advance(
    vera: User, settings: Settings
) -> None:
    configure(settings, ASKERS_MAY_ANSWER=True)
    give(ask(program="deploy-bot", by=vera), vera)

    assert is_open(ask(program="deploy-bot", by=vera))
    assert not is_open(ask(by=vera))


def test_without_decisions_one_statement_looks_for_all_questions_of_a_set(
    vera: User, django_assert_max_num_queries: Any
) -> None:
    request = ask("alike_in_a_set")
    run = Run.objects.get(pk=request.wait.run_id)
    waits = [*Wait.objects.filter(run=run, kind="request")]
    assert len(waits) == 3
    now = clock.now()

    with django_assert_max_num_queries(1):
        assert answer_by_standing_decisions(run, waits, now) == []


def test_it_counts_no_more_often_and_no_longer_than_given(vera: User) -> None:
    give(ask(), vera, uses=1)
    assert not is_open(ask())
    assert is_open(ask())

    give(ask(), vera, uses=5)
    clock.ahead += DAY
    assert is_open(ask())


def test_changed_code_is_asked_about_anew(vera: User) -> None:
    first = ask()
    decision = give(first, vera)
    other = ProcedureVersion.objects.exclude(pk=first.wait.run.version_id).earliest("pk")

    StandingDecision.objects.filter(pk=decision.pk).update(version=other)

    assert is_open(ask())


def test_the_right_is_asked_again_at_each_use(vera: User, finance: Group) -> None:
    give(ask(), vera)

    vera.groups.clear()
    assert is_open(ask())
    vera.groups.add(finance)
    assert not is_open(ask())
    vera.is_active = False
    vera.save()
    assert is_open(ask())


def test_four_eyes_are_asked_again_at_each_use(vera: User) -> None:
    give(ask(four_eyes=True), vera)

    assert is_open(ask(four_eyes=True, by=vera))
    assert not is_open(ask(four_eyes=True))


def test_undoing_the_answer_revokes_it(vera: User) -> None:
    request = ask(undo=True)
    decision = give(request, vera)
    assert is_open(ask(undo=True))  # it counts once the answer does

    undo_response(request.pk, by=vera)

    decision.refresh_from_db()
    assert decision.revoked_at
    clock.ahead += timedelta(seconds=11)
    sweep()
    assert is_open(ask(undo=True))
    assert faults(request) == []


def test_it_begins_when_the_answer_can_not_be_undone(vera: User) -> None:
    give(ask(undo=True), vera)
    clock.ahead += timedelta(seconds=11)

    later = ask(undo=True)

    assert not is_open(later)
    assert result_of(later)[:2] == [True, "vera"]


def test_a_refusal_can_be_given_in_advance_too(vera: User) -> None:
    give(ask(), vera, value=False)

    assert result_of(ask())[0] is False


def test_in_a_set_the_first_one_makes_the_others_unneeded(vera: User) -> None:
    decision = give(ask("alike_in_a_set"), vera)

    again = ask("alike_in_a_set")

    assert result_of(again) == ["pay", "approved", "withdrawn"]
    decision.refresh_from_db()
    assert decision.uses_left == 2
    assert faults(again) == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"uses": 0}, "1 to 50 later requests"),
        ({"uses": 51}, "1 to 50 later requests"),
        ({"lasts": 8 * DAY}, "for at most 7 days"),
        ({"lasts": timedelta(0)}, "for at most 7 days"),
        ({"program": "deploy-bot"}, "deputies and tokens can't"),
        ({"asks_back": True}, "can't be sent back"),
    ],
)
def test_what_can_not_be_given_leaves_the_request_open(
    vera: User, more: dict[str, Any], words: str
) -> None:
    request = ask()

    with pytest.raises(AnswerError, match=words):
        give(request, vera, **more)

    assert is_open(request)
    assert not StandingDecision.objects.exists()


def test_only_where_the_author_allows_it_and_within_the_limits(vera: User) -> None:
    for request in (ask("explained"), ask(amount="100.01")):
        with pytest.raises(AnswerError, match="can't count for later requests"):
            give(request, vera)


def test_neither_deputies_nor_administrators_give_any(vera: User, carol: User) -> None:
    delegate(by=vera, to=carol, until=clock.now() + DAY)
    root = User.objects.create_superuser("root")

    for person, reason in ((carol, ""), (root, "They are away.")):
        with pytest.raises(AnswerError, match="asked themselves"):
            give(ask(), person, reason=reason)


def test_its_giver_and_operators_revoke_it(vera: User, carol: User, dave: User) -> None:
    grant("alike", Group.objects.get(name="operators"), "operate")
    first, second = give(ask(), vera), give(ask(customer="bea"), vera)

    with pytest.raises(StandingDecision.DoesNotExist):
        revoke_standing(first.pk, by=carol)
    assert revoke_standing(first.pk, by=vera).revoked_by == vera
    assert revoke_standing(second.pk, by=dave).revoked_by == dave
    assert revoke_standing(second.pk, by=vera).revoked_by == dave  # it was revoked already

    assert is_open(ask())
    assert is_open(ask(customer="bea"))


def test_what_was_written_by_hand_decides_nothing_and_is_found(vera: User) -> None:
    first = ask()
    decision = give(first, vera)
    forged = {"limits": '{"amount":"99"}'}
    StandingDecision.objects.filter(pk=decision.pk).update(**forged)

    assert is_open(ask())
    assert any("limits" in one for one in faults(first))


def test_more_uses_than_were_given_are_found(vera: User) -> None:
    decision = give(ask(), vera, uses=1)
    ask()

    StandingDecision.objects.filter(pk=decision.pk).update(uses_left=1)

    assert any("the field uses_left was changed" in one for one in faults(decision.given_with))


# On pages and over the API


def test_the_card_offers_it_and_the_list_revokes_it(vera: User) -> None:
    request, client = ask(), browser(vera)
    page = shown(client.get(f"/requests/{request.pk}"))
    assert 'name="also_uses"' in page
    assert "≤ 31.20" in page
    answer = {"value": "true", "comment": WHY, "also_days": "3"}
    path = f"/requests/{request.pk}/response"
    refused = client.post(path, answer | {"also_uses": "many"})
    assert (refused.status_code, is_open(request)) == (422, True)

    assert client.post(path, answer | {"also_uses": "2"}).status_code == 302

    decision = StandingDecision.objects.get()
    assert (decision.uses, decision.expires_at - decision.begins_at > 2 * DAY) == (2, True)
    page = shown(client.get(f"/requests/{request.pk}"))
    assert "The answer also counts for 2 more requests" in page
    again = ask()
    receipt = shown(client.get(f"/requests/{again.pk}"))
    assert "Approved by vera's standing decision" in receipt
    listed = shown(client.get("/standing-decisions"))
    assert "1 of 2 left" in listed
    revoked = client.post(f"/standing-decisions/{decision.pk}/revocation", follow=True)
    assert "The standing decision was revoked." in shown(revoked)
    assert is_open(ask())


def test_a_card_that_can_not_be_repeated_offers_nothing(vera: User) -> None:
    for request in (ask("explained"), ask(amount="100.01")):
        assert "also_uses" not in shown(browser(vera).get(f"/requests/{request.pk}"))


def test_strangers_neither_see_nor_revoke_it(vera: User, carol: User) -> None:
    decision = give(ask(), vera)

    assert "There are no standing decisions." in shown(browser(carol).get("/standing-decisions"))
    path = f"/standing-decisions/{decision.pk}"
    assert browser(carol).post(f"{path}/revocation").status_code == 404
    assert caller(carol).delete(f"/api{path}").status_code == 404
    assert caller(carol).get("/api/standing-decisions").json() == {"items": [], "next": None}


def test_over_the_api_people_give_list_and_revoke_it(vera: User) -> None:
    request = ask()
    path = f"/api/requests/{request.pk}"
    until = (clock.now() + DAY).isoformat()
    body = {"value": True, "also": {"uses": 2, "until": until}}
    assert "deputies and tokens can't" in detail(
        caller(vera).post(f"{path}/response", body, content_type=JSON), 422
    )
    assert caller(vera).get(path).json()["repeatable"]["fields"] == ["customer"]

    made = browser(vera).post(f"{path}/response", body, content_type=JSON)

    assert made.status_code == 201, made.json()
    [one] = caller(vera).get("/api/standing-decisions").json()["items"]
    assert (one["giver"], one["procedure"], one["uses_left"]) == ("vera", "alike", 2)
    assert (one["limits"], one["given_with"]) == ({"amount": "31.20"}, str(request.pk))
    again = caller(vera).get(f"/api/requests/{ask().pk}").json()
    assert again["responses"][0]["standing"] == one["id"]
    revoked = caller(vera).delete(f"/api/standing-decisions/{one['id']}")
    assert revoked.json()["revoked_by"] == "vera"
    assert is_open(ask())
