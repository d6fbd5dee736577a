"""A share of the races between operators and a working worker: `python -m tests.races` has more."""

from random import randrange

import pytest

from tests.races.racing import Races

ROUNDS = 20


@pytest.mark.django_db(transaction=True)
def test_of_operators_and_a_worker_one_wins() -> None:
    races = Races()
    first = randrange(10**6)  # noqa: S311 (no secret)
    races.run(range(first, first + ROUNDS))

    assert races.faults == {}
    assert races.rounds == ROUNDS
