"""Line diffs of reviewed texts, computed once in bounded time and stored with the response."""

import json
from collections.abc import Iterator, Sequence
from itertools import count

MOST_LINES = 5_000
"""The maximum number of lines to compare, counted over both texts together.

Lines at which both texts begin alike or end alike don't count.
"""
MOST_EDITS = 300
"""The maximum number of added and removed lines that are listed one by one.

A larger difference becomes one edit, which replaces all lines between the first and the last
difference.
"""
Edit = tuple[int, int, int, int]
"""An edit, as (start, end, new_start, new_end): new lines that replace old lines.

The lines from `new_start` up to, but not including, `new_end` of the new text replace the lines
from `start` up to, but not including, `end` of the old text. Lines are counted from 0.
"""
Line = tuple[str, str]
"""A line of a diff: its status ("kept", "gone" or "new"), and its text."""


def edits_between(old: str, new: str) -> list[Edit]:
    """Return the edits that turn one text into the other.

    If more than `MOST_EDITS` lines were added or removed, or more than `MOST_LINES` lines must be
    compared, the result is a single edit. The edit replaces everything between the lines at which
    both texts begin alike and the lines at which both texts end alike.
    """
    before, after = _numbered(old.splitlines(), new.splitlines())
    start = _same_at_start(before, after)
    end = _same_at_start(before[start:][::-1], after[start:][::-1])
    left, right = before[start : len(before) - end], after[start : len(after) - end]
    if not left and not right:
        return []
    found = _shortest(left, right) if len(left) + len(right) <= MOST_LINES else None
    found = found or [(0, len(left), 0, len(right))]
    return [(a + start, b + start, c + start, d + start) for a, b, c, d in found]


def as_text(edits: Sequence[Edit]) -> str:
    """Return edits as the JSON text that is stored in a response."""
    return json.dumps(edits, separators=(",", ":"))


def kept_edits(text: str, old: str, new: str) -> list[Edit]:
    """Return the edits that a response stores as `text`; if `text` is "", compute the edits.

    The edits are then computed from `old` and `new`.
    """
    return [(a, b, c, d) for a, b, c, d in json.loads(text)] if text else edits_between(old, new)


def lines_of(old: str, new: str, edits: Sequence[Edit]) -> Iterator[Line]:
    """Yield the lines of both texts in the order of the texts, each marked as kept, gone or new."""
    before, after, place = old.splitlines(), new.splitlines(), 0
    for start, end, new_start, new_end in edits:
        yield from (("kept", line) for line in before[place:start])
        yield from (("gone", line) for line in before[start:end])
        yield from (("new", line) for line in after[new_start:new_end])
        place = end
    yield from (("kept", line) for line in before[place:])


def _numbered(before: Sequence[str], after: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the lines of both texts as numbers; equal lines have equal numbers.

    Comparing numbers is cheap, however long the lines are.
    """
    numbers: dict[str, int] = {}
    fresh = count()
    for line in (*before, *after):
        if line not in numbers:
            numbers[line] = next(fresh)
    return [numbers[line] for line in before], [numbers[line] for line in after]


def _same_at_start(before: Sequence[int], after: Sequence[int]) -> int:
    pairs = zip(before, after, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(before), len(after)))


def _shortest(before: Sequence[int], after: Sequence[int]) -> list[Edit] | None:
    """Return the fewest edits (Myers, 1986), or None if more than `MOST_EDITS` lines differ."""
    reached, trace = {1: 0}, list[dict[int, int]]()
    for distance in range(MOST_EDITS + 1):
        trace.append(dict(reached))
        for diagonal in range(-distance, distance + 1, 2):
            x = _step(reached, diagonal, distance)
            while x < len(before) and x - diagonal < len(after):
                if before[x] != after[x - diagonal]:
                    break
                x += 1
            reached[diagonal] = x
            if x >= len(before) and x - diagonal >= len(after):
                return _joined(_walked_back(trace, len(before), len(after)))
    return None


def _step(reached: dict[int, int], diagonal: int, distance: int) -> int:
    """Return the farthest old line on a diagonal that one more added or removed line can reach.

    In Myers's algorithm, a diagonal is the number of an old line minus the number of a new line.
    `reached` holds the farthest old line on each diagonal so far.
    """
    is_new = diagonal == -distance or (
        diagonal != distance and reached[diagonal - 1] < reached[diagonal + 1]
    )
    return reached[diagonal + 1] if is_new else reached[diagonal - 1] + 1


def _walked_back(trace: Sequence[dict[int, int]], x: int, y: int) -> list[Edit]:
    """Return one edit for each added or removed line, in the order of the text.

    The function goes back through `trace`, the search's states, from the ends of both texts: line
    `x` of the old text and line `y` of the new one.
    """
    found: list[Edit] = []
    for distance in range(len(trace) - 1, 0, -1):
        reached, diagonal = trace[distance], x - y
        is_new = _step(reached, diagonal, distance) == reached.get(diagonal + 1, -1)
        is_new = is_new and (diagonal == -distance or diagonal != distance)
        x = reached[diagonal + 1] if is_new else reached[diagonal - 1]
        y = x - diagonal - 1 if is_new else x - diagonal + 1
        found.append((x, x, y, y + 1) if is_new else (x, x + 1, y, y))
    return found[::-1]


def _joined(single: Sequence[Edit]) -> list[Edit]:
    """Return the edits after merging those that touch each other."""
    found: list[Edit] = []
    for start, end, new_start, new_end in single:
        if found and found[-1][1] == start and found[-1][3] == new_start:
            found[-1] = (found[-1][0], end, found[-1][2], new_end)
        else:
            found.append((start, end, new_start, new_end))
    return found
