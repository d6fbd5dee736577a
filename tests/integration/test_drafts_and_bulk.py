"""Drafts that a person keeps on the server, and answers to several requests at once."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import Draft, HumanRequest
from chat.services import (
    Answer,
    BulkItem,
    BulkResult,
    DraftConflictError,
    NotAskedError,
    answer_many,
    claim_request,
    draft_of,
    respond,
    save_draft,
    undo_response,
)
from dashboard.models import ApiToken
from procedures.engine.errors import InputError
from tests.calls import JSON, caller, detail, grant, request_of, run_until_it_waits
from tests.conftest import create_person

pytestmark = pytest.mark.django_db
TYPED = {"comment": ["Seen the photo."], "value": ["31.20"]}


@pytest.fixture(autouse=True)
def answerers(finance: Group, support: Group) -> None:
    grant("inbox_item", finance, "answer")
    grant("inbox_item", support, "start")


def ask(kind: str = "approval", **options: Any) -> HumanRequest:
    return request_of(run_until_it_waits("inbox_item", prompt="Pay?", kind=kind, options=options))


# Drafts


def test_the_last_writer_who_has_seen_the_latest_version_wins(bob: User) -> None:
    request = ask()
    first = save_draft(request.pk, by=bob, values=TYPED)
    second = save_draft(request.pk, by=bob, values={"comment": ["Two"]}, version=first.version)
    assert (first.version, second.version) == (1, 2)

    for stale in (0, 1, 7):
        with pytest.raises(DraftConflictError) as refused:
            save_draft(request.pk, by=bob, values={"comment": ["Mine"]}, version=stale)
        assert refused.value.draft
        assert refused.value.draft.plain_values == {"comment": ["Two"]}

    save_draft(request.pk, by=bob, values={"comment": ["Mine"]}, version=2)
    draft = draft_of(request.pk, by=bob)
    assert draft
    assert draft.plain_values == {"comment": ["Mine"]}


def test_a_draft_is_its_writers_alone(bob: User, carol: User, finance: Group) -> None:
    ann, request = create_person("ann", finance), ask()
    save_draft(request.pk, by=bob, values=TYPED)

    assert draft_of(request.pk, by=ann) is None
    assert caller(ann).get(f"/api/requests/{request.pk}/draft").status_code == 404
    with pytest.raises(NotAskedError):
        save_draft(request.pk, by=carol, values=TYPED)


def test_what_is_too_large_or_cannot_be_stored_is_refused(bob: User) -> None:
    request = ask()
    for wrong in ("x" * 300_001, "\ud800"):
        with pytest.raises(InputError, match="values"):
            save_draft(request.pk, by=bob, values={"comment": [wrong]})
    assert draft_of(request.pk, by=bob) is None


def test_an_answer_ends_the_draft_and_drafts_of_closed_requests_go(bob: User) -> None:
    answered, other, third = ask(), ask(), ask()
    for one in (answered, other):
        save_draft(one.pk, by=bob, values=TYPED)

    path = f"/api/requests/{answered.pk}/response"
    assert caller(bob).post(path, {"value": True}, JSON).status_code == 201
    assert draft_of(answered.pk, by=bob) is None
    respond(other.pk, Answer(True, channel="mail"), by=bob)  # noqa: FBT003
    save_draft(third.pk, by=bob, values=TYPED)

    assert list(Draft.objects.values_list("request", flat=True)) == [third.pk]


def test_a_draft_stays_while_somebody_elses_answer_can_be_undone(bob: User, finance: Group) -> None:
    ann, held, other = create_person("ann", finance), ask(undo="1 min"), ask()
    save_draft(held.pk, by=bob, values=TYPED)
    respond(held.pk, Answer(True, channel="page"), by=ann)  # noqa: FBT003

    save_draft(other.pk, by=bob, values=TYPED)
    undo_response(held.pk, by=ann)

    draft = draft_of(held.pk, by=bob)
    assert draft
    assert draft.plain_values == TYPED


def test_the_api_keeps_a_draft_and_returns_both_on_a_conflict(bob: User) -> None:
    path, client = f"/api/requests/{ask().pk}/draft", caller(bob)
    assert client.get(path).status_code == 404
    assert client.put(path, {"values": TYPED}, JSON).json()["version"] == 1
    assert client.get(path).json()["values"] == TYPED

    other = {"values": {"comment": ["Other"]}}
    conflict = client.put(path, other, JSON)

    assert conflict.status_code == 409
    assert conflict.json()["stored"]["values"] == TYPED
    assert conflict.json()["sent"] == other["values"]
    assert client.put(path, {**other, "version": 1}, JSON).json()["version"] == 2
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


# Bulk


def item(request: HumanRequest, value: Any = True) -> BulkItem:  # noqa: FBT002
    return BulkItem(request.pk, request.version, value)


def test_exactly_the_named_ones_are_answered_and_each_is_reported(
    bob: User, finance: Group
) -> None:
    ann = create_person("ann", finance)
    plain, other, decided = ask(), ask(), ask()
    final, explained, claimed = ask(irreversible=True), ask(comment_required_on="rejected"), ask()
    moved, choice = ask(), ask("choice")
    respond(decided.pk, Answer(True), by=ann)  # noqa: FBT003
    claim_request(claimed.pk, by=ann)
    HumanRequest.objects.filter(pk=moved.pk).update(version=2)

    named = [plain, decided, final, explained, claimed, moved, choice]
    confirmed = Answer(channel="page", is_confirmed=True)  # which counts for one alone
    reports = answer_many([item(one, value=False) for one in named], by=bob, answer=confirmed)

    assert [report.request_id for report in reports] == [one.pk for one in named]
    attention = BulkResult.NEEDS_ATTENTION
    results = [BulkResult.APPLIED, BulkResult.ALREADY_DECIDED, *[attention] * 5]
    assert [report.result for report in reports] == results
    assert [report.message for report in reports[:1]] == [""]
    assert all(report.message for report in reports[1:])
    assert "ann has already answered" in reports[1].message
    still_open = {one.pk for one in (other, final, explained, claimed, moved, choice)}
    assert set(HumanRequest.objects.open().values_list("pk", flat=True)) == still_open


def test_nothing_is_said_about_what_a_person_may_not_see(carol: User) -> None:
    [report] = answer_many([item(ask())], by=carol, answer=Answer(channel="page"))

    assert report.result == BulkResult.NEEDS_ATTENTION
    assert report.message == "Not found, or you don't have access."


def bulk(client: Client, *answers: dict[str, Any], **more: Any) -> Any:
    return client.post("/api/inbox/responses", {"answers": list(answers), **more}, JSON)


def test_the_api_answers_several_with_one_comment(bob: User) -> None:
    first, second = ask(comment_required_on="rejected"), ask("choice")
    answers = [
        {"request_id": str(first.pk), "version": 1, "value": False},
        {"request_id": str(second.pk), "version": 1, "value": "Repair"},
    ]

    response = bulk(caller(bob), *answers, comment="Seen them all.")

    assert response.status_code == 200, response.content
    assert [one["result"] for one in response.json()["results"]] == ["applied", "applied"]
    assert {one.comment for one in (first.responses.get(), second.responses.get())} == {
        "Seen them all."
    }
    assert second.responses.get().channel == "api"


def test_the_api_takes_at_most_a_hundred_and_only_with_the_scope_answer(bob: User) -> None:
    one = {"request_id": str(ask().pk), "version": 1, "value": True}
    assert "answers" in detail_of(bulk(caller(bob)), 422)
    assert "answers" in detail_of(bulk(caller(bob), *[one] * 101), 422)

    reader = Client(
        headers={"Authorization": f"Bearer {ApiToken.create_for(bob, scopes=['read'])}"}
    )

    assert "scope answer" in detail_of(bulk(reader, one), 403)
    assert HumanRequest.objects.open().count() == 1


def detail_of(response: Any, status: int) -> str:
    detail(response, status)
    return str(response.json()["detail"])
