"""The changes of a text: the fewest lines, in bounded work."""

import random

import pytest

from chat.changes import MOST_EDITS, edits_between, lines_of


def sides(old: str, new: str) -> tuple[list[str], list[str], int]:
    """Both texts as the lines tell them, and how many lines are gone or new."""
    lines = list(lines_of(old, new, edits_between(old, new)))
    before = [line for kind, line in lines if kind != "new"]
    after = [line for kind, line in lines if kind != "gone"]
    return before, after, sum(kind != "kept" for kind, _ in lines)


def in_common(before: list[str], after: list[str]) -> int:
    """The maximum number of lines that both texts have in the same order."""
    row = [0] * (len(after) + 1)
    for one in before:
        diagonal = 0
        for place, other in enumerate(after, start=1):
            above = row[place]
            row[place] = diagonal + 1 if one == other else max(above, row[place - 1])
            diagonal = above
    return row[-1]


@pytest.mark.parametrize("seed", range(300))
def test_the_fewest_lines_are_gone_or_new(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 (no secret)
    old, new = ("\n".join(chance.choices("abc", k=chance.randrange(12))) for _ in range(2))

    before, after, changed = sides(old, new)

    assert (before, after) == (old.splitlines(), new.splitlines())
    assert changed == len(before) + len(after) - 2 * in_common(before, after)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\n" * 800, "a\nb\n" * 400),
        ("\n" * 300_000, "x" + "\n" * 150_000 + "y" + "\n" * 150_000 + "z"),
        ("\n".join(map(str, range(2_000))), "\n".join(map(str, range(2_000, 0, -1)))),
        ("", "a\n" * 10_000),
        ("a" * 300_000, "b" * 300_000),
        ("a\r\nb\u2028c", "a\nb\nc"),
    ],
)
def test_whatever_is_compared_comes_back(old: str, new: str) -> None:
    edits = edits_between(old, new)

    before, after, _ = sides(old, new)

    assert (before, after) == (old.splitlines(), new.splitlines())
    assert len(edits) <= MOST_EDITS
