"""The canonical encoder: byte for byte what it has always written, whatever it is made of."""

import hashlib
import json
from collections.abc import Callable
from enum import IntEnum
from random import Random
from typing import Any

import pytest

from procedures.engine.values import canonical

PINNED = "48c58616e6a59d36cec4c9f80bd62d68d6a9613771cffb743af1d9a046862c36"
"""The digest of the texts of `VALUES`, as they were written when journals began."""
SIGNS = [
    *(
        "a",
        "Z",
        "7",
        " ",
        '"',
        "\\",
        "/",
        "\b",
        "\f",
        "\n",
        "\r",
        "\t",
        "\0",
        "\x1f",
        "\x7f",
        "\x80",
    ),
    *(
        "ß",
        "é",
        "e\u0301",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\uffff",
        "字",
        "😀",
        "\U0010ffff",
        "$",
        "{",
    ),
]
NUMBERS = [
    *(0, 1, -1, 2**31, 2**53 + 1, 2**63, -(2**64), 10**40, True, False, None),
    *(0.0, -0.0, 0.1, 1.0, 1e16, 1e22, 1e-7, 123456.789, 5e-324, 1.7976931348623157e308, -2.5e-10),
]


class Level(IntEnum):
    LOW = 1


def one_of(random: Random, choices: list[Any]) -> Any:
    return choices[int(random.random() * len(choices))]


def text(random: Random) -> str:
    return "".join(one_of(random, SIGNS) for _ in range(int(random.random() * 9)))


def value(random: Random, depth: int = 4) -> Any:
    def parts() -> range:
        return range(int(random.random() * 5))

    makers: list[Callable[[], Any]] = [
        lambda: one_of(random, NUMBERS),
        lambda: (random.random() - 0.5) * 10 ** int(random.random() * 60 - 30),
        lambda: text(random),
        lambda: [value(random, depth - 1) for _ in parts()],
        lambda: tuple(value(random, depth - 1) for _ in parts()),
        lambda: {text(random): value(random, depth - 1) for _ in parts()},
    ]
    return one_of(random, makers if depth else makers[:3])()


VALUES = [value(Random(seed)) for seed in range(3000)]  # noqa: S311


def shuffled(plain: Any, random: Random) -> Any:
    """An equal value whose names were given in another order."""
    if isinstance(plain, dict):
        items = [(name, shuffled(one, random)) for name, one in plain.items()]
        return dict(sorted(items, key=lambda _: random.random()))
    return [shuffled(one, random) for one in plain] if isinstance(plain, list | tuple) else plain


def test_the_bytes_of_thousands_of_values_are_the_same_as_ever() -> None:
    told = "\n".join(canonical.text_of([one]) for one in VALUES)

    assert hashlib.sha256(told.encode()).hexdigest() == PINNED


def test_equal_values_have_equal_texts_and_come_back() -> None:
    random = Random(7)  # noqa: S311
    for one in VALUES:
        kept = canonical.text_of(one)

        assert canonical.text_of(shuffled(one, random)) == kept
        assert canonical.text_of(json.loads(kept)) == kept
        assert json.loads(kept) == shuffled(one, random) or isinstance(one, tuple)


def test_names_are_sorted_by_their_characters() -> None:
    names = sorted({text(Random(seed)) for seed in range(500)})  # noqa: S311

    kept = canonical.text_of(dict.fromkeys(reversed(names), 0))

    assert list(json.loads(kept)) == names


@pytest.mark.parametrize("half", ["\ud800", "a\ud83db", "\ude00\ud83d"])
def test_half_a_character_is_refused_wherever_it_stands(half: str) -> None:
    for plain in (half, [half], {half: 1}, {"a": {"b": [half]}}):
        with pytest.raises(ValueError, match="lone surrogate"):
            canonical.text_of(plain)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_is_refused(number: float) -> None:
    for plain in (number, [number], {"a": number}):
        with pytest.raises(ValueError, match="JSON"):
            canonical.text_of(plain)


@pytest.mark.parametrize("odd", [object(), {1, 2}, b"bytes", {"a": object()}, {(1, 2): 3}])
def test_what_is_no_json_is_refused_in_words(odd: Any) -> None:
    with pytest.raises(ValueError, match="It can't be written as JSON: "):
        canonical.text_of(odd)


def test_a_value_that_holds_itself_is_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)

    with pytest.raises(ValueError, match="It can't be written as JSON: "):
        canonical.text_of(ring)


def test_a_number_of_an_enum_is_written_as_the_number() -> None:
    assert canonical.text_of({"level": Level.LOW}) == '{"level":1}'
