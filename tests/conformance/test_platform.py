"""Events of the platform are never failures of the code: lost files, a stop, no memory."""

import json
from typing import Any, get_args

import pytest

from procedures.engine.errors import StorageLost
from procedures.engine.journal.events import RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did
from tests.procedures.keeping import Way

WAYS = get_args(Way)


def kinds_of(backend: Backend, run_id: str) -> list[str]:
    return [f"{event.kind} {event.key}".strip() for event in backend.events(run_id)]


def advance_in_vain(backend: Backend, run_id: str) -> None:
    """A worker's claim that ends because its storage is lost."""
    with pytest.raises(StorageLost):
        backend.advance(run_id)
    backend.lose_lease(run_id)


@pytest.mark.parametrize("inputs", [*({"way": way} for way in WAYS), {"in_branch": True}], ids=str)
def test_a_file_store_that_fails_after_an_effect_fails_nothing_and_the_run_goes_on_by_itself(
    inputs: dict[str, Any], backend: Backend
) -> None:
    run_id = backend.start(procedures.keeping, **inputs)

    with backend.files_away():
        advance_in_vain(backend, run_id)
        assert len(did) == 1
        advance_in_vain(backend, run_id)
        advance_in_vain(backend, run_id)

    assert kinds_of(backend, run_id) == ["run.started", "compensation :compensation"]
    assert len(did) == 1, "the step was begun again before the store was back"
    status = backend.advance(run_id)
    if inputs.get("way") == "late":  # now it is the code's own
        assert (status, did[-1]) == (RunStatus.FAILED, "pay back")
        return
    assert status == RunStatus.SUCCEEDED
    assert len(did) == 2
    assert len(set(did)) == 1, "another idempotency key"
    assert "step.failed" not in json.dumps(kinds_of(backend, run_id))


@pytest.mark.parametrize("where", ["step", "body"])
def test_a_file_that_is_gone_quarantines_until_somebody_puts_it_back(
    where: str, backend: Backend
) -> None:
    file = backend.keep(b"31.20")
    run_id = backend.start(procedures.reading_files, file=file, where=where)

    with backend.file_gone(file.digest):
        assert backend.advance(run_id) == RunStatus.QUARANTINED
        error = backend.error(run_id)
    assert error
    assert error["message"].endswith("is gone.")
    assert error["remedy"].startswith("Restore the file")
    assert did == []

    backend.retry(run_id)
    assert backend.advance(run_id) == RunStatus.SUCCEEDED


def test_a_kept_value_is_waited_for_where_the_store_is_away_at_a_replay(backend: Backend) -> None:
    run_id = backend.start(procedures.reading_files, file=backend.keep(b"31.20"), where="replay")
    assert backend.advance(run_id) == RunStatus.WAITING
    answer(backend, run_id, "approve")

    with backend.files_away():
        advance_in_vain(backend, run_id)
        assert backend.status(run_id) in (RunStatus.RUNNING, RunStatus.QUEUED)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED


def test_a_run_whose_worker_is_to_stop_is_let_go_of_before_its_next_step(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)

    with backend.stopping():
        for _ in range(4):  # which is not held against the run
            assert backend.advance(run_id) == RunStatus.QUEUED
        assert did == []

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert did == ["pack", "send"]


@pytest.mark.parametrize("where", ["step", "body", "branch", "group"])
def test_code_without_memory_fails_nothing_and_is_poison_at_last(
    where: str, backend: Backend
) -> None:
    run_id = backend.start(procedures.greedy, where=where)

    assert [backend.advance(run_id) for _ in range(4)] == [
        RunStatus.QUEUED,
        RunStatus.QUEUED,
        RunStatus.QUEUED,
        RunStatus.QUARANTINED,
    ]

    error = backend.error(run_id)
    assert error
    assert "ran out of memory" in error["message"]
    assert "pay back" not in did
    assert not [line for line in kinds_of(backend, run_id) if line.startswith("step.")]
