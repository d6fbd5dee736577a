"""Every integration test has a real Redis."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client, override_settings

from tests.calls import caller, grant
from tests.processes import Redis


@pytest.fixture(autouse=True)
def every_test_has_redis(redis_server: Redis) -> None:
    """Up and empty."""


@pytest.fixture
def static_files() -> Iterator[None]:
    """A test's own client is served what a page links to."""
    with override_settings(SERVESTATIC_USE_FINDERS=True):
        yield


@pytest.fixture
def alices(alice: User, support: Group) -> Client:
    grant("typed_inputs", support, "start", "answer")
    return caller(alice)
