"""Seeds in which everything goes wrong that can: nothing that matters may break.

A seed that breaks is told whole: `python -m tests.simulation SEED` tells it again.
"""

from collections import Counter
from random import SystemRandom

import pytest

from tests.simulation.faults import FAULTS
from tests.simulation.schedule import find, simulate

WINDOW = 50
FIRST = SystemRandom().randrange(1_000_000)
"""Of a window of seeds that nobody has seen before."""


@pytest.mark.parametrize("first", range(0, 150, WINDOW))
def test_nothing_breaks_in_the_seeds_that_are_always_tried(first: int) -> None:
    assert not (story := find(range(first, first + WINDOW))), str(story)


def test_nothing_breaks_in_seeds_that_were_never_tried() -> None:
    assert not (story := find(range(FIRST, FIRST + WINDOW))), str(story)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_within_a_thousand_seeds(fault: str) -> None:
    assert find(range(1000), FAULTS[fault])


def test_a_seed_tells_the_same_story_again() -> None:
    assert str(simulate(7)) == str(simulate(7))


def test_the_seeds_see_all_that_can_go_wrong() -> None:
    counts = Counter[str]()
    for seed in range(30):
        counts += simulate(seed).counts

    for what in ("crashes", "stopped", "zombies", "no replies", "succeeded", "failed", "cancelled"):
        assert counts[what], what
