"""Every case runs over every storage: SQLite and memory; PostgreSQL by TEST_DATABASE."""

import pytest
from django.db import connection

from tests import procedures
from tests.conformance.backends import Backend, MemoryBackend
from tests.conformance.database import DatabaseBackend

DATABASE = pytest.param(
    DatabaseBackend, id="database", marks=pytest.mark.django_db(transaction=True)
)


MEMORY = pytest.param(MemoryBackend, id="memory")
STORAGES = [DATABASE] if connection.vendor == "postgresql" else [MEMORY, DATABASE]


@pytest.fixture(params=STORAGES)
def backend(request: pytest.FixtureRequest) -> Backend:
    backend: Backend = request.param()
    return backend


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()
