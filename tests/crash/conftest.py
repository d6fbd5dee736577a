"""Every crash test has a real Redis, and a worker that waits for its turn."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests import machine
from tests.conftest import StartWorker
from tests.processes import Redis, Worker, run_worker

TakeOver = Callable[[], None]
CRASHING = {
    "PROCEDURE_MODULES": ",".join(
        module for module in machine.PROCEDURES if module.startswith("tests.crash.")
    )
}
"""The procedures of these tests' workers, whose slots would otherwise load those of all tests."""


@pytest.fixture(autouse=True)
def every_test_has_redis(redis_server: Redis) -> None:
    """Up and empty."""


@pytest.fixture
def worker(start: Callable[[Worker], Worker]) -> StartWorker:
    """Starts workers that know the procedures of these tests alone."""
    return lambda *, concurrency=2, **environment: start(
        run_worker(concurrency, **{**CRASHING, **environment})
    )


@pytest.fixture
def take_over(
    shared_worker: Worker, transactional_db: None, redis_server: Redis
) -> Iterator[TakeOver]:
    """Has another worker, up already, take messages from the call to the end of the test."""
    with shared_worker.listening():
        pass
    with ExitStack() as stack:
        yield lambda: stack.enter_context(shared_worker.listening())
