"""Seeds in which everything goes wrong that can: nothing that matters may break.

A seed that breaks is told whole: `python -m tests.simulation SEED` tells it again.
"""

import os
import subprocess
import sys
from collections import Counter
from random import randrange

import pytest

from dashboard.environment.variables import CHECKOUT
from tests.simulation.faults import FAULTS
from tests.simulation.schedule import find, simulate
from tests.simulation.sights import SIGHTS

ALWAYS, CHOSEN, RARE = 60, 20, 400
"""The numbers of seeds tried each time, of seeds that the session chooses, and of seeds at most for
the rarest sight: a doubtful step comes once in twenty seeds."""
MORE = pytest.param(200, marks=pytest.mark.soak)
TRIED_FIRST = {
    "epoch check off": 38,
    "expiry without compare-and-set": 73,
    "deadline that passes a held answer": 25,
}
"""The seeds that have found the rarest of the faults, which save a search as long as they do."""


@pytest.mark.parametrize("seeds", [ALWAYS, MORE])
def test_nothing_breaks_and_all_that_can_go_wrong_is_seen(seeds: int) -> None:
    stories = [simulate(seed) for seed in range(seeds)]
    assert not (broken := [str(story) for story in stories if story.broken]), broken[0]

    counts = sum((story.counts for story in stories), Counter[str]())
    more = iter(range(seeds, RARE))
    while unseen(counts) and (seed := next(more, None)) is not None:
        counts.update(simulate(seed).counts)

    assert unseen(counts) == []


def unseen(counts: Counter[str]) -> list[str]:
    return [words for sight, words in SIGHTS.items() if not counts[sight]]


@pytest.mark.parametrize("seeds", [CHOSEN, MORE])
def test_nothing_breaks_in_seeds_that_the_session_chooses(seeds: int) -> None:
    first = randrange(10**6)  # noqa: S311 (no secret)
    assert not (story := find(range(first, first + seeds))), str(story)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_within_a_thousand_seeds(fault: str) -> None:
    assert find((TRIED_FIRST.get(fault, 0), *range(1000)), FAULTS[fault])


def test_a_seed_tells_the_same_story_in_every_process() -> None:
    first, second = (told("7", "8", hashes=hashes) for hashes in ("1", "2"))

    assert first == second
    assert str(simulate(7)) in first


def told(*seeds: str, hashes: str) -> str:
    """The report about the seeds from a process that puts its sets in another order."""
    command = [sys.executable, "-m", "tests.simulation", *seeds]
    environment = {**os.environ, "PYTHONHASHSEED": hashes}
    return subprocess.check_output(command, cwd=CHECKOUT, env=environment, text=True)
