"""Rows that a look finds, although commits overtake each other."""

import pytest
from django.contrib.auth.models import Group

from dashboard.live import tails
from dashboard.live.tails import Tail

pytestmark = pytest.mark.django_db


def insert(*keys: int) -> None:
    for key in keys:
        Group.objects.create(pk=key, name=f"group {key}")


def test_each_row_is_found_once_even_if_a_later_one_was_committed_before() -> None:
    insert(1000)
    tail = Tail(Group.objects.all(), "name", lag=60)
    assert tail.read() == set()

    insert(1003)
    assert tail.read() == {"group 1003"}
    insert(1001, 1004)
    assert tail.read() == {"group 1001", "group 1004"}
    insert(999)
    assert tail.read() == {"group 999"}
    assert tail.read() == set()


def test_rows_older_than_the_lag_are_not_read_again() -> None:
    tail = Tail(Group.objects.all(), "name", lag=0)
    tail.read()

    insert(*range(1000, 1000 + 3 * tails.BEFORE, tails.BEFORE))
    assert len(tail.read()) == 3
    tail.read()

    assert tail.reads_after == 1000 + 2 * tails.BEFORE


def test_a_tail_begins_with_an_empty_table() -> None:
    Group.objects.all().delete()
    tail = Tail(Group.objects.all(), "name", lag=60)
    assert tail.read() == set()

    insert(1)
    assert tail.read() == {"group 1"}
