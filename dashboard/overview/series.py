"""Rows of consecutive similar steps, folded into one row so that long loops fit on a page."""

from collections.abc import Sequence
from itertools import groupby

from dashboard.overview.rows import Row, Segment
from procedures.engine.journal.payloads import NOT_KEPT

FEW = 2
"""The maximum number of consecutive similar steps that are shown unfolded."""
PLAIN = {"done", "running"}


def folded(rows: Sequence[Row]) -> list[Row]:
    found: list[Row] = []
    for _, group in groupby(rows, key=_likeness):
        alike = list(group)
        found += [_series(alike)] if len(alike) > FEW else alike
    return found


def _likeness(row: Row) -> object:
    """Return a key; consecutive rows with equal keys are folded into one.

    Keys are equal for steps of the same name with one attempt that show no output.
    """
    tells = row.look == "running" and row.output is not None
    tells = tells or any(NOT_KEPT in attempt.data for attempt in row.attempts)
    if row.kind != "step" or row.look not in PLAIN or len(row.attempts) != 1 or tells:
        return row.number
    return _name(row), row.depth


def _name(row: Row) -> str:
    """Return a step's key without the number of a repetition: "load" for "load#2"."""
    return row.key.rpartition("#")[0] or row.key


def _series(alike: Sequence[Row]) -> Row:
    first, last = alike[0], alike[-1]
    before = [segment for segment in first.segments if segment.kind != "work"]
    return Row(
        "series",
        first.key,
        _name(first),
        last.look,
        first.begin,
        last.end,
        segments=[*before, Segment("work", first.begin, last.end)],
        depth=first.depth,
        number=first.number,
        members=list(alike),
    )
