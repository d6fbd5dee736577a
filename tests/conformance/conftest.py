"""Every case runs over every storage: SQLite and memory; PostgreSQL by TEST_DATABASE."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection

from procedures.models.clock import clock
from tests import procedures
from tests.conformance.backends import Backend, MemoryBackend
from tests.conformance.database import DatabaseBackend

DATABASE = pytest.param(
    DatabaseBackend, id="database", marks=pytest.mark.django_db(transaction=True)
)


MEMORY = pytest.param(MemoryBackend, id="memory")
STORAGES = [DATABASE] if connection.vendor == "postgresql" else [MEMORY, DATABASE]


@pytest.fixture(params=STORAGES)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    yield request.param()
    clock.ahead = timedelta(0)


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()
