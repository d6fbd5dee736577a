"""Child runs: real runs, waited for, bounded, cancelled as a tree."""

from datetime import timedelta

import pytest

from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer
from tests.procedures import did, saw


def test_a_child_runs_and_its_end_wakes_the_parent(backend: Backend) -> None:
    run_id = backend.start(procedures.calling, number=4)

    assert backend.advance(run_id) == RunStatus.WAITING
    [child] = backend.children(run_id)
    assert backend.status(child) == RunStatus.QUEUED
    backend.advance_all()

    assert backend.result(run_id) == "8"
    assert backend.result(child) == "8"
    assert did == ["double 4"]


def test_a_childs_question_is_its_own(backend: Backend) -> None:
    run_id = backend.start(procedures.calling, number=4, asks=True)
    backend.advance_all()
    [child] = backend.children(run_id)

    assert list(backend.open_waits(child)) == ["approve"]
    answer(backend, child, "approve")
    backend.advance_all()

    assert backend.result(run_id) == "8"
    assert did == ["double 4"]


def test_a_child_that_a_new_generation_leaves_behind_is_cancelled(backend: Backend) -> None:
    run_id = backend.start(procedures.children_left_behind)
    backend.advance_all()
    answer(backend, run_id, "approve")
    backend.advance_all()

    first, second = backend.children(run_id)
    assert backend.status(first) == RunStatus.CANCELLED
    assert {*backend.open_waits(run_id)} == {"doubled", "approve"}
    answer(backend, run_id, "approve")
    answer(backend, second, "approve")
    backend.advance_all()
    assert backend.result(run_id) == "4"


def test_a_failed_child_is_an_error_that_can_be_caught(backend: Backend) -> None:
    run_id = backend.start(procedures.calling, number=4, asks=True)
    backend.advance_all()
    answer(backend, backend.children(run_id)[0], "approve", value=False)
    backend.advance_all()

    assert saw[-1] == ("failed", "4 was refused.")
    assert backend.result(run_id) == '"without it"'


def test_a_failed_parent_that_is_retried_still_waits_for_its_child(backend: Backend) -> None:
    run_id = backend.start(procedures.failing_beside_a_child)
    backend.advance_all()
    assert backend.status(run_id) == RunStatus.FAILED

    backend.retry(run_id)
    backend.advance_all()
    [child] = backend.children(run_id)
    answer(backend, child, "approve")
    backend.advance_all()

    assert backend.result(run_id) == "8"


def test_spawned_children_run_meanwhile(backend: Backend) -> None:
    run_id = backend.start(procedures.spawning)
    backend.advance_all()

    assert backend.result(run_id) == "[2,4]"
    assert did[0] == "meanwhile"
    assert len(backend.children(run_id)) == 2


def test_a_map_keeps_to_its_bound_and_its_order(backend: Backend) -> None:
    run_id = backend.start(procedures.mapping, numbers=[5, 1, 4, 2, 3])
    backend.advance(run_id)
    assert len(backend.children(run_id)) == 2

    backend.advance(backend.children(run_id)[1])
    assert len(backend.children(run_id)) == 3
    backend.advance_all()

    assert backend.result(run_id) == "[10,2,8,4,6]"
    kinds = [event.kind for event in backend.events(run_id)]
    assert kinds.count(EventKind.CHILD_STARTED) == 1
    assert kinds.count(EventKind.RUN_RESUMED) == 1


def test_each_child_of_a_long_map_has_its_own_inputs(backend: Backend) -> None:
    run_id = backend.start(procedures.mapping, numbers=[*range(1, 131)], at_most=120)
    backend.advance(run_id)
    children = backend.children(run_id)
    assert len(children) == 120

    for child in (children[0], children[119]):
        backend.advance(child)

    assert [backend.result(children[place]) for place in (0, 119)] == ["2", "240"]
    assert len(backend.children(run_id)) == 122


def test_an_empty_map_is_done(backend: Backend) -> None:
    run_id = backend.start(procedures.mapping, numbers=[])
    backend.advance_all()

    assert backend.result(run_id) == "[]"


def test_the_first_failed_child_of_a_map_ends_the_others(backend: Backend) -> None:
    run_id = backend.start(procedures.mapping, numbers=[-1, -2, 3])
    backend.advance_all()
    first, second = backend.children(run_id)[:2]

    answer(backend, first, "approve", value=False)
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.FAILED
    assert "-1 was refused" in str(backend.error(run_id))
    assert backend.status(second) == RunStatus.CANCELLED


def test_failures_of_a_map_may_be_collected(backend: Backend) -> None:
    run_id = backend.start(procedures.mapping, numbers=[-1, 2, 3], collect=True)
    backend.advance_all()
    answer(backend, backend.children(run_id)[0], "approve", value=False)
    backend.advance_all()

    assert backend.result(run_id) == '["doubled[1] failed: -1 was refused.",4,6]'


def test_a_cancel_ends_the_whole_tree(backend: Backend) -> None:
    run_id = backend.start(procedures.mapping, numbers=[-1, -2, -3], at_most=2)
    backend.advance_all()

    backend.cancel(run_id)
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.CANCELLED
    children = backend.children(run_id)
    assert {backend.status(child) for child in children} == {RunStatus.CANCELLED}
    assert not any(backend.open_waits(child) for child in children)
    assert len(children) == 2


ENDS = {
    "succeeds": ("leaving_a_child", "", RunStatus.SUCCEEDED),
    "fails": ("failing_beside_a_child", "", RunStatus.FAILED),
    "is cancelled": ("waiting_beside_a_child", "cancel", RunStatus.CANCELLED),
    "is ended by force": ("waiting_beside_a_child", "force_end", RunStatus.CANCELLED),
    "begins anew": ("anew_beside_a_child", "", RunStatus.WAITING),
}


@pytest.mark.parametrize("fate", ["cancel", "abandon"])
@pytest.mark.parametrize("how", ENDS)
def test_when_a_run_ends_its_child_does_what_it_was_started_for(
    backend: Backend, how: str, fate: str
) -> None:
    name, verb, status = ENDS[how]
    run_id = backend.start(getattr(procedures, name), fate=fate)
    backend.advance_all()
    if verb:
        getattr(backend, verb)(run_id)
        backend.advance_all()
    [child] = backend.children(run_id)

    assert backend.status(run_id) == status
    goes_on = fate == "abandon" and verb != "force_end"
    assert backend.status(child) == (RunStatus.WAITING if goes_on else RunStatus.CANCELLED)
    assert list(backend.open_waits(child)) == (["approve"] if goes_on else [])
    if goes_on:
        answer(backend, child, "approve")
        backend.advance_all()
        assert backend.result(child) == "8"


def test_a_cancel_reaches_no_child_that_an_ended_run_abandoned(backend: Backend) -> None:
    run_id = backend.start(procedures.above_one_that_has_left)
    backend.advance_all()
    [done] = backend.children(run_id)
    [left] = backend.children(done)

    backend.cancel(run_id)
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.CANCELLED
    assert (backend.status(done), backend.status(left)) == (
        RunStatus.SUCCEEDED,
        RunStatus.WAITING,
    )


def test_a_failed_parent_that_is_retried_begins_its_cancelled_child_anew(backend: Backend) -> None:
    run_id = backend.start(procedures.failing_beside_a_child, fate="cancel")
    backend.advance_all()

    backend.retry(run_id)
    backend.advance_all()

    first, second = backend.children(run_id)
    assert backend.status(first) == RunStatus.CANCELLED
    answer(backend, second, "approve")
    backend.advance_all()
    assert backend.result(run_id) == "8"


def test_a_map_that_its_parents_end_cut_off_keeps_its_results_for_the_retry(
    backend: Backend,
) -> None:
    run_id = backend.start(procedures.mapping_in_an_hour)
    backend.advance_all()
    backend.travel(timedelta(hours=2))
    backend.advance_all()
    assert backend.status(run_id) == RunStatus.FAILED
    assert [backend.status(child) for child in backend.children(run_id)] == [
        RunStatus.SUCCEEDED,
        RunStatus.CANCELLED,
        RunStatus.SUCCEEDED,
    ]

    backend.retry(run_id)
    *_, anew = backend.children(run_id)
    backend.advance(anew)
    answer(backend, anew, "approve")
    backend.advance(anew)
    backend.advance(run_id, procedures.mapping_in_more)

    assert backend.result(run_id) == "[2,4,6]"
    assert did == ["double 1", "double 2", "double 3", "double 2"]


@pytest.mark.parametrize(
    ("fate", "fated_child", "told"),
    [
        ("stop", False, "'cancel' or 'abandon', not 'stop'."),
        ("cancel", True, "The input on_parent_end of fated"),
    ],
)
def test_a_fate_that_means_nothing_starts_no_child(
    backend: Backend,
    fate: str,
    fated_child: bool,  # noqa: FBT001
    told: str,
) -> None:
    run_id = backend.start(procedures.spawning_with, fate=fate, fated_child=fated_child)

    assert backend.advance(run_id) == RunStatus.FAILED
    assert told in str(backend.error(run_id))
    assert not backend.children(run_id)


def test_children_are_not_endlessly_deep(backend: Backend) -> None:
    run_id = backend.start(procedures.endless)
    backend.advance_all()

    assert backend.status(run_id) == RunStatus.FAILED
    assert max(saw) == 21
    assert "20 levels of ancestors" in str(backend.error(run_id))


def test_inputs_that_do_not_fit_start_nothing(backend: Backend) -> None:
    run_id = backend.start(procedures.child_with_wrong_inputs)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert "whole number" in str(backend.error(run_id))
    assert not backend.children(run_id)


MISFIT = "The result doesn't fit its annotation: Input should be a valid integer"


def test_a_run_whose_result_does_not_fit_its_declared_type_fails(backend: Backend) -> None:
    run_id = backend.start(procedures.mislabelled)

    assert backend.advance(run_id) == RunStatus.FAILED

    assert MISFIT in str(backend.error(run_id))
    assert did == ["count 1", "undo 1"]


@pytest.mark.parametrize("way", ["call", "name", "spawn", "map"])
def test_a_child_whose_result_does_not_fit_fails_itself_and_its_parent_goes_on(
    backend: Backend, way: str
) -> None:
    run_id = backend.start(procedures.above_a_mislabelled_child, way=way)
    backend.advance_all()
    [child] = backend.children(run_id)

    assert backend.status(child) == RunStatus.FAILED
    assert MISFIT in str(backend.error(child))
    assert backend.result(run_id) == '"without it"'
    [(outcome, message)] = saw
    assert (outcome, message.startswith(MISFIT)) == ("failed", True)
