import pytest

from procedures.engine.memory import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()
