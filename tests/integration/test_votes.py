"""Requests that several people must agree on."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User

from chat.access import answerable_requests
from chat.models import HumanRequest
from chat.services import (
    AlreadyAnsweredError,
    AlreadyVotedError,
    Answer,
    claim_request,
    note_seen,
    respond,
    undo_response,
    waiting_for,
    waiting_of,
    withdraw_request,
)
from dashboard.live.concerned import RunNews
from dashboard.live.marks import runs_mark
from dashboard.live.streams import Stream, heads
from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import TooLateError, sweep
from procedures.services.ledger import examine
from tests.calls import caller, grant, request_of, run_until_it_waits
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def ask(name: str = "agreed", **inputs: Any) -> HumanRequest:
    return request_of(run_until_it_waits(name, **inputs))


def vote(request: HumanRequest, by: User, value: Any = True, comment: str = "") -> None:  # noqa: FBT002
    respond(request.pk, Answer(value, comment, channel="page"), by=by)


def result_of(request: HumanRequest) -> Any:
    run = Run.objects.get(pk=request.wait.run_id)
    advance_run(run.pk)
    run.refresh_from_db()
    assert run.status == "succeeded", run.error
    assert examine(run).faults == []
    return json.loads(run.result or "")


def kinds(request: HumanRequest) -> list[str]:
    return list(request.events.values_list("kind", flat=True))


def test_the_second_vote_for_the_same_decides(voters: list[User]) -> None:
    vera, victor, _ = voters
    request = ask()

    vote(request, vera)
    request.refresh_from_db()
    assert request.is_open
    assert examine(request.wait.run).faults == []
    vote(request, victor)

    request.refresh_from_db()
    assert (request.status, request.outcome, request.closed_by) == (
        "answered",
        "approved",
        "victor",
    )
    assert kinds(request) == ["created", "voted", "answered"]
    assert result_of(request) == [True, [["vera", True], ["victor", True]]]


def test_votes_are_read_while_the_request_is_open(voters: list[User]) -> None:
    request = ask()
    vote(request, voters[0], comment="Fine.")

    page = shown(browser(voters[0]).get(f"/requests/{request.pk}"))
    assert "Your vote was counted. The request stays open until enough people agree." in page
    assert "isn't assigned to you" not in page
    told = caller(voters[1]).get(f"/api/requests/{request.pk}").json()

    assert told["quorum"] == 2
    assert told["conditions"] == ["2 people must agree."]
    assert [(one["user"], one["value"], one["comment"]) for one in told["responses"]] == [
        ("vera", True, "Fine.")
    ]


def test_no_votes_are_read_for_the_question_of_a_request_without_values_to_change(
    voters: list[User], django_assert_num_queries: Any
) -> None:
    request = HumanRequest.objects.get(pk=ask().pk)

    with django_assert_num_queries(0):
        offered = request.offered

    assert offered == request.asked


def test_the_run_says_how_many_have_voted_and_its_open_pages_learn_of_a_vote(
    voters: list[User], dave: User, operators: Group
) -> None:
    grant("agreed", operators, "see")
    request = ask()
    run = Stream("run", request.wait.run_id)
    before = heads([run])
    vote(request, voters[0])

    assert heads([run]) != before
    listed, page = (shown(browser(dave).get(path)) for path in ("/runs", f"/runs/{run.id}"))
    for text in (listed, page):
        assert "Waiting for Finance (1 of 2)" in text
        assert "1 of 2 votes so far, from vera." in text
    assert '<span class="muted">1 of 2 votes</span>' in page
    assert "1 of 2 votes so far: <bdi>vera</bdi>. <a" in page


def test_the_run_says_how_many_answers_of_a_set_have_come(
    voters: list[User], finance: Group, dave: User, operators: Group
) -> None:
    grant("three_opinions", finance, "answer")
    grant("three_opinions", operators, "see")
    request = ask("three_opinions")
    vote(request, voters[0])

    for path in ("/runs", f"/runs/{request.wait.run_id}"):
        text = shown(browser(dave).get(path))
        assert "Waiting for Finance (1 of 3)" in text
        assert "Arrived so far: 1 of 3. vera answered." in text


def test_each_person_has_one_vote(voters: list[User]) -> None:
    request = ask()
    vote(request, voters[0])

    with pytest.raises(AlreadyVotedError):
        vote(request, voters[0], value=False)

    _, is_new = respond(request.pk, Answer(value=True, channel="page"), by=voters[0])
    assert not is_new
    assert request.responses.count() == 1
    said = {"value": False}
    refused = caller(voters[0]).post(
        f"/api/requests/{request.pk}/response", said, content_type="application/json"
    )
    assert refused.status_code == 409


def test_it_is_rejected_as_soon_as_too_few_are_left(voters: list[User]) -> None:
    vera, victor, _ = voters
    request = ask(quorum=3)

    vote(request, vera)
    vote(request, victor, value=False)

    assert result_of(request)[0] is False


def test_with_a_veto_one_rejection_is_enough(voters: list[User]) -> None:
    request = ask(veto=True)

    vote(request, voters[0], value=False)

    assert result_of(request) == [False, [["vera", False]]]


def test_a_vote_is_not_the_answer_of_a_request_that_was_withdrawn(
    voters: list[User], admin_user: User
) -> None:
    request = ask()
    vote(request, voters[0])
    withdraw_request(request.pk, by=admin_user, reason="Paid twice.")

    page = shown(browser(voters[0]).get(f"/requests/{request.pk}"))

    assert "by vera" not in page
    assert f"<strong>Withdrawn by {admin_user}</strong>," in page
    assert ": Paid twice." in page
    assert "<bdi>vera</bdi> voted “Approve”." in page


def test_options_are_counted_each(voters: list[User]) -> None:
    vera, victor, viola = voters
    request = ask("chosen_together")

    vote(request, vera, "sea")
    vote(request, victor, "air")
    vote(request, viola, "air")

    assert result_of(request) == ["air", 3]


def test_only_the_deciding_vote_is_held(voters: list[User]) -> None:
    vera, victor, viola = voters
    request = ask(undo=True)
    vote(request, vera)
    vote(request, victor)

    with pytest.raises(AlreadyAnsweredError):
        vote(request, viola)
    with pytest.raises(TooLateError):
        undo_response(request.pk, by=vera)
    undo_response(request.pk, by=victor)

    request.refresh_from_db()
    assert request.is_open
    vote(request, viola)
    clock.ahead += 11 * SECOND
    sweep()
    assert result_of(request) == [True, [["vera", True], ["viola", True]]]


def test_a_vote_that_decides_nothing_can_be_undone_for_as_long(voters: list[User]) -> None:
    vera, victor, viola = voters
    request = ask(undo=True)
    vote(request, vera)

    undo_response(request.pk, by=vera)

    vote(request, victor)
    request.refresh_from_db()
    assert request.is_open
    clock.ahead += 11 * SECOND
    with pytest.raises(TooLateError):
        undo_response(request.pk, by=victor)
    vote(request, viola)
    clock.ahead += 11 * SECOND
    sweep()
    assert result_of(request)[0] is True
    assert kinds(request) == ["created", "voted", "undone", "voted", "answered"]


def test_open_lists_of_runs_are_told_of_a_vote_and_of_its_undoing(voters: list[User]) -> None:
    vera, _victor, viola = voters
    request, news = ask(undo=True), RunNews()
    run, mark = request.wait.run_id, str(runs_mark(viola))

    def told() -> tuple[set[UUID], bool]:
        """The changed runs, and whether a page that was drawn before all this is behind."""
        found = news.read((), [viola], marked=[(viola.pk, mark)])
        return found.seen.get(viola.pk, set()), bool(found.behind)

    assert told() == (set(), False)
    note_seen(request.pk, by=viola, channel="page")
    assert told() == (set(), False)
    vote(request, vera)
    assert told() == ({run}, True)
    undo_response(request.pk, by=vera)
    assert told() == ({run}, True)


def test_open_lists_of_runs_are_told_of_an_administrators_vote(
    voters: list[User], admin_user: User
) -> None:
    request, news = ask(), RunNews()
    news.read((), [voters[0]])

    answer = Answer(value=True, channel="page", reason="Finance is on holiday.")
    respond(request.pk, answer, by=admin_user)

    request.refresh_from_db()
    assert request.is_open
    assert news.read((), [voters[0]]).seen == {voters[0].pk: {request.wait.run_id}}


def test_nobody_claims_what_several_decide(voters: list[User]) -> None:
    with pytest.raises(OperationRefusedError, match="Several people"):
        claim_request(ask().pk, by=voters[0])


def test_the_card_says_if_too_few_people_are_asked(voters: list[User]) -> None:
    assert ask(quorum=len(voters)).note == ""

    assert ask(quorum=9).note == "9 people must agree, but only 3 can answer."


def test_with_four_eyes_whoever_started_it_does_not_count_among_those_who_may_vote(
    voters: list[User], finance: Group
) -> None:
    vera, victor, _viola = voters
    grant("inbox_item", finance, "start", "answer")
    both = {"quorum": 2, "four_eyes": True}
    request = ask("inbox_item", by=vera, prompt="Pay?", options=both)
    assert request.note == ""

    vote(request, victor, value=False)

    request.refresh_from_db()
    assert request.outcome == "rejected"  # only viola is left to approve it
    third = ask("inbox_item", by=vera, prompt="Pay?", options={**both, "quorum": 3})
    assert third.note == "3 people must agree, but only 2 can answer."


def test_it_waits_for_those_who_have_not_voted(voters: list[User]) -> None:
    vera, victor, _ = voters
    request = ask()
    vote(request, vera)

    waiting = waiting_for([vera.pk, victor.pk])
    assert (request.pk in waiting[vera.pk], request.pk in waiting[victor.pk]) == (False, True)
    for person, is_asked in ((vera, False), (victor, True)):
        assert answerable_requests(person).filter(pk=request.pk).exists() is is_asked
        assert (request.pk in waiting_of(person)) is is_asked
