"""Every case runs over every storage: memory, and the database that TEST_DATABASE names."""

import pytest

from tests import procedures
from tests.conformance.backends import Backend, MemoryBackend

STORAGES = ["memory"]


@pytest.fixture(params=STORAGES)
def backend(request: pytest.FixtureRequest) -> Backend:
    return MemoryBackend()


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    procedures.forget()
