"""Claims: one worker writes, the others are told; and the journal shows what was tampered with."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from procedures.engine.errors import Fenced, Overtaken, StorageLost
from procedures.engine.execute import advance
from procedures.engine.journal.events import Batch, Event, EventKind, Handoff, NewEvent, RunStatus
from procedures.engine.journal.ledger import Ledger
from procedures.engine.journal.protocol import Journal
from procedures.engine.journal.seals import differing
from procedures.testing.files import MemoryFiles
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did

KEPT = Batch(
    (NewEvent(EventKind.STEP_SUCCEEDED, "pack", "pack", {"attempt": 1, "result": "pack"}),)
)


def claimed(backend: Backend, run_id: str) -> Journal:
    journal = backend.claim(run_id)
    assert journal
    return journal


def test_a_held_run_cannot_be_claimed(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)

    assert backend.claim(run_id)
    assert backend.claim(run_id) is None

    assert backend.status(run_id) == RunStatus.RUNNING


def test_a_lost_lease_can_be_claimed(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)
    claimed(backend, run_id)

    backend.lose_lease(run_id)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED


def test_a_lease_that_has_passed_is_renewed_as_long_as_nobody_has_taken_the_run(
    backend: Backend,
) -> None:
    run_id = backend.start(procedures.two_steps)
    late: Any = claimed(backend, run_id)
    backend.lose_lease(run_id)

    assert late.renew()
    assert backend.claim(run_id) is None

    backend.lose_lease(run_id)
    claimed(backend, run_id)
    assert not late.renew()


def test_a_zombie_writes_nothing(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)
    zombie = claimed(backend, run_id)
    backend.lose_lease(run_id)
    claimed(backend, run_id)
    events = list(backend.events(run_id))

    with pytest.raises(Fenced):
        zombie.commit(KEPT)

    assert backend.events(run_id) == events
    assert backend.status(run_id) == RunStatus.RUNNING


def test_a_zombie_ends_nothing(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)
    zombie = claimed(backend, run_id)
    backend.lose_lease(run_id)
    current = claimed(backend, run_id)
    ended = NewEvent(EventKind.RUN_SUCCEEDED)

    with pytest.raises(Fenced):
        zombie.commit(Batch((ended,), handoff=Handoff(RunStatus.SUCCEEDED, result="1")))
    current.commit(KEPT)

    assert [event.kind for event in backend.events(run_id)] == ["run.started", "step.succeeded"]
    assert backend.result(run_id) is None


def test_a_worker_that_let_go_writes_no_more(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)
    journal = claimed(backend, run_id)
    journal.commit(Batch((NewEvent(EventKind.RUN_FAILED),), handoff=Handoff(RunStatus.FAILED)))

    with pytest.raises(Fenced):
        journal.commit(KEPT)


def test_a_worker_that_became_a_zombie_in_a_step_stops_there(backend: Backend) -> None:
    run_id = backend.start(procedures.others_act)
    procedures.interludes += [
        partial(backend.lose_lease, run_id),
        partial(claimed, backend, run_id),
    ]

    with pytest.raises(Fenced):
        backend.advance(run_id)

    assert did == ["before", "let_others_act"]
    assert [event.key for event in backend.events(run_id)] == ["", "before"]


def test_a_run_that_kills_every_worker_is_quarantined(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)
    for _ in range(3):
        claimed(backend, run_id)
        backend.lose_lease(run_id)

    assert backend.advance(run_id) == RunStatus.QUARANTINED

    error = backend.error(run_id)
    assert error
    assert "Three consecutive workers failed" in error["message"]
    assert did == []


def test_keeping_a_step_starts_the_count_of_deaths_again(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)
    for _ in range(2):
        claimed(backend, run_id)
        backend.lose_lease(run_id)
    claimed(backend, run_id).commit(KEPT)
    backend.lose_lease(run_id)
    for _ in range(2):
        claimed(backend, run_id)
        backend.lose_lease(run_id)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert did == ["send"]


class Away:
    """A journal over a storage that is away whenever something is to be kept."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def commit(self, batch: Batch) -> list[Event]:
        raise StorageLost


class Overtaking(Away):
    """A journal in which somebody outside is always faster than the code."""

    def commit(self, batch: Batch) -> list[Event]:
        if batch.handoff:
            return self._journal.commit(batch)
        raise Overtaken


def test_a_storage_that_is_away_again_and_again_is_no_poison(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)
    for _ in range(4):
        with pytest.raises(StorageLost):
            advance(procedures.two_steps, Away(claimed(backend, run_id)), MemoryFiles())
        backend.lose_lease(run_id)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED


def test_to_be_overtaken_again_and_again_is_poison(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)
    for _ in range(3):
        journal = Overtaking(claimed(backend, run_id))
        assert advance(procedures.two_steps, journal, MemoryFiles()) == RunStatus.QUEUED

    assert backend.advance(run_id) == RunStatus.QUARANTINED


def test_an_ended_run_cannot_be_claimed(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)
    backend.advance(run_id)
    events = list(backend.events(run_id))

    backend.travel(timedelta(days=1))
    assert backend.claim(run_id) is None
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert backend.events(run_id) == events


def test_the_chain_covers_every_event(backend: Backend) -> None:
    run_id = lived_through(backend)
    events = list(backend.events(run_id))
    ledger = Ledger(run_id, events[-1].seq, events[-1].hash, backend.ledger_key)

    assert ledger.damages(events) == []
    for event in events:
        assert ledger.damages(other for other in events if other != event)


def lived_through(backend: Backend) -> str:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    backend.advance(run_id)
    return run_id


def test_who_is_wanted_elsewhere_first_comes_one_step_further(backend: Backend) -> None:
    run_id = backend.start(procedures.turn_by_turn, times=2)
    for steps in (1, 2):
        journal = backend.claim(run_id)
        assert journal
        journal.is_wanted_elsewhere = True

        advance(procedures.turn_by_turn, journal, MemoryFiles())

        assert len(did) == steps
    assert backend.status(run_id) == RunStatus.SUCCEEDED


def test_of_many_generations_only_the_present_one_is_read(backend: Backend) -> None:
    run_id, read = backend.start(procedures.generations), []
    for _ in range(3):
        backend.advance(run_id)
        answer(backend, run_id, "approve")
        journal = backend.claim(run_id)
        assert journal
        read.append([event.kind for event in journal.load()])
        backend.lose_lease(run_id)
        backend.advance(run_id)

    first, second, third = read
    assert first[1:] == second[1:] == third[1:]
    assert third[0] == EventKind.RUN_CONTINUED
    assert len(backend.events(run_id)) > 3 * len(third)


def test_the_first_event_proves_the_inputs_and_the_last_the_result(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)
    inputs = claimed(backend, run_id).run.inputs
    backend.lose_lease(run_id)
    backend.advance(run_id)

    first, last = backend.events(run_id)[0], backend.events(run_id)[-1]
    result, keys = backend.result(run_id), [backend.ledger_key]
    kept = {name: first.content["proof"][name] for name in ("inputs",)}
    assert differing({"inputs": inputs}, kept, owner=run_id, keys=keys) == []
    assert differing({"inputs": inputs + " "}, kept, owner=run_id, keys=keys) == ["inputs"]
    assert differing({"result": result}, last.content["proof"], owner=run_id, keys=keys) == []
    assert differing({"result": "1"}, last.content["proof"], owner=run_id, keys=keys) == ["result"]
