"""Lists of requests that wait for a person: their content, their order, page by page."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from chat.inbox import MOST_COUNTED, DueGroup, Filters, Inbox, InboxLists, Tab, seen_by
from chat.models import HumanRequest
from chat.services import (
    AlreadyAnsweredError,
    Answer,
    NotAskedError,
    claim_request,
    delegate,
    note_seen,
    respond,
    snooze_request,
    undo_response,
    wake_request,
)
from chat.services.waiting import waiting_of
from procedures.engine.errors import InputError
from procedures.models.clock import clock
from tests.calls import assign_too, caller, grant, request_of, run_until_it_waits
from tests.conftest import create_person

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def answerers(finance: Group, support: Group) -> None:
    grant("inbox_item", finance, "answer")
    grant("inbox_item", support, "start")


def ask(prompt: str = "Pay?", **given: Any) -> HumanRequest:
    return request_of(run_until_it_waits("inbox_item", prompt=prompt, **given))


def prompts(user: User, tab: Tab = Tab.GROUPS, **filters: Any) -> list[str]:
    rows, _ = Inbox(user, tab, Filters(**filters)).page(50)
    return [one.prompt for one in rows]


def say(request: HumanRequest, by: User, value: Any = True) -> None:  # noqa: FBT002
    respond(request.pk, Answer(value, channel="page"), by=by)


# Which list has what


def test_each_list_has_what_its_name_says(bob: User, carol: User) -> None:
    ask("For the group")
    ask("For bob", assign="@bob")
    claimed = ask("Claimed")
    claim_request(claimed.pk, by=bob)

    assert prompts(bob, Tab.MINE) == ["For bob", "Claimed"]
    assert prompts(bob, Tab.GROUPS) == ["For the group", "Claimed"]
    assert prompts(bob, Tab.UNCLAIMED) == ["For the group"]
    assert prompts(carol, Tab.MINE) == prompts(carol, Tab.GROUPS) == []


def test_what_somebody_else_has_claimed_is_in_no_list_of_others(bob: User, finance: Group) -> None:
    ann = create_person("ann", finance)
    claim_request(ask("Claimed").pk, by=ann)

    assert prompts(bob) == prompts(bob, Tab.UNCLAIMED) == []
    assert prompts(ann) == prompts(ann, Tab.MINE) == ["Claimed"]


def test_permissions_are_groups_too_and_superusers_see_all(carol: User) -> None:
    request = ask("For nobody", assign="nobody")
    assign_too(request, permission="countersign_chat.view_message")
    root = User.objects.create_superuser("root")
    assert prompts(carol) == []

    carol.user_permissions.add(Permission.objects.get(codename="view_message"))

    assert prompts(User.objects.get(pk=carol.pk)) == prompts(root) == ["For nobody"]


def test_deputies_see_what_those_are_asked_whom_they_stand_in_for(bob: User, carol: User) -> None:
    ask("For bob", assign="@bob")
    ask("For the group")
    delegate(by=bob, to=carol, until=clock.now() + DAY)

    deputy = User.objects.get(pk=carol.pk)
    assert prompts(deputy, Tab.MINE) == ["For bob"]
    assert prompts(deputy, Tab.GROUPS) == ["For the group"]


def test_what_was_answered_is_done_until_it_is_undone(bob: User) -> None:
    held, plain = ask("Held", options={"undo": "10s"}), ask("Plain")
    say(held, bob)
    say(plain, bob, value=False)
    assert prompts(bob, Tab.DONE) == ["Plain", "Held"]
    assert prompts(bob) == []

    undo_response(held.pk, by=bob)

    assert prompts(bob, Tab.DONE) == ["Plain"]
    assert prompts(bob) == ["Held"]


def test_what_may_not_be_seen_any_more_is_in_no_list(bob: User, finance: Group) -> None:
    for number in range(3):
        request = ask(f"Item {number}")
        if number == 0:
            say(request, bob)
        if number == 1:
            claim_request(request.pk, by=bob)
        if number == 2:
            snooze_request(request.pk, by=bob, until=clock.now() + HOUR)

    bob.groups.remove(finance)

    gone = User.objects.get(pk=bob.pk)
    assert [prompts(gone, tab) for tab in Tab] == [[], [], [], [], []]


def test_lists_of_a_page_are_what_each_list_reads_alone(
    bob: User, carol: User, finance: Group
) -> None:
    ann, root = create_person("ann", finance), User.objects.create_superuser("root")
    people = [ann, bob, carol, root]
    same_for_all(people)
    snooze_request(ask("Later").pk, by=bob, until=clock.now() + DAY)
    say(ask("Done"), bob)
    ask("For the group")
    same_for_all(people)
    ask("For bob", assign="@bob")
    same_for_all(people)
    claim_request(ask("Claimed").pk, by=ann)
    same_for_all(people)


def same_for_all(people: list[User]) -> None:
    """Compare the lists with and without knowing what waits, each time for new user objects."""
    for key in [one.pk for one in people]:

        def person(key: int = key) -> User:
            return User.objects.get(pk=key)

        alone = {tab: Inbox(person(), tab).ids(MOST_COUNTED) for tab in Tab}
        unknown, known = InboxLists(person()), InboxLists(person(), waiting=waiting_of(person()))
        assert {tab: unknown.ids(tab) for tab in Tab} == alone
        assert {tab: known.ids(tab) for tab in Tab} == alone


# Order, pages and filters


def test_the_most_urgent_comes_first_and_of_the_others_the_riskiest(bob: User) -> None:
    ask("Old")
    ask("Risky", options={"risk": "high"})
    ask("Tomorrow", options={"due": "30h"})
    ask("Soon", options={"due": "1h"})
    ask("Closes soon", options={"expires": "30 min", "default": False})
    ask("Harmless", options={"risk": "low"})

    expected = ["Closes soon", "Soon", "Tomorrow", "Risky", "Old", "Harmless"]
    assert prompts(bob) == expected
    assert paged(bob, 2) == expected
    assert paged(bob, 1) == expected


def paged(user: User, limit: int, tab: Tab = Tab.GROUPS) -> list[str]:
    found, after = list[str](), None
    while True:
        rows, after = Inbox(user, tab).page(limit, after=after)
        found += [one.prompt for one in rows]
        if after is None:
            return found


def test_pages_of_every_list_have_each_request_once(bob: User) -> None:
    for number in range(5):
        ask(f"Open {number}", assign="@bob", options={"due": "1h"} if number < 2 else {})
        snooze_request(ask(f"Late {number}").pk, by=bob, until=clock.now() + DAY)
        say(ask(f"Done {number}"), bob)

    for tab in (Tab.MINE, Tab.SNOOZED, Tab.DONE):
        assert len(paged(bob, 2, tab)) == len(set(paged(bob, 2, tab))) == 5


def test_somebody_in_hundreds_of_groups_has_further_pages(bob: User) -> None:
    expected = [ask(f"{number}", options={"due": "1h"}).pk for number in range(3)]
    bob.groups.add(
        *Group.objects.bulk_create(Group(name=f"group {number}") for number in range(300))
    )

    first, last = Inbox(bob, Tab.GROUPS).page(2)
    second, _ = Inbox(bob, Tab.GROUPS).page(2, after=last)

    assert {one.pk for one in (*first, *second)} == {*expected}


def test_a_page_goes_on_after_a_request_that_was_answered_meanwhile(bob: User) -> None:
    requests = [ask(f"Item {number}") for number in range(4)]
    rows, after = Inbox(bob, Tab.GROUPS).page(2)
    assert rows[-1].pk == after == requests[1].pk

    say(requests[1], bob)

    rows, after = Inbox(bob, Tab.GROUPS).page(2, after=after)
    assert [one.pk for one in rows] == [requests[2].pk, requests[3].pk]


def test_filters_narrow_a_list(bob: User) -> None:
    ask("Which lamp?", kind="choice", options={"due": "30h"})
    ask("Pay 40 €?", options={"risk": "high", "evidence": {"order": "2024-1187"}})

    assert prompts(bob, kind="choice") == ["Which lamp?"]
    assert prompts(bob, risk="high") == ["Pay 40 €?"]
    assert prompts(bob, due=DueGroup.LATER) == ["Which lamp?"]
    assert prompts(bob, due=DueGroup.NONE) == ["Pay 40 €?"]
    assert prompts(bob, due=DueGroup.OVERDUE) == prompts(bob, due=DueGroup.TODAY, q="x") == []
    assert prompts(bob, q="LAMP") == ["Which lamp?"]
    assert prompts(bob, q="2024-1187") == ["Pay 40 €?"]
    assert prompts(bob, procedure="inbox_item") != prompts(bob, procedure="question") == []


def test_lists_are_counted_up_to_a_hundred(bob: User) -> None:
    request = ask("Many")
    for number in range(3):
        ask(f"Item {number}")
    assert Inbox(bob, Tab.GROUPS).count() == 4

    assign_too(request, user=bob)

    assert Inbox(bob, Tab.GROUPS).count() == 4
    assert Inbox(bob, Tab.MINE).count() == 1


# Seen and snoozed


def test_a_person_has_seen_what_they_have_opened(bob: User, finance: Group) -> None:
    ann, request = create_person("ann", finance), ask()
    note_seen(request.pk, by=bob, channel="page")

    assert seen_by(bob, [request.pk]) == {request.pk}
    assert seen_by(ann, [request.pk]) == set()


def test_a_snoozed_request_comes_back_at_its_time(bob: User, finance: Group) -> None:
    ann, request = create_person("ann", finance), ask("Later")
    snooze_request(request.pk, by=bob, until=clock.now() + HOUR)

    assert prompts(bob) == []
    assert prompts(bob, Tab.SNOOZED) == prompts(ann) == ["Later"]
    later = clock.now() + HOUR + timedelta(seconds=1)
    assert Inbox(bob, Tab.SNOOZED, now=later).ids(9) == []
    assert Inbox(bob, Tab.GROUPS, now=later).ids(9) == [request.pk]
    wake_request(request.pk, by=bob)
    assert prompts(bob) == ["Later"]


def test_only_who_is_asked_can_snooze_and_only_what_is_open(bob: User, carol: User) -> None:
    request, soon = ask(), clock.now() + HOUR
    with pytest.raises(NotAskedError):
        snooze_request(request.pk, by=carol, until=soon)
    for wrong in (clock.now() - HOUR, clock.now() + 91 * DAY):
        with pytest.raises(InputError, match="until"):
            snooze_request(request.pk, by=bob, until=wrong)
    say(request, bob)
    with pytest.raises(AlreadyAnsweredError):
        snooze_request(request.pk, by=bob, until=soon)


# Over the API


def get(client: Client, query: str = "") -> Any:
    response = client.get(f"/api/inbox{query}")
    assert response.status_code == 200, response.content
    return response.json()


def test_the_api_returns_a_list_with_counts_and_the_next_page(bob: User) -> None:
    first = ask("Pay 40 €?", options={"due": "1h", "body": "**Damaged** lamp.\n\nMore."})
    second = ask("Which lamp?", kind="choice")
    note_seen(first.pk, by=bob, channel="page")
    client = caller(bob)

    page = get(client, "?tab=groups&limit=1")

    [item] = page["items"]
    assert (item["prompt"], item["gist"], item["votes"]) == ("Pay 40 €?", "Damaged lamp.", 0)
    assert item["needed_at"] == item["answer_by"]
    assert page["seen"] == [str(first.pk)]
    assert page["next"] == str(first.pk)
    assert page["counts"] == {"mine": 0, "groups": 2, "unclaimed": 2, "snoozed": 0}
    following = get(client, f"?tab=groups&limit=1&after={page['next']}")
    assert [one["id"] for one in following["items"]] == [str(second.pk)]
    assert following["next"] is None


@pytest.mark.parametrize(
    "query", ["?tab=all", "?due=soon", "?risk=huge", "?after=7", "?tabs=mine", "?q=a&q=b", "?q=%00"]
)
def test_the_api_refuses_what_it_does_not_know(query: str, bob: User) -> None:
    response = caller(bob).get(f"/api/inbox{query}")

    assert response.status_code == 422
    assert response.json()["faults"]


def test_the_api_snoozes_and_wakes(bob: User, carol: User) -> None:
    path = f"/api/requests/{ask().pk}/snooze"
    until = (clock.now() + HOUR).isoformat()
    client = caller(bob)

    assert client.put(path, {"until": until}, "application/json").status_code == 200
    assert get(client)["counts"]["snoozed"] == 1
    assert client.put(path, {"until": "2026-12-01T09:00:00"}, "application/json").status_code == 422
    assert caller(carol).put(path, {"until": until}, "application/json").status_code == 404
    assert client.delete(path).status_code == 204
    assert get(client)["counts"]["snoozed"] == 0


def test_ids_are_known_as_they_are(bob: User) -> None:
    request = ask()
    assert Inbox(bob, Tab.GROUPS).ids(5) == [UUID(str(request.pk))]
