"""Steps: each once, one commit each, tried again as said, and kept in its type."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did, saw


def test_every_step_runs_once_and_is_kept_at_once(backend: Backend) -> None:
    run_id = backend.start(procedures.two_steps)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert did == ["pack", "send"]
    assert [event.kind for event in backend.events(run_id)] == [
        EventKind.RUN_STARTED,
        EventKind.STEP_SUCCEEDED,
        EventKind.STEP_SUCCEEDED,
        EventKind.RUN_SUCCEEDED,
    ]
    assert backend.result(run_id) == '["pack","send"]'


def test_a_step_is_kept_before_the_next_one_starts(backend: Backend) -> None:
    run_id = backend.start(procedures.others_act)
    kept: list[str] = []
    procedures.interludes.append(lambda: kept.extend(event.key for event in backend.events(run_id)))

    backend.advance(run_id)

    assert kept == ["", "before"]


def test_a_kept_step_never_runs_again(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert did == ["before", "after"]


def test_events_are_numbered_without_a_gap(backend: Backend) -> None:
    run_id = backend.start(procedures.question)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    backend.advance(run_id)

    events = backend.events(run_id)

    assert [event.seq for event in events] == list(range(1, len(events) + 1))


def test_a_name_used_again_gets_an_ordinal(backend: Backend) -> None:
    run_id = backend.start(procedures.repeated_steps, times=3)

    backend.advance(run_id)

    assert [event.key for event in backend.events(run_id)][1:-1] == ["act", "act#2", "act#3"]
    assert backend.result(run_id) == '["turn 0","turn 1","turn 2"]'


def test_a_result_has_its_type_the_first_time_and_on_replay(backend: Backend) -> None:
    run_id = backend.start(procedures.typed_results)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    first, replayed = saw
    assert first == replayed
    [parcel] = replayed.parcels
    assert (parcel.weight, parcel.due) == (Decimal("1.50"), date(2026, 3, 1))
    assert replayed.speed is procedures.Speed.FAST
    assert replayed.left_at == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert (replayed.tags, replayed.zones) == ({"a", "b"}, {7: "north"})
    assert backend.result(run_id) == '"To: alice"'


def test_a_result_without_a_type_is_plain_json_the_first_time_too(backend: Backend) -> None:
    run_id = backend.start(procedures.loose_results)

    backend.advance(run_id)

    assert saw == [{"pair": [1, "1.5"], "7": "2026-03-01"}]


def test_changing_a_result_does_not_change_what_is_kept(backend: Backend) -> None:
    run_id = backend.start(procedures.loose_results)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    backend.advance(run_id)

    first, replayed = saw
    assert first == replayed


def test_a_failing_step_is_tried_again_with_the_same_idempotency_key(backend: Backend) -> None:
    run_id = backend.start(procedures.flaky, failures=2)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    key = f"{run_id}:fail_at_first"
    assert did == [(1, key), (2, key), (3, key)]
    assert [event.kind for event in backend.events(run_id)][1:-1] == [
        EventKind.STEP_FAILED,
        EventKind.STEP_FAILED,
        EventKind.STEP_SUCCEEDED,
    ]


def test_a_pause_of_more_than_a_second_holds_no_worker(backend: Backend) -> None:
    run_id = backend.start(procedures.flaky, failures=1, backoff="10m")

    assert backend.advance(run_id) == RunStatus.RETRYING
    assert backend.advance(run_id) == RunStatus.RETRYING
    backend.travel(timedelta(minutes=9))
    assert backend.advance(run_id) == RunStatus.RETRYING
    backend.travel(timedelta(minutes=2))
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert [attempt for attempt, _key in did] == [1, 2]


def test_attempts_are_counted_over_workers(backend: Backend) -> None:
    run_id = backend.start(procedures.flaky, failures=9, attempts=3, backoff="10m")
    for _ in range(2):
        assert backend.advance(run_id) == RunStatus.RETRYING
        backend.travel(timedelta(hours=1))

    assert backend.advance(run_id) == RunStatus.FAILED

    assert [attempt for attempt, _key in did] == [1, 2, 3]


def test_the_last_failure_fails_the_run(backend: Backend) -> None:
    run_id = backend.start(procedures.flaky, failures=3)

    assert backend.advance(run_id) == RunStatus.FAILED

    error = backend.error(run_id)
    assert error
    assert error["type"] == "StepFailedError"
    assert error["message"] == "fail_at_first: ConnectionError: The bank does not answer."


def test_a_failed_step_raises_the_same_error_on_replay(backend: Backend) -> None:
    run_id = backend.start(procedures.forgiving)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    message = "The bank does not answer."
    assert saw == [(f"pay: ConnectionError: {message}", "pay", "ConnectionError", message)] * 2
    assert len(did) == 1


def test_a_file_is_kept_with_its_step(backend: Backend) -> None:
    run_id = backend.start(procedures.reports, fails=False)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert backend.files(run_id) == {"report.csv": b"a;b\n"}
    assert backend.result(run_id) == '"a;b\\n"'


def test_a_failed_step_keeps_no_file(backend: Backend) -> None:
    run_id = backend.start(procedures.reports, fails=True)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert backend.files(run_id) == {}


def test_the_same_file_twice_is_one_file(backend: Backend) -> None:
    run_id = backend.start(procedures.same_file_twice)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert backend.files(run_id) == {"same.txt": b"same"}
    assert backend.result(run_id) == "1"


@pytest.mark.parametrize("call", ["step", "approve", "sleep", "log", "state"])
def test_the_context_cannot_be_used_inside_a_step(backend: Backend, call: str) -> None:
    run_id = backend.start(procedures.context_in_step, call=call)

    assert backend.advance(run_id) == RunStatus.FAILED

    error = backend.error(run_id)
    assert error
    assert "can't be used inside a step" in error["message"]
    assert [event.kind for event in backend.events(run_id)][1:] == ["step.failed", "run.failed"]


@pytest.mark.parametrize("call", ["now", "uuid", "random"])
def test_inside_a_step_nothing_is_drawn_that_replay_would_not_draw(
    backend: Backend, call: str
) -> None:
    run_id = backend.start(procedures.context_in_step, call=call)

    assert backend.advance(run_id) == RunStatus.FAILED


@pytest.mark.parametrize("inside", ["step", "procedure"])
def test_sys_exit_is_a_failure_and_not_the_workers_end(backend: Backend, inside: str) -> None:
    run_id = backend.start(procedures.leaver, inside=inside)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert "SystemExit" in json.dumps(backend.error(run_id))
