"""Runs that rest until they are let go on, and runs that end at once, whoever works on them."""

from datetime import timedelta

import pytest

from procedures.engine import Procedure
from procedures.engine.errors import Fenced
from procedures.engine.execute import advance
from procedures.engine.journal.events import Batch, Event, EventKind, NewEvent, RunStatus
from procedures.testing.files import MemoryFiles
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did

ENDS = {EventKind.RUN_SUCCEEDED, EventKind.RUN_FAILED, EventKind.RUN_CANCELLED}


def deeds(events: list[Event]) -> list[str]:
    return [event.content["action"] for event in events if event.kind == EventKind.OPERATOR]


def waiting(backend: Backend, code: Procedure = procedures.question, **inputs: object) -> str:
    run_id = backend.start(code, **inputs)
    assert backend.advance(run_id) == RunStatus.WAITING
    return run_id


# Pause


def test_a_paused_run_is_left_alone_and_goes_on_as_it_stood(backend: Backend) -> None:
    queued, asking = backend.start(procedures.two_steps), waiting(backend)
    for run_id, stood in ((queued, RunStatus.QUEUED), (asking, RunStatus.WAITING)):
        backend.pause(run_id)
        backend.travel(timedelta(days=1))
        assert backend.advance(run_id) == RunStatus.PAUSED
        assert deeds(backend.events(run_id)) == ["pause"]

        backend.unpause(run_id)
        assert backend.status(run_id) == stood
        assert deeds(backend.events(run_id)) == ["pause", "unpause"]
    assert backend.advance(queued) == RunStatus.SUCCEEDED
    assert EventKind.RUN_RESUMED not in [event.kind for event in backend.events(asking)]


def test_an_answer_to_a_paused_run_is_kept(backend: Backend) -> None:
    run_id = waiting(backend)
    backend.pause(run_id)

    assert answer(backend, run_id, "approve")
    assert backend.advance(run_id) == RunStatus.PAUSED
    assert not answer(backend, run_id, "approve", value=False)
    backend.unpause(run_id)

    assert backend.status(run_id) == RunStatus.QUEUED
    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert backend.result(run_id) == "true"


def test_a_deadline_passes_while_its_run_is_paused(backend: Backend) -> None:
    run_id = waiting(backend, procedures.deadline_with_default)
    backend.pause(run_id)

    backend.travel(timedelta(days=30))
    assert not backend.open_waits(run_id)
    assert backend.advance(run_id) == RunStatus.PAUSED
    backend.unpause(run_id)

    assert backend.advance(run_id) == RunStatus.SUCCEEDED


def test_a_step_is_not_tried_again_while_its_run_is_paused(backend: Backend) -> None:
    run_id = backend.start(procedures.flaky, failures=1, backoff="10m")
    assert backend.advance(run_id) == RunStatus.RETRYING
    backend.pause(run_id)
    backend.unpause(run_id)
    assert backend.status(run_id) == RunStatus.RETRYING
    backend.pause(run_id)

    backend.travel(timedelta(hours=1))
    assert backend.advance(run_id) == RunStatus.PAUSED
    backend.unpause(run_id)
    backend.travel(timedelta(0))

    assert backend.advance(run_id) == RunStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("code", "done"),
    [
        (procedures.others_act, ["before", "let_others_act"]),
        (procedures.others_act_then_it_asks, ["let_others_act"]),
        (procedures.leaves_a_question, ["let_others_act"]),
    ],
)
def test_a_run_at_work_pauses_before_its_next_step_or_wait(
    backend: Backend, code: Procedure, done: list[str]
) -> None:
    run_id = backend.start(code)
    procedures.interludes.append(lambda: backend.pause(run_id))
    if code is procedures.others_act:
        look_around_after_pausing(backend, run_id)

    backend.advance_all()
    assert backend.status(run_id) == RunStatus.PAUSED
    assert did == done
    assert deeds(backend.events(run_id)) == ["pause"]

    backend.unpause(run_id)
    backend.advance_all()
    assert backend.status(run_id) in (RunStatus.SUCCEEDED, RunStatus.WAITING)
    assert did.count("let_others_act") == 1 + (code is procedures.leaves_a_question)


def look_around_after_pausing(backend: Backend, run_id: str) -> None:
    """Do the heartbeat's work from inside the coming claim."""
    journal = backend.claim(run_id)
    assert journal
    if look := getattr(journal, "look_around", None):
        procedures.interludes.append(look)
    advance(procedures.others_act, journal, MemoryFiles())


@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_a_run_does_not_end_over_what_an_operator_has_said(backend: Backend, verb: str) -> None:
    run_id = backend.start(procedures.last_word)
    procedures.interludes.append(lambda: getattr(backend, verb)(run_id))

    backend.advance_all()

    assert backend.status(run_id) in (RunStatus.PAUSED, RunStatus.CANCELLED)
    assert deeds(backend.events(run_id)) == [verb]
    if verb == "pause":
        backend.unpause(run_id)
        assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert did == ["let_others_act"]


def test_a_pause_that_is_taken_back_in_time_changes_nothing(backend: Backend) -> None:
    run_id = backend.start(procedures.others_act)
    procedures.interludes += [lambda: backend.pause(run_id), lambda: backend.unpause(run_id)]

    backend.advance_all()

    assert backend.status(run_id) == RunStatus.SUCCEEDED
    assert deeds(backend.events(run_id)) == ["pause", "unpause"]


def test_a_paused_runs_children_go_on(backend: Backend) -> None:
    run_id = waiting(backend, procedures.mapping, numbers=[1, 2, 3], at_most=1)
    backend.pause(run_id)

    backend.advance_all()
    assert backend.status(run_id) == RunStatus.PAUSED
    assert len(backend.children(run_id)) == 3
    backend.unpause(run_id)
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.SUCCEEDED


def test_a_cancel_ends_a_pause(backend: Backend) -> None:
    run_id, undoing = waiting(backend), waiting(backend, procedures.compensating)
    for paused in (run_id, undoing):
        backend.pause(paused)
        backend.cancel(paused)
    backend.advance_all()

    assert [backend.status(one) for one in (run_id, undoing)] == [RunStatus.CANCELLED] * 2
    assert did[-2:] == ["take back the money", "release the room"]


# Force end


def test_a_run_at_work_ends_at_once_and_its_worker_writes_nothing_more(backend: Backend) -> None:
    run_id = backend.start(procedures.others_act)
    procedures.interludes.append(lambda: backend.force_end(run_id))

    with pytest.raises(Fenced):
        backend.advance(run_id)

    assert backend.status(run_id) == RunStatus.CANCELLED
    events = backend.events(run_id)
    assert [event.kind for event in events[-2:]] == ["operator", "run.cancelled"]
    for event in events[-2:]:
        said = {"action": "force_end", "by": "dave", "reason": "At once.", "forced": True}
        assert said.items() <= event.content.items()
    backend.advance_all()
    assert did == ["before", "let_others_act"]
    assert backend.events(run_id) == events


@pytest.mark.parametrize("status", ["waiting", "paused", "cancelling", "undoing", "lost"])
def test_whatever_it_does_it_ends_and_undoes_nothing(backend: Backend, status: str) -> None:
    run_id = waiting(backend, procedures.doubtfully_undone)
    if status == "paused":
        backend.pause(run_id)
    if status in {"cancelling", "undoing"}:
        backend.cancel(run_id)
    if status == "undoing":
        journal = backend.claim(run_id)
        assert journal
        began = NewEvent(EventKind.STEP_STARTED, "undo/refund", "undo/refund", {"attempt": 1})
        journal.commit(Batch((began,)))
        backend.lose_lease(run_id)
        assert backend.advance(run_id) == RunStatus.WAITING
        assert backend.open_waits(run_id)
    if status == "lost":
        answer(backend, run_id, "approve")
        assert backend.claim(run_id)
        backend.lose_lease(run_id)

    backend.force_end(run_id)

    assert backend.status(run_id) == RunStatus.CANCELLED
    assert not backend.open_waits(run_id)
    assert sum(event.kind in ENDS for event in backend.events(run_id)) == 1
    events = backend.events(run_id)
    backend.travel(timedelta(days=1))
    backend.advance_all()
    assert did == []
    assert backend.events(run_id) == events


def test_the_whole_tree_ends_at_once_and_says_by_whom(backend: Backend) -> None:
    run_id = waiting(backend, procedures.calling, number=1, asks=True)
    [child] = backend.children(run_id)
    assert backend.advance(child) == RunStatus.WAITING

    backend.force_end(run_id)

    for one in (run_id, child):
        assert backend.status(one) == RunStatus.CANCELLED
        assert deeds(backend.events(one)) == ["force_end"]
        assert backend.events(one)[-1].content["by"] == "dave"
        assert not backend.open_waits(one)


def test_a_map_whose_run_is_ended_begins_nothing_more(backend: Backend) -> None:
    run_id = waiting(backend, procedures.mapping, numbers=[1, 2, 3], at_most=2)

    backend.force_end(run_id)
    backend.advance_all()

    assert len(backend.children(run_id)) == 2
    assert {backend.status(child) for child in backend.children(run_id)} == {RunStatus.CANCELLED}


def test_a_child_that_ends_at_once_wakes_its_parent(backend: Backend) -> None:
    run_id = waiting(backend, procedures.calling, number=1, asks=True)

    backend.force_end(backend.children(run_id)[0])

    assert backend.status(run_id) == RunStatus.QUEUED
    backend.advance(run_id)
    assert backend.status(run_id) != RunStatus.QUEUED
