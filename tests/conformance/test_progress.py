"""The progress of a running step: written while it runs, never counted, refused from a zombie."""

from functools import partial
from typing import Any

import pytest

from procedures.engine.errors import Fenced
from procedures.engine.journal.events import Batch, EventKind, NewEvent, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did


def said(backend: Backend, run_id: str) -> list[dict[str, Any]]:
    return [e.content for e in backend.events(run_id) if e.kind == EventKind.PROGRESS]


def test_a_step_tells_how_far_it_is_before_its_result_is_kept(backend: Backend) -> None:
    run_id = backend.start(procedures.telling, lines=1)

    backend.advance(run_id)

    kinds = [(event.kind, event.key) for event in backend.events(run_id)][1:3]
    assert kinds == [("progress", "talk"), ("step.succeeded", "talk")]
    assert said(backend, run_id) == [{"attempt": 1, "text": "line 1"}]


def test_lines_that_come_too_fast_are_joined_and_the_last_is_kept(backend: Backend) -> None:
    run_id = backend.start(procedures.telling, lines=1000)

    backend.advance(run_id)

    first, *_, last = said(backend, run_id)
    assert first["text"] == "line 1"
    assert last["text"].endswith("line 999\nline 1000")
    assert len(last["text"].splitlines()) <= 20
    assert len(said(backend, run_id)) < 10


def test_a_count_takes_the_place_of_the_one_before(backend: Backend) -> None:
    run_id = backend.start(procedures.counting)

    backend.advance(run_id)

    assert said(backend, run_id)[-1] == {
        "attempt": 1,
        "text": "parcel 50",
        "done": 50,
        "total": 50,
    }


def test_a_coroutine_tells_and_says_as_it_runs(backend: Backend) -> None:
    run_id = backend.start(procedures.asynchronous_talk)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    kinds = [event.kind for event in backend.events(run_id)]
    assert kinds[1:4] == ["progress", "notice", "step.succeeded"]


def test_a_replay_says_nothing_again(backend: Backend) -> None:
    run_id = backend.start(procedures.telling, lines=3)
    backend.advance(run_id)
    before = said(backend, run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert said(backend, run_id) == before
    assert did == [1]


def test_each_attempt_says_its_own_lines(backend: Backend) -> None:
    run_id = backend.start(procedures.telling, lines=1, fails=True)

    assert backend.advance(run_id) == RunStatus.WAITING

    assert [(e.kind, e.content["attempt"]) for e in backend.events(run_id)[1:5]] == [
        ("progress", 1),
        ("step.failed", 1),
        ("progress", 2),
        ("step.succeeded", 2),
    ]


def test_a_zombie_that_tells_how_far_it_is_stops_there(backend: Backend) -> None:
    run_id = backend.start(procedures.tells_after_others_acted)
    procedures.interludes += [
        partial(backend.lose_lease, run_id),
        partial(backend.claim, run_id),
    ]

    with pytest.raises(Fenced):
        backend.advance(run_id)

    assert did == ["let_others_act", "caught"]
    assert [event.kind for event in backend.events(run_id)] == ["run.started"]


def test_telling_how_far_it_is_does_not_hide_that_workers_die(backend: Backend) -> None:
    run_id = backend.start(procedures.telling, lines=1)
    for _ in range(3):
        journal = backend.claim(run_id)
        assert journal
        journal.commit(Batch((NewEvent(EventKind.PROGRESS, "talk", data={"text": "line 1"}),)))
        backend.lose_lease(run_id)

    assert backend.advance(run_id) == RunStatus.QUARANTINED


def test_a_procedure_knows_who_started_it(backend: Backend) -> None:
    run_id = backend.start(procedures.knows_its_starter)

    backend.advance(run_id)

    assert backend.result(run_id) == '"system"'
