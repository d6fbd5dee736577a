"""Conditions for one of many values, sent as one parameter."""

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Message
from procedures.among import is_among
from procedures.models import Run
from tests.calls import run_until_it_waits
from tests.counting import counted

pytestmark = pytest.mark.django_db
MOST_CALLS = 2 if connection.vendor == "postgresql" else 14
"""The most Python calls for each value, whereas `__in` needs 52, or 26 on SQLite."""


def test_keys_foreign_keys_and_texts_are_found() -> None:
    runs = [run_until_it_waits("question") for _ in range(3)]
    wanted = {run.pk for run in runs[:2]}

    assert {run.pk for run in Run.objects.filter(is_among("pk", wanted))} == wanted
    said = Message.objects.filter(is_among("run", wanted))
    assert set(said.values_list("run", flat=True)) == wanted
    assert not Run.objects.filter(is_among("pk", [])).exists()


@pytest.mark.parametrize("key", ["plain", 'q"uote', "back\\slash", "com,ma", "{}", "NULL", "é"])
def test_any_text_is_compared_as_it_is(key: str) -> None:
    Session.objects.create(session_key=key, session_data="", expire_date=timezone.now())
    Session.objects.create(session_key="other", session_data="", expire_date=timezone.now())

    found = Session.objects.filter(is_among("session_key", [key, "absent"]))

    assert [one.session_key for one in found] == [key]


def test_members_of_groups_are_found_through_their_join() -> None:
    group = Group.objects.create(name="few")
    people = [User.objects.create(username=name) for name in ("ann", "ben", "cid")]
    group.user_set.set(people[:2])
    keys = [one.pk for one in people[1:]]

    found = User.objects.filter(is_among("pk", keys), groups=group)

    assert [one.username for one in found] == ["ben"]


def test_more_values_are_no_more_parameters_and_hardly_more_work() -> None:
    def look(count: int) -> tuple[int, int]:
        rows = User.objects.filter(is_among("pk", range(10**6, 10**6 + count)))
        with CaptureQueriesContext(connection) as captured:
            list(rows.values_list("pk"))
        return len(captured), counted(lambda: list(rows.values_list("pk"))).total()

    few, many = look(100), look(1_100)

    assert few[0] == many[0] == 1
    assert many[1] - few[1] <= MOST_CALLS * 1_000
