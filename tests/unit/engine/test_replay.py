"""The cost of a replay up to where a run stands."""

import sys
from types import FrameType

from procedures.testing.memory import MemoryStore
from tests import procedures
from tests.conformance.backends import MemoryBackend, answer


def test_a_replay_costs_the_same_for_each_step(store: MemoryStore) -> None:
    assert calls_to_replay(store, 400) < 2.2 * calls_to_replay(store, 200)


def calls_to_replay(store: MemoryStore, steps: int) -> int:
    backend = MemoryBackend()
    backend.store = store
    run_id = backend.start(procedures.pure_steps, count=steps)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    calls = 0

    def count(_frame: FrameType, event: str, _more: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        backend.advance(run_id)
    finally:
        sys.setprofile(None)
    return calls
