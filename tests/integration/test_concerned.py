"""The people whom a change concerns, found for many at once: the same as by each one's rights."""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.access import answerable_requests, most_urgent
from chat.models import HumanRequest, Member, SessionEvent
from chat.services import (
    claim_request,
    delegate,
    people_by_name,
    people_named,
    post_message,
    reassign_request,
    snooze_request,
    waiting_for,
    waiting_of,
    withdraw_request,
)
from chat.services.waiting import MOST, Waiting
from dashboard.live import concerned, news
from dashboard.live.concerned import RequestNews, RunNews
from dashboard.live.news import ChatNews
from procedures.models import Grant, Procedure, Wait
from procedures.models.clock import clock
from tests.calls import assign_too, grant, request_of, run_until_it_waits
from tests.conftest import create_person
from tests.runs import answer
from tests.talks import begin_talk

pytestmark = pytest.mark.django_db
PROCEDURES = ("question", "two_questions")
ROLES = ("see", "operate", "cancel", "answer", "start")
SEEDS = range(6)


@pytest.fixture(params=SEEDS)
def site(request: pytest.FixtureRequest) -> list[User]:
    """People, groups, grants, permissions, sessions, requests and deputies at random."""
    chance = random.Random(request.param)  # noqa: S311 (a site, no secret)
    groups = [Group.objects.create(name=f"group {number}") for number in range(4)]
    starters = Group.objects.create(name="starters")
    for name in PROCEDURES:
        grant(name, starters, "start")
    people = [User.objects.create_user(f"person{number}") for number in range(9)]
    people[0].is_superuser, people[1].is_active = True, False
    operate = Permission.objects.get(codename="operate_run")
    withdraw = Permission.objects.get(codename="operate_request")
    for one in people:
        one.save()
        one.groups.set([starters, *chance.sample(groups, chance.randint(0, 2))])
    chance.choice(people).user_permissions.add(chance.choice([operate, withdraw]))
    chance.choice(groups).permissions.add(chance.choice([operate, withdraw]))
    for _ in range(5):
        procedure = Procedure.objects.get(name=chance.choice(PROCEDURES))
        Grant.objects.get_or_create(
            procedure=procedure, group=chance.choice(groups), role=chance.choice(ROLES)
        )
    for _ in range(8):
        asked = request_of(
            run_until_it_waits(chance.choice(PROCEDURES), by=chance.choice([*people[2:], None]))
        )
        act = chance.choice([to_person, to_group, to_holders, leave, close])
        act(asked, chance, people)
        Member.join(asked.session, chance.choice(people), at=clock.now())
    for _ in range(2):
        away, deputy = chance.sample([people[0], *people[2:]], 2)
        delegate(by=away, to=deputy, until=clock.now() + timedelta(days=1))
    return people


def to_person(request: HumanRequest, chance: random.Random, people: list[User]) -> None:
    active = [one for one in people if one.is_active]
    give(request, f"@{chance.choice(active).username}", people[0])


def to_group(request: HumanRequest, chance: random.Random, people: list[User]) -> None:
    give(request, f"group {chance.randrange(4)}", people[0])


def to_holders(request: HumanRequest, chance: random.Random, people: list[User]) -> None:
    request.assignments.all().delete()
    assign_too(request, permission="countersign_chat.operate_request")


def leave(request: HumanRequest, chance: random.Random, people: list[User]) -> None: ...


def close(request: HumanRequest, chance: random.Random, people: list[User]) -> None:
    withdraw_request(request.pk, by=people[0], reason="Not needed.")


def give(request: HumanRequest, to: str, by: User) -> None:
    reassign_request(request.pk, to=to, by=by, reason="Away.", allow_unanswerable=True)


def test_what_waits_is_the_same_for_one_and_for_all(site: list[User]) -> None:
    people = User.objects.filter(is_active=True)

    found = waiting_for([one.pk for one in User.objects.all()])

    assert found == {
        one.pk: dict(answerable_requests(one).values_list("pk", "session")) for one in people
    }
    assert found == {one.pk: waiting_of(one) for one in people}


def test_the_names_of_a_change_reach_whoever_may_answer_it(site: list[User]) -> None:
    everybody = [one.pk for one in site]
    for change in SessionEvent.objects.exclude(whom=""):
        names = json.loads(change.whom)
        named = people_named(names, everybody)
        assert set().union(*people_by_name(names, everybody).values()) == named
        request = HumanRequest.objects.filter(pk=change.object).first()
        if request and not request.assignments.exclude(permission="").exists():
            able = {one.pk for one in site if one.is_active and request.asks(one)}
            assert able <= named


Ask = Callable[[list[User]], Any]


@pytest.mark.parametrize(
    "ask",
    [
        lambda people: waiting_for([one.pk for one in people]),
        lambda people: people_named(["group:1", "user:1"], [one.pk for one in people]),
    ],
    ids=["what waits", "who is named"],
)
def test_many_people_cost_as_many_statements_as_few(ask: Ask, finance: Group) -> None:
    grant("question", finance, "answer", "see", "start")
    people = [User.objects.create_user(f"person{number}") for number in range(12)]
    for one in people:
        one.groups.add(finance)
        run_until_it_waits("question", by=one)

    assert statements(ask, people[:1]) == statements(ask, people) <= 9


def test_a_ring_takes_as_many_statements_for_many_changes_as_for_one(finance: Group) -> None:
    grant("question", finance, "answer", "see", "start")
    people = [User.objects.create_user(f"person{number}") for number in range(12)]
    finance.user_set.set(people)
    requests, seen = RequestNews(), RunNews()

    def ring(_: list[User]) -> Any:
        return requests.read(set(), [one.pk for one in people]), seen.read([], people)

    def change(count: int) -> list[UUID]:
        return [run_until_it_waits("question", by=people[0]).pk for _ in range(count)]

    ring(people)
    first = change(1)
    few = statements(ring, people)
    more = change(6)
    many = statements(ring, people)
    change(1)
    asked, runs = ring(people)

    assert few == many <= 27
    assert asked.concerned == runs.seen.keys() == {one.pk for one in people}
    assert not {*first, *more} & runs.seen[people[0].pk]


@pytest.mark.parametrize(
    "regroup",
    [
        lambda bob, finance: bob.groups.clear(),
        lambda bob, finance: Grant.objects.filter(role="see").delete(),
        lambda bob, finance: finance.delete(),
        lambda bob, finance: User.objects.filter(pk=bob.pk).update(is_superuser=True),
        lambda bob, finance: delegate(
            by=create_person("vera"), to=bob, until=clock.now() + timedelta(days=1)
        ),
    ],
    ids=["member", "grant", "group", "superuser", "deputy"],
)
def test_a_check_finds_who_may_see_and_answer_other_things_than_before(
    regroup: Callable[[User, Group], None], bob: User, carol: User, finance: Group
) -> None:
    grant("question", finance, "answer", "see")
    run_until_it_waits("question")
    requests, seen = RequestNews(), RunNews()

    def check() -> tuple[set[Any], set[Any]]:
        people = [User.objects.get(pk=one.pk) for one in (bob, carol)]
        told = requests.read(set(), {bob.pk, carol.pk}, is_check=True)
        return told.concerned, seen.read([], people, is_check=True).differing

    assert check() == (set(), set())
    assert check() == (set(), set())
    waited = waiting_for([bob.pk])
    regroup(bob, finance)

    is_same = waiting_for([bob.pk]) == waited
    assert check() == (set() if is_same else {bob.pk}, {bob.pk})
    assert check() == (set(), set())


def test_a_new_page_of_somebody_hides_no_change_from_their_other_pages(
    bob: User, carol: User, finance: Group
) -> None:
    grant("question", finance, "answer", "see")
    run_until_it_waits("question")
    requests, seen = RequestNews(), RunNews()

    def look(*, at: set[Any], is_check: bool = False) -> tuple[set[Any], set[Any]]:
        people = [User.objects.get(pk=one.pk) for one in (bob, carol)]
        told = requests.read(at, {bob.pk, carol.pk}, is_check=is_check)
        return told.concerned, seen.read([], people, also=at, is_check=is_check).differing

    look(at=set(), is_check=True)
    assert look(at={bob.pk, carol.pk}) == (set(), set())
    bob.groups.clear()

    assert look(at={bob.pk, carol.pk}) == ({bob.pk}, {bob.pk})
    assert look(at=set(), is_check=True) == (set(), set())


def statements(ask: Ask, people: list[User]) -> int:
    with CaptureQueriesContext(connection) as captured:
        ask(people)
    return len(captured)


def test_no_more_than_a_hundred_requests_are_read_for_a_group(
    bob: User, carol: User, finance: Group
) -> None:
    ask_often(finance, MOST + 1)

    assert HumanRequest.objects.open().assigned_to(bob).count() == MOST + 1
    assert {pk: len(found) for pk, found in waiting_for([bob.pk, carol.pk]).items()} == {
        bob.pk: MOST,
        carol.pk: 0,
    }


def ask_often(group: Group, times: int) -> HumanRequest:
    """Ask a group so many questions at once, and return the first one."""
    grant("question", group, "answer")
    asked = request_of(run_until_it_waits("question"))
    for number in range(times - 1):
        wait = Wait.objects.create(
            **fields_of(asked.wait, key=f"more-{number}", opened_seq=number + 100)
        )
        more = HumanRequest.objects.create(**fields_of(asked, wait_id=wait.pk))
        assign_too(more, group=group)
    return asked


def test_more_is_read_for_all_at_once_where_some_of_many_requests_are_left_to_nobody(
    bob: User, finance: Group
) -> None:
    first = ask_often(finance, MOST + 5)
    people = [User.objects.create_user(f"person{number}") for number in range(6)]
    finance.user_set.add(*people)
    claim_request(first.pk, by=bob)
    for one in people:
        urgent = most_urgent(one, 1)
        snooze_request(urgent[0], by=one, until=clock.now() + timedelta(days=1))

    def read(some: list[User]) -> dict[Any, Waiting]:
        return waiting_for([one.pk for one in some])

    assert {len(found) for found in read(people).values()} == {MOST + 3}
    assert all(waiting_of(one).items() <= read([one])[one.pk].items() for one in people)
    assert statements(read, people[:1]) == statements(read, people) <= 20


def fields_of(row: HumanRequest | Wait, **others: Any) -> dict[str, Any]:
    fields = (field.attname for field in row._meta.concrete_fields if not field.primary_key)  # noqa: SLF001
    return {name: getattr(row, name) for name in fields} | others


def test_a_change_names_whom_it_was_taken_from_and_whom_it_was_given_to(
    alice: User, bob: User, carol: User, dave: User, finance: Group
) -> None:
    grant("question", finance, "answer")
    asked = request_of(run_until_it_waits("question"))
    reassign_request(asked.pk, to="@carol", by=dave, reason="Away.")
    reassign_request(asked.pk, to="@alice", by=dave, reason="Away.")
    answer(asked, by=alice)

    group, hers, alices = f"group:{finance.pk}", f"user:{carol.pk}", f"user:{alice.pk}"
    changes = SessionEvent.objects.filter(session=asked.session).exclude(whom="").order_by("seq")
    assert [json.loads(change.whom) for change in changes] == [
        [group],
        [group, hers],
        sorted([hers, alices]),
        [alices],
    ]
    assert not asked.assignments.filter(is_open=True).exists()


class LostConnectionError(Exception):
    pass


def fail_once(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Let a function fail at its next call, as it does when the database is lost meanwhile."""
    whole = getattr(module, name)

    def fail(*_: Any, **__: Any) -> None:
        monkeypatch.setattr(module, name, whole)
        raise LostConnectionError

    monkeypatch.setattr(module, name, fail)


def test_what_could_not_be_read_to_its_end_is_told_at_the_next_look(
    alice: User, bob: User, finance: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant("question", finance, "see", "answer")
    session = begin_talk(alice, bob)
    of_requests, of_runs, of_chat = RequestNews(), RunNews(), ChatNews()
    for each in (of_requests, of_chat):
        each.read([], [bob.pk], is_check=True)
    of_runs.read([], [bob], is_check=True)
    asked = request_of(run_until_it_waits("question"))
    post_message(session, "Hello", by=alice)

    fail_once(monkeypatch, concerned, "outdated_inbox_pages")
    with pytest.raises(LostConnectionError):
        of_requests.read([], [bob.pk])
    fail_once(monkeypatch, concerned, "homes_for")
    with pytest.raises(LostConnectionError):
        of_runs.read([], [bob])
    fail_once(monkeypatch, news, "unread_in")
    with pytest.raises(LostConnectionError):
        of_chat.read([], [bob.pk], is_check=True)

    assert of_requests.read([], [bob.pk]).concerned == {bob.pk}
    assert asked.wait.run_id in of_runs.read([], [bob]).seen[bob.pk]
    assert of_chat.read([], [bob.pk]).concerned == {bob.pk}
    # Once each.
    assert not of_requests.read([], [bob.pk]).concerned
    assert not of_runs.read([], [bob]).seen
    assert not of_chat.read([], [bob.pk]).concerned
