"""The durable values of a run."""

import pickle
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from procedures.engine.errors import EngineError
from procedures.engine.values.state import State

Notes = list[tuple[str, Any]]


@pytest.fixture
def notes() -> Notes:
    return []


@pytest.fixture
def state(notes: Notes) -> State:
    return State(lambda name, value, **_: notes.append((name, value)))


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


def test_changing_what_was_set_changes_nothing(state: State, notes: Notes) -> None:
    given = ["a"]
    state["names"] = given
    given.append("b")

    assert notes == [("names", ["a"])]
    assert state["names"] == ["a"]


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state["names"].append("b"),
        lambda state: state["names"].sort(),
        lambda state: state["names"].__setitem__(0, "b"),
        lambda state: state["zones"].update(b=2),
        lambda state: state["zones"]["a"].append(2),
        lambda state: state["zones"].pop("a"),
        lambda state: state.setdefault("new", []).append(1),
    ],
)
def test_what_would_be_lost_is_an_error_that_says_what_to_do(
    state: State, change: Callable[[State], object]
) -> None:
    state["names"], state["zones"] = ["a"], {"a": [1]}

    with pytest.raises(TypeError, match="Set it again"):
        change(state)

    assert (state["names"], state["zones"]) == (["a"], {"a": [1]})


def test_what_is_read_can_be_added_to_and_set_anew(state: State, notes: Notes) -> None:
    state["names"], state["zones"] = ["a"], {"a": [1]}
    state["names"] += ["b"]
    state["zones"] |= {"b": [2]}
    state["names"] = [*deepcopy(state["names"]), "c"]

    assert notes[2:] == [
        ("names", ["a", "b"]),
        ("zones", {"a": [1], "b": [2]}),
        ("names", ["a", "b", "c"]),
    ]


def test_what_is_read_can_be_handed_to_another_process(state: State) -> None:
    state["zones"] = {"a": [1, {"b": []}]}

    read = pickle.loads(pickle.dumps(state["zones"]))  # noqa: S301
    read["a"].append(2)

    assert read == {"a": [1, {"b": []}, 2]}


def test_a_name_that_is_no_text_is_refused_in_words(state: State, notes: Notes) -> None:
    with pytest.raises(EngineError, match="must be a string, not 5"):
        state[5] = 1  # type: ignore[index]

    assert notes == []


def test_a_name_that_was_never_set_is_a_key_error(state: State, notes: Notes) -> None:
    with pytest.raises(KeyError):
        state["count"]
    with pytest.raises(KeyError):
        del state["count"]

    assert notes == []


def test_what_cannot_be_noted_is_not_set() -> None:
    def refuse(name: str, value: object, **_: object) -> None:
        raise RuntimeError(name, value)

    state = State(refuse)

    with pytest.raises(RuntimeError):
        state["count"] = 1
    with pytest.raises(ValueError, match="can't be stored"):
        state["count"] = object()

    assert "count" not in state
