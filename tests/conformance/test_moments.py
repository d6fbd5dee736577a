"""Facts that replay may not change: time, a step's messages, the report of changed arguments."""

from datetime import timedelta

from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did, saw


def test_the_time_after_failures_is_the_same_on_every_replay(backend: Backend) -> None:
    run_id = backend.start(procedures.times_of_failures)
    for _ in range(3):  # two attempts, and the branch
        procedures.interludes.append(lambda: backend.travel(timedelta(milliseconds=10)))
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    first, replayed = saw
    assert first == replayed
    assert first == sorted({*first})


def test_what_a_pure_step_says_is_kept_once(backend: Backend) -> None:
    run_id = backend.start(procedures.telling_what_it_looks_at)
    for key in ("approve", "approve#2"):
        backend.advance(run_id)
        answer(backend, run_id, key)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    said = [e for e in backend.events(run_id) if e.kind in {EventKind.NOTICE, EventKind.PROGRESS}]
    assert [event.content["text"] for event in said] == ["I look.", "line 1", "line 2"]
    assert did == ["look"]


def test_each_step_with_other_arguments_is_told_once(backend: Backend) -> None:
    saw[:] = ["a", "b"]
    run_id = backend.start(procedures.given_anew)
    backend.advance(run_id)

    for key, given in (
        ("approve", ["a", "other"]),
        ("approve#2", ["another", "other"]),
        ("approve#3", ["another", "other"]),
    ):
        answer(backend, run_id, key)
        saw[:] = given
        backend.advance(run_id)

    assert backend.status(run_id) == RunStatus.SUCCEEDED
    logged = [event for event in backend.events(run_id) if event.kind == EventKind.LOG]
    assert [event.content["text"] for event in logged] == [
        "Both are done.",
        "The arguments of the step send have changed since its result was stored.",
        "The arguments of the step load have changed since its result was stored.",
    ]
    assert len({event.key for event in logged}) == 3
    assert did == ["a", "b"]
