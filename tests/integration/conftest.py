"""Every integration test has a real Redis."""

import pytest

from tests.processes import Redis


@pytest.fixture(autouse=True)
def every_test_has_redis(redis_server: Redis) -> None:
    """Up and empty."""
