"""A share of the races for one request; `make soak` runs thousands."""

from random import randrange

import pytest

from tests.races.answers import AnswerRaces
from tests.races.standing import StandingRaces

ROUNDS = 3
MANY = 120
CLOSE = ("answer x expiry", "ask back x expiry", "undo x resume", "held ask back x undo")
"""Races with time, of which people win some and lose some."""


@pytest.fixture
def races() -> AnswerRaces:
    return AnswerRaces()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(MANY, marks=pytest.mark.soak)])
def test_of_all_who_want_something_of_a_request_one_wins(races: AnswerRaces, rounds: int) -> None:
    """Whoever doesn't is told who or what was faster."""
    first = randrange(10**6)  # noqa: S311 (no secret)
    races.run(range(first, first + rounds))

    assert races.faults == {}
    assert all(won.total() == rounds for won in races.won.values())
    if rounds == MANY:
        assert [name for name in CLOSE if len(races.won[name]) < 2] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(MANY, marks=pytest.mark.soak)])
def test_a_decision_in_advance_counts_no_more_often_than_given(rounds: int) -> None:
    races = StandingRaces()

    first = randrange(10**6)  # noqa: S311 (no secret)
    races.run(range(first, first + rounds))

    assert races.faults == {}
    assert races.used > 0
