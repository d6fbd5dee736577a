"""Changes of the state by parallel branches: all of them count, or the run gets an error."""

from datetime import timedelta
from typing import Any

import pytest

from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer, result_of
from tests.procedures import saw

LEFT, RIGHT = "gather/on_the_left", "gather/on_the_right"


def lived(backend: Backend, left: str, right: str, x: int | None = None) -> Any:
    run_id = backend.start(procedures.side_by_side, left=left, right=right, x=x)
    for key in ("", f"{RIGHT}/approve", f"{LEFT}/approve", "approve"):
        if key:
            assert answer(backend, run_id, key)
        backend.advance(run_id)
    assert backend.status(run_id) == RunStatus.SUCCEEDED
    return result_of(backend, run_id)


@pytest.mark.parametrize(
    ("left", "right", "x", "state"),
    [
        ("one", "nothing", None, {"x": 1}),
        ("one", "one", 7, {"x": 1}),
        ("gone", "gone", 7, {}),
        ("gone", "nothing", 7, {}),
        ("more", "much more", None, {"x": 7}),
        ("more", "less", 7, {"x": 7.5}),
        ("one more", "two", 7, {"x": 2}),
        ("list", "long list", None, {"names": ["a", ["b", "c"], ["b", "d"]]}),
        ("long list", "list", None, {"names": [["b", "c"], ["b", "d"], "a"]}),
        ("one", "list", None, {"x": 1, "names": ["a"]}),
    ],
)
def test_what_goes_together_is_merged(
    backend: Backend, left: str, right: str, x: int | None, state: dict[str, Any]
) -> None:
    assert lived(backend, left, right, x) == state


@pytest.mark.parametrize(
    ("left", "right", "x", "told"),
    [
        ("one", "two", None, ("set to 1", "set to 2")),
        ("one", "two", 1, ("set to 1", "set to 2")),
        ("gone", "two", 7, ("deleted", "set to 2")),
        ("one", "gone", 7, ("set to 1", "deleted")),
        ("put and gone", "two", None, ("deleted", "set to 2")),
        ("more", "two", None, ("incremented by 2", "set to 2")),
        ("one more", "more", 7, ("set to 2", "incremented by 2")),
    ],
)
def test_what_does_not_go_together_is_an_error_that_stays(
    backend: Backend, left: str, right: str, x: int | None, told: tuple[str, str]
) -> None:
    ended = lived(backend, left, right, x)

    assert ended == {"conflict": "x", LEFT: told[0], RIGHT: told[1], "x": x}
    assert len(saw) == 2
    assert len({*saw}) == 1
    assert f"ctx.state['x'] in conflicting ways: {LEFT}: {told[0]}; {RIGHT}: {told[1]}" in saw[0]


def test_a_list_is_appended_to_or_set(backend: Backend) -> None:
    assert lived(backend, "list", "other list")["conflict"] == "names"


def test_branches_in_branches_add_up_over_any_number_of_replays(backend: Backend) -> None:
    run_id = backend.start(procedures.counted_in_branches)
    backend.advance(run_id)
    backend.travel(timedelta(minutes=1))

    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    assert result_of(backend, run_id) == {"n": 1125, "seen": ["1"] * 5}


def test_a_conflict_ends_what_its_branches_ask_and_a_retry_joins_again(backend: Backend) -> None:
    run_id = backend.start(procedures.conflict_unhandled)

    assert backend.advance(run_id) == RunStatus.FAILED
    error = backend.error(run_id) or {}
    assert error["type"] == "StateConflictError"
    assert not backend.open_waits(run_id)

    backend.retry(run_id)
    assert backend.advance(run_id) == RunStatus.FAILED

    saw.append("mended")
    backend.retry(run_id)
    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    kinds = [event.kind for event in backend.events(run_id) if event.key == "gather"]
    assert kinds == [EventKind.STEP_FAILED] * 2
