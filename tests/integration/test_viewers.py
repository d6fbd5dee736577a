"""The rules for many people at once agree with the rules for one, on sites made at random."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import Assignment, Delegation, Member, Message
from procedures.access import OPERATE, visible_runs
from procedures.models import Grant, Run
from procedures.models.clock import clock
from procedures.users import users
from procedures.viewers import People, who_sees
from tests.calls import request_of, run_until_it_waits
from tests.conftest import create_person, group

pytestmark = pytest.mark.django_db
GROUPS = ("red", "green", "blue")
DAY = timedelta(days=1)


def make_site(seed: int, people: int) -> tuple[list[User], list[Run]]:
    """Runs that ask, with every way of seeing them in some places."""
    chance = Random(seed)  # noqa: S311 (no secret)
    persons = [create_person(f"person{number}") for number in range(people)]
    operate = Permission.objects.get(codename=OPERATE.partition(".")[2])
    for person in persons:
        person.groups.set(group(name) for name in GROUPS if chance.random() < 0.3)
        person.is_superuser = chance.random() < 0.1
        person.is_active = chance.random() < 0.9
        person.save()
        if chance.random() < 0.1:
            person.user_permissions.add(operate)
    if chance.random() < 0.5:
        group("blue").permissions.add(operate)
    runs = [run_until_it_waits(name) for name in ("question", "two_questions", "question") * 2]
    for role in ("see", "answer", "cancel"):
        where = {"procedure": runs[0].procedure, "group": group(chance.choice(GROUPS))}
        Grant.objects.create(role=role, **where)
    for run in runs:
        scatter(chance, run, persons)
    for _ in range(people // 2):
        hand_over(chance, *chance.sample(persons, 2))
    return persons, runs


def hand_over(chance: Random, giver: User, deputy: User) -> None:
    """Let somebody stand in for another: now, earlier or later, or until it was revoked."""
    now = clock.now()
    begins = now + chance.choice([-DAY / 2, -DAY / 2, -DAY / 2, -2 * DAY, DAY])
    revoked = chance.choice([None, None, None, now])
    given = {"from_at": begins, "until": begins + DAY, "revoked_at": revoked}
    Delegation.objects.create(user=giver, to=deputy, **given)


def scatter(chance: Random, run: Run, persons: list[User]) -> None:
    """Let people in by the run's session, by another one in which it is named, and by asking."""
    Run.objects.filter(pk=run.pk).update(started_by=chance.choice([*persons, None]))
    request = request_of(run)
    request.assignments.all().delete()
    whom: list[dict[str, Any]] = [
        {"user": chance.choice(persons)},
        {"group": group(chance.choice(GROUPS))},
        {"permission": OPERATE},
        {"permission": "nowhere.to_be_found"},
    ]
    Assignment.objects.create(
        request=request, run=run, procedure_id=run.procedure_id, **chance.choice(whom)
    )
    request.session.members.all().delete()
    Member.objects.create(
        session=request.session, user=chance.choice(persons), joined_at=clock.now()
    )
    if chance.random() < 0.3:
        other = request_of(chance.choice(list(Run.objects.all()))).session
        note = {"kind": "notice", "seq": 1000 + Message.objects.count(), "at": clock.now()}
        Message.objects.create(session=other, run=run, **note)


@pytest.mark.parametrize("seed", range(12))
def test_many_people_see_what_each_of_them_sees(seed: int) -> None:
    persons, runs = make_site(seed, people=8)
    keys = {person.pk for person in persons}
    wanted = {run.pk: keys for run in runs}

    found = who_sees(People.read(keys), wanted)

    apart = {run.pk: set[int]() for run in runs}
    for person in users().filter(pk__in=keys):
        for run in visible_runs(person).filter(pk__in=wanted):
            apart[run.pk].add(person.pk)
    assert found == apart
    assert any(apart.values())


def test_only_those_are_named_of_whom_it_is_asked() -> None:
    persons, runs = make_site(1, people=8)
    admin = create_person("admin")
    admin.is_superuser = True
    admin.save()

    found = who_sees(People.read({admin.pk, persons[0].pk}), {runs[0].pk: {admin.pk}})

    assert found == {runs[0].pk: {admin.pk}}


def test_many_people_take_as_many_statements_as_one() -> None:
    persons, runs = make_site(2, people=8)

    def statements(people: list[User], of: list[Run]) -> int:
        keys = {person.pk for person in people}
        with CaptureQueriesContext(connection) as asked:
            who_sees(People.read(keys), {run.pk: keys for run in of})
        return len(asked)

    assert statements(persons[:1], runs[:1]) <= statements(persons, runs) <= 20
