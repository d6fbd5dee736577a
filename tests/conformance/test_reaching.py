"""Reads and acts of a run in other runs, and what it keeps open: done once, and replayed."""

import json
from datetime import timedelta
from typing import Any

import pytest

from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did, saw


def result(backend: Backend, run_id: str) -> Any:
    assert backend.status(run_id) == RunStatus.SUCCEEDED, backend.error(run_id)
    return json.loads(backend.result(run_id) or "null")


def go_on(backend: Backend, run_id: str, key: str = "approve", value: Any = True) -> None:  # noqa: FBT002
    answer(backend, run_id, key, value)
    backend.advance_all()


def begun(backend: Backend, name: str, **inputs: Any) -> str:
    run_id = backend.start(getattr(procedures, name), **inputs)
    backend.advance_all()
    return run_id


# Signals from run to run


@pytest.mark.parametrize("asks", [False, True])
def test_a_run_sends_its_child_a_signal_early_or_late(backend: Backend, asks: bool) -> None:  # noqa: FBT001
    run_id = begun(backend, "sending", asks=asks)
    [child] = backend.children(run_id)
    if asks:
        go_on(backend, child)
    go_on(backend, run_id)

    assert result(backend, run_id) == [7, "run"]
    kinds = [event.kind for event in backend.events(run_id)]
    assert kinds.count(EventKind.SENT) == 1


def test_the_waiter_raises_what_was_sent_as_an_error(backend: Backend) -> None:
    run_id = begun(backend, "sending", value=None, error="No such order.", asks=True)
    go_on(backend, backend.children(run_id)[0])
    go_on(backend, run_id)

    assert result(backend, run_id) == ["word", "No such order."]


def test_the_same_id_counts_once_over_any_number_of_calls(backend: Backend) -> None:
    run_id = begun(backend, "sending_twice")
    backend.travel(timedelta(hours=2))
    backend.advance_all()

    assert result(backend, run_id) == [1, "run"]


def test_what_an_open_wait_cannot_take_is_skipped_and_the_journal_says_why(
    backend: Backend,
) -> None:
    run_id = begun(backend, "sending", value="many")
    [child] = backend.children(run_id)
    go_on(backend, run_id)

    assert list(backend.open_waits(child)) == ["word"]
    [told] = [event.name for event in backend.events(child) if event.kind == EventKind.LOG]
    assert told.startswith("The signal word from run ")
    backend.signal(child, "word", 8, "1")
    backend.advance_all()
    assert result(backend, run_id)[0] == 8


def test_a_child_reaches_its_parent(backend: Backend) -> None:
    assert result(backend, begun(backend, "hearing_below")) == [9, None]


@pytest.mark.parametrize("to", ["no id", "01890000-0000-7000-8000-000000000000", "other"])
def test_who_may_not_reach_a_run_learns_nothing_of_it(backend: Backend, to: str) -> None:
    other = begun(backend, "receiving", asks=False)
    run_id = begun(backend, "reaching_out", to=other if to == "other" else to)
    go_on(backend, run_id)

    named = other if to == "other" else to
    words = f"There is no run {named}, or this run doesn't have access to it."
    assert result(backend, run_id) == words
    assert did == ["refused"]
    assert list(backend.open_waits(other)) == ["word"]


def test_what_is_sent_to_a_run_that_has_ended_is_dropped(backend: Backend) -> None:
    run_id = begun(backend, "cancelling")
    [child] = backend.children(run_id)
    backend.force_end(child)
    backend.advance_all()
    before = len(backend.events(child))
    go_on(backend, run_id)

    assert result(backend, run_id) == ["cancelled", "cancelled"]
    assert len(backend.events(child)) == before


# Cancels and readings


def test_a_run_cancels_its_child_and_says_why(backend: Backend) -> None:
    run_id = begun(backend, "cancelling")
    [child] = backend.children(run_id)
    go_on(backend, run_id)

    assert backend.status(child) == RunStatus.CANCELLED
    assert result(backend, run_id) == ["cancelled", "cancelled"]
    said = [e.content for e in backend.events(child) if e.kind == EventKind.OPERATOR]
    assert [(one["by"], one["reason"]) for one in said] == [(f"run {run_id}", "It takes too long.")]


def test_a_run_withdraws_what_it_waits_for_itself(backend: Backend) -> None:
    run_id = begun(backend, "withdrawing")
    go_on(backend, run_id, "approve#2")
    assert list(backend.open_waits(run_id)) == ["approve#3"]
    go_on(backend, run_id, "approve#3")

    assert result(backend, run_id) == [
        *("withdrawn", "Nobody needs it."),
        *("withdrawn", "withdrawn", True),
    ]


def test_a_reading_is_what_was_read_first_on_every_replay(backend: Backend) -> None:
    run_id = begun(backend, "reading_below")
    [child] = backend.children(run_id)
    answer(backend, run_id, "ask", "Ann")
    go_on(backend, run_id)
    backend.signal(child, "word", 8, "1")
    backend.advance_all()
    go_on(backend, run_id, "approve#2")

    assert saw == [("queued", "open", "waiting", "answered")] * 3
    assert result(backend, run_id) == [*saw[0], "succeeded"]


# What is kept open


def test_what_a_set_keeps_open_is_answered_later(backend: Backend) -> None:
    run_id = begun(backend, "keeping_open")
    go_on(backend, run_id, "q1", "first")
    assert {*backend.open_waits(run_id)} == {"q0", "q2", "approve"}
    go_on(backend, run_id, "q2", "second")
    go_on(backend, run_id, "q0", "third")
    go_on(backend, run_id)

    go_on(backend, run_id, "approve#2")

    assert {*saw} == {"q1"}
    assert result(backend, run_id) == ["q1", "q2", "second"]


def test_what_is_still_open_at_the_end_is_withdrawn(backend: Backend) -> None:
    run_id = begun(backend, "keeping_open", count=4)
    for key in ("q1", "q2"):
        go_on(backend, run_id, key, "said")
    for key in ("approve", "approve#2"):
        go_on(backend, run_id, key)

    assert result(backend, run_id)[:2] == ["q1", "q2"]
    assert not backend.open_waits(run_id)


def test_a_set_that_keeps_nothing_open_is_another_set(backend: Backend) -> None:
    run_id = begun(backend, "keeping_open")
    answer(backend, run_id, "q1", "first")

    assert backend.advance(run_id, procedures.keeping_nothing_open) == RunStatus.QUARANTINED


@pytest.mark.parametrize("at_once", [False, True])
def test_handles_are_handed_out_as_they_close(backend: Backend, at_once: bool) -> None:  # noqa: FBT001
    run_id = begun(backend, "as_they_come")
    for key in ("q2", "q0", "q1"):
        answer(backend, run_id, key, f"to {key}")
        if not at_once:
            backend.advance_all()
    backend.advance_all()

    assert result(backend, run_id) == ["q2=to q2", "q0=to q0", "q1=to q1"]
    assert did == ["to q2", "to q0", "to q1"]


def test_each_that_is_handed_out_costs_as_many_bytes_of_however_many(backend: Backend) -> None:
    lengths = set()
    for count in (2, 40):
        run_id = begun(backend, "as_they_come", count=count, most=2)
        for key in ("q1", "q0"):
            go_on(backend, run_id, key, "said")
        kept = [event for event in backend.events(run_id) if event.kind == EventKind.SEEN]
        lengths |= {sum(len(event.data) + len(event.key) for event in kept)}
        assert len(kept) == 2
        assert not backend.open_waits(run_id)

    assert len(lengths) == 1
