"""Pages behind a hostile network, while Redis and the web server are restarted."""

from collections.abc import Callable
from random import randrange

import pytest
from django.db import connection

from tests.processes import Redis
from tests.storm.clients import PLANTED
from tests.storm.storm import Storm

FRAMES = [pytest.param(5_000), pytest.param(100_000, marks=pytest.mark.soak)]


@pytest.mark.slow
@pytest.mark.parametrize("frames", FRAMES)
def test_pages_behind_a_hostile_network_lose_nothing_and_planted_faults_are_found(
    frames: int, transactional_db: None, redis_server: Redis, tell: Callable[[str], None]
) -> None:
    seed = randrange(10**6)  # noqa: S311 (no secret)
    # Printed is what a test that fails shows.
    outcome = Storm(frames, seed, redis=redis_server, say=print).run(list(PLANTED))

    tell(f"A live storm on {connection.vendor}, seed {seed}: {outcome.frames} frames")
    tell(f"  all equal {outcome.settled:.2f} s after the last change; {dict(outcome.counts)}")
    found = {page: faults for page, faults in outcome.faults.items() if page in PLANTED}
    assert {page: faults for page, faults in outcome.faults.items() if page not in PLANTED} == {
        page: [] for page in outcome.faults.keys() - found.keys()
    }
    assert found.keys() == PLANTED.keys()
    assert all(found.values())
