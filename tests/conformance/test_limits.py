"""Limits: each ends a run for good, lets it undo what it did, and lets a raised one go on."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from procedures.engine import Limits, Procedure
from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did


def failed(backend: Backend, run_id: str) -> str:
    """The words with which it failed."""
    assert backend.status(run_id) == RunStatus.FAILED
    error = backend.error(run_id)
    assert error
    assert error["type"] == "LimitReached"
    assert not backend.open_waits(run_id)
    return str(error["message"])


def raised(definition: Procedure, **limits: Any) -> Procedure:
    return replace(definition, limits=Limits(**limits))


def test_a_run_does_so_many_steps_and_no_more(backend: Backend) -> None:
    definition = procedures.three_steps_at_most
    enough, too_many = (backend.start(definition, count=many, way="undone") for many in (3, 4))

    assert backend.advance(enough) == RunStatus.SUCCEEDED
    did.clear()
    backend.advance(too_many)

    assert "limit of 3 steps. Use ctx.continue_as_new" in failed(backend, too_many)
    assert did == ["0", "1", "2", "undo"]


def test_a_raised_limit_lets_a_retried_run_go_on(backend: Backend) -> None:
    run_id = backend.start(procedures.three_steps_at_most, count=5)
    backend.advance(run_id)

    for steps in (3, 4):
        backend.retry(run_id)
        backend.advance(run_id, raised(procedures.three_steps_at_most, steps=steps))
        assert f"limit of {steps} steps" in failed(backend, run_id)
    backend.retry(run_id)

    assert (
        backend.advance(run_id, raised(procedures.three_steps_at_most, steps=5))
        == RunStatus.SUCCEEDED
    )
    assert did == ["0", "1", "2", "3", "4"]


def test_what_the_code_went_on_without_is_not_tried_again(backend: Backend) -> None:
    run_id = backend.start(procedures.going_on_without)
    backend.advance(run_id)
    assert "limit of 1 steps" in failed(backend, run_id)

    backend.retry(run_id)
    backend.advance(run_id, raised(procedures.going_on_without, steps=2))

    assert backend.status(run_id) == RunStatus.SUCCEEDED
    assert did == ["first", "second"]


@pytest.mark.parametrize("way", ["steps", "tries", "logs", "state", "questions"])
def test_a_journal_has_so_many_events_whatever_the_code_catches(backend: Backend, way: str) -> None:
    run_id = backend.start(procedures.nine_events_at_most, way=way)

    backend.advance(run_id)

    assert "limit of 9 events" in failed(backend, run_id)
    kept = [one for one in backend.events(run_id) if not one.key.startswith("undo/")]
    assert [one.kind for one in kept].index(EventKind.RUN_FAILED) == 9
    assert did[-1] == "undo"
    assert "swallowed" not in did


@pytest.mark.parametrize(("one_by_one", "in_a_map"), [(4, 0), (0, 4), (2, 2)])
def test_a_run_starts_so_many_children_those_of_a_map_too(
    backend: Backend, one_by_one: int, in_a_map: int
) -> None:
    inputs = {"one_by_one": one_by_one, "in_a_map": in_a_map}
    run_id = backend.start(procedures.three_children_at_most, **inputs)
    fitting = backend.start(procedures.three_children_at_most, one_by_one=1, in_a_map=2)

    backend.advance_all()

    assert backend.status(fitting) == RunStatus.SUCCEEDED
    assert "the limit is 3" in failed(backend, run_id)
    assert len(backend.children(run_id)) == one_by_one - (one_by_one > 3)
    backend.retry(run_id)
    while not backend.advance(run_id, raised(procedures.three_children_at_most)).is_end:
        for child in backend.children(run_id):
            backend.advance(child)
    assert backend.status(run_id) == RunStatus.SUCCEEDED


def test_runs_stand_so_deep_and_no_deeper(backend: Backend) -> None:
    fitting, too_deep = (backend.start(procedures.set_in_one_another, deep=deep) for deep in (2, 3))

    backend.advance_all()

    assert backend.result(fitting) == '"deep enough"'
    assert "2 levels of ancestors" in (backend.result(too_deep) or "")


@pytest.mark.parametrize("way", ["question", "undone", "set", "retry"])
def test_a_run_that_waits_ends_when_its_time_is_up(backend: Backend, way: str) -> None:
    run_id = backend.start(procedures.two_days_at_most, way=way)
    backend.advance(run_id)
    backend.travel(timedelta(hours=47))
    backend.advance_all()
    assert backend.status(run_id) in (RunStatus.WAITING, RunStatus.RETRYING)

    backend.travel(timedelta(hours=2))
    backend.advance_all()

    assert "reached its maximum duration of 2 days" in failed(backend, run_id)
    assert did == ([] if way == "question" else ["undo"])


def test_with_more_time_a_retried_run_asks_again(backend: Backend) -> None:
    run_id = backend.start(procedures.two_days_at_most)
    backend.advance(run_id)
    backend.travel(timedelta(days=3))
    backend.advance_all()
    failed(backend, run_id)

    longer = raised(procedures.two_days_at_most, max_duration="9 days")
    backend.retry(run_id)
    assert backend.advance(run_id, longer) == RunStatus.WAITING
    backend.travel(timedelta(days=5))
    assert backend.status(run_id) == RunStatus.WAITING
    assert answer(backend, run_id, "approve")

    assert backend.advance(run_id, longer) == RunStatus.SUCCEEDED
    assert did == ["done"]


def test_a_run_that_begins_anew_counts_anew_but_its_time_goes_on(backend: Backend) -> None:
    run_id = backend.start(procedures.two_at_a_time)
    for _ in range(5):
        backend.advance_all()
        backend.travel(timedelta(hours=17))

    assert "reached its maximum duration" in failed(backend, run_id)
    assert did == ["step"] * 6


def test_what_other_branches_did_is_undone_too(backend: Backend) -> None:
    run_id = backend.start(procedures.beside_another)
    backend.advance(run_id)
    for key in [*backend.open_waits(run_id)]:
        if "does_too_much" in key:
            answer(backend, run_id, key)

    backend.advance(run_id)

    assert "limit of 2 steps" in failed(backend, run_id)
    assert did == ["book", "step", "unbook"]
