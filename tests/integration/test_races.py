"""A share of the races between operators and a working worker: `python -m tests.races` has more."""

from random import SystemRandom

import pytest

from tests.races.racing import Races

ROUNDS = 20
FIRST = SystemRandom().randrange(1_000_000)


@pytest.mark.django_db(transaction=True)
def test_of_operators_and_a_worker_one_wins() -> None:
    races = Races()
    races.run(range(FIRST, FIRST + ROUNDS))

    assert races.faults == {}
    assert races.rounds == ROUNDS
