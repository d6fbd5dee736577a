"""A run that is cancelled while its code does something else."""

from collections.abc import Iterator

import pytest

from procedures.engine.journal.events import RunStatus
from procedures.testing.memory import MemoryStore
from tests import procedures
from tests.unit.engine.running import cancel, kinds


@pytest.fixture(autouse=True)
def nothing_happened() -> Iterator[None]:
    procedures.forget()
    yield
    procedures.forget()


def test_a_gather_that_fails_just_then_is_no_failure(store: MemoryStore) -> None:
    run_id = store.start(procedures.only_broken)
    procedures.interludes.append(lambda: cancel(store, run_id))

    store.advance_all()

    assert store.runs[run_id].status == RunStatus.CANCELLED
    assert "step.failed" not in kinds(store.runs[run_id])
