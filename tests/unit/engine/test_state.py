"""The durable values of a run."""

from typing import Any

import pytest

from procedures.engine.state import State

Notes = list[tuple[str, Any]]


@pytest.fixture
def notes() -> Notes:
    return []


@pytest.fixture
def state(notes: Notes) -> State:
    return State(lambda name, value: notes.append((name, value)))


def test_every_change_is_noted(state: State, notes: Notes) -> None:
    state["count"] = 1
    state["count"] += 1
    state.update(place=("a", "b"))
    del state["count"]

    assert notes == [("count", 1), ("count", 2), ("place", ["a", "b"]), ("count", None)]
    assert dict(state) == {"place": ["a", "b"]}
    assert len(state) == 1


def test_what_is_read_is_what_json_keeps(state: State) -> None:
    state["zones"] = {7: {"a"}}

    assert state["zones"] == {"7": ["a"]}


def test_changing_what_was_set_or_read_changes_nothing(state: State, notes: Notes) -> None:
    given = ["a"]
    state["names"] = given
    given.append("b")
    state["names"].append("c")

    assert notes == [("names", ["a"])]
    assert state["names"] == ["a"]


def test_a_name_that_was_never_set_is_a_key_error(state: State, notes: Notes) -> None:
    with pytest.raises(KeyError):
        state["count"]
    with pytest.raises(KeyError):
        del state["count"]

    assert notes == []


def test_what_cannot_be_noted_is_not_set() -> None:
    def refuse(name: str, value: object) -> None:
        raise RuntimeError(name, value)

    state = State(refuse)

    with pytest.raises(RuntimeError):
        state["count"] = 1
    with pytest.raises(ValueError, match="cannot be kept"):
        state["count"] = object()

    assert "count" not in state
