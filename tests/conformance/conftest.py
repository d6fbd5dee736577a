"""Every case runs over every storage: memory, and the database that TEST_DATABASE names."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from procedures.models.clock import clock
from tests import procedures
from tests.conformance.backends import Backend, MemoryBackend
from tests.conformance.database import DatabaseBackend

DATABASE = pytest.param(
    DatabaseBackend, id="database", marks=pytest.mark.django_db(transaction=True)
)


@pytest.fixture(params=[pytest.param(MemoryBackend, id="memory"), DATABASE])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    yield request.param()
    clock.ahead = timedelta(0)


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()
