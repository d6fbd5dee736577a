"""A share of the races for one session: join, leave, write, start and privacy at once."""

import pytest

from tests.races.sessions import SessionRaces

ROUNDS, MANY = 2, 40


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(MANY, marks=pytest.mark.soak)])
def test_of_changes_of_a_session_at_once_one_comes_first(rounds: int) -> None:
    races = SessionRaces()

    races.run(range(rounds))

    assert races.faults == {}
    assert races.refused["both leave"] == rounds
    assert races.refused["invited x invited"] == races.refused["opened x opened"] == 0
