"""Values of procedures of Tactus: stored as they are, or refused."""

from collections.abc import ItemsView
from typing import Any

import pytest

from countersign_client.tactus.plain import UnstorableError, plain

CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


class Table:
    """A table of Lua, as lupa shows it."""

    def __init__(self, pairs: dict[Any, Any]) -> None:
        self.items = lambda: ItemsView(pairs)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({1: "a", "b": (2.5, None)}, {"1": "a", "b": [2.5, None]}),
        (Table({1: "a", 2: "b"}), ["a", "b"]),
        (Table({True: "a"}), {"true": "a"}),
        (Table({2: "a", "x": Table({})}), {"2": "a", "x": {}}),
    ],
)
def test_a_value_is_stored_as_plain_json(value: Any, kept: Any) -> None:
    assert plain(value) == kept


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({1: "a", "1": "b"}, "Two names would both be stored as '1'."),
        (Table({1: "a", "1": "b", 3: "c"}), "Two names would both be stored as '1'."),
        (CIRCLE, "A value that contains itself"),
        (float("nan"), "the type float"),
        ({None: 1}, "the type NoneType"),
    ],
)
def test_what_would_come_back_as_something_else_is_refused(value: Any, words: str) -> None:
    with pytest.raises(UnstorableError, match=words):
        plain(value)
