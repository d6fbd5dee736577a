"""The bars on a run's page, which show when the run worked and when it waited.

Positions are percentages of the width. Work often takes milliseconds, and people take hours. So if
the waits are much longer than the work, the scale isn't linear but folded: all work together gets a
fixed share of the width. The rest is divided among the waits in proportion to the square roots of
their lengths. On a folded scale, the bar of a wait has a mark.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from math import sqrt
from operator import itemgetter

from dashboard.overview.rows import Row, Segment, SegmentKind
from dashboard.overview.words import (
    SentencePart,
    Show,
    format_duration,
    initials,
    is_person,
    moment,
    name_of,
)

DWARFED = 4
"""The scale is folded if waits last more than this many times as long as work."""
WORK_SHARE = 0.15
MARKS = (0, 25, 50, 75, 100)
BLINK, SHORT, LONG = timedelta(seconds=20), timedelta(minutes=5), timedelta(hours=20)
"""Limits on the time that a scale covers; they decide how the labels of the scale are written.

Below BLINK, labels are durations since the start. Below SHORT, they are times of day with seconds.
Above LONG, they contain the day.
"""
Gap = tuple[datetime, datetime, bool]
"""A span of time in which nothing begins or ends: its start, its end, and True if the run works."""
NARROW = 5.0
"""The largest width, in percent, of a bar that is too narrow for the mark of a folded scale."""
THIN = 0.3
"""The minimum width of a bar in percent, so that it is visible even if it took no time."""
WORK, WAITS = {"work", "fail"}, {"person", "timer", "pause"}


class Scale:
    """A scale that maps times to percentages of the width, either linear or folded."""

    def __init__(self, segments: Sequence[Segment], *, begin: datetime, now: datetime) -> None:
        ends = [segment.end or now for segment in segments]
        inner = [segment.begin for segment in segments]
        self.begin = min([begin, *inner])
        self.end = max([now, *ends])
        cuts = sorted({self.begin, self.end, *inner, *ends})
        work = _WorkedSpans((part.begin, part.end or now) for part in segments if part.kind in WORK)
        gaps = [(low, high, work.cover(low, high)) for low, high in pairwise(cuts)]
        weights, is_folded = _weights(gaps) if self.length > BLINK else (_shares(gaps), False)
        self.is_folded = is_folded
        self._stops = [(cuts[0], 0.0)]
        for (_, high, _), weight in zip(gaps, weights, strict=True):
            self._stops.append((high, self._stops[-1][1] + weight * 100))

    def at(self, moment: datetime) -> float:
        place = bisect_left(self._stops, moment, lo=1, key=itemgetter(0))
        if place == len(self._stops):
            return self._stops[-1][1]
        (low, left), (high, right) = self._stops[place - 1], self._stops[place]
        return left + (right - left) * max((moment - low) / (high - low), 0)

    def moment_at(self, percent: float) -> datetime:
        for (low, left), (high, right) in pairwise(self._stops):
            if percent <= right and right > left:
                return low + (high - low) * ((percent - left) / (right - left))
        return self._stops[-1][0]

    @property
    def length(self) -> timedelta:
        return self.end - self.begin

    @property
    def marks(self) -> list[SentencePart]:
        """The labels at 0, 25, 50, 75 and 100 percent; see `BLINK` for how they are written."""
        moments = [self.moment_at(percent) for percent in MARKS]
        if self.length < BLINK:
            return [SentencePart(format_duration(at - self.begin)) for at in moments]
        is_close = len({f"{at:%j %H:%M}" for at in moments}) < len(moments)
        is_short, is_long = self.length < SHORT or is_close, self.length > LONG
        show: Show = "axis-seconds" if is_short else "clock" if is_long else "axis"
        return [moment(at, show) for at in moments]


@dataclass(frozen=True)
class Bar:
    """A bar as it is drawn, with percentages formatted for SVG."""

    kind: SegmentKind
    x: str
    end: str
    width: str
    middle: str
    is_open: bool
    is_folded: bool
    initials: str = ""
    """The initials of the person who answered or, if only one person is asked, of that person."""


def bars_of(row: Row, scale: Scale, *, now: datetime) -> list[Bar]:
    if row.kind == "stage":
        return [_bar(Segment("work", row.begin, row.end), row, scale, now)]
    return [_bar(segment, row, scale, now) for segment in row.segments]


def _bar(segment: Segment, row: Row, scale: Scale, now: datetime) -> Bar:
    left, right = scale.at(segment.begin), scale.at(segment.end or now)
    is_wait = segment.kind in WAITS
    return Bar(
        segment.kind,
        x=f"{left:.2f}%",
        end=f"{right:.2f}%",
        width=f"{max(right - left, THIN):.2f}%",
        middle=f"{(left + right) / 2:.2f}%",
        is_open=segment.end is None,
        is_folded=scale.is_folded and is_wait and right - left > NARROW,
        initials=_initials(row) if segment.kind == "person" else "",
    )


def _initials(row: Row) -> str:
    responder = str(row.closed.get("responder", ""))
    if is_person(responder):
        return initials(responder)
    names = [name_of(target) for target in row.opened.get("assign", [])]
    return initials(names[0]) if len(names) == 1 and row.is_open else ""


class _WorkedSpans:
    """Time spans in which the run works, to look up if one of them contains a shorter span."""

    def __init__(self, spans: Iterable[tuple[datetime, datetime]]) -> None:
        in_order = sorted(spans)
        self._begins = [begin for begin, _ in in_order]
        self._latest = list(accumulate((end for _, end in in_order), max))
        """The latest end among the spans up to each index of `_begins`."""

    def cover(self, low: datetime, high: datetime) -> bool:
        begun = bisect_right(self._begins, low)
        return begun > 0 and self._latest[begun - 1] >= high


def _shares(gaps: Sequence[Gap]) -> list[float]:
    lengths = [(high - low).total_seconds() for low, high, _ in gaps]
    return [length / (sum(lengths) or 1) for length in lengths]


def _weights(gaps: Sequence[Gap]) -> tuple[list[float], bool]:
    """Return each gap's share of the width, and True if the scale is folded."""
    lengths = [(high - low).total_seconds() for low, high, _ in gaps]
    work = sum(length for length, gap in zip(lengths, gaps, strict=True) if gap[2])
    idle = sum(lengths) - work
    if not work or idle <= DWARFED * work:
        return _shares(gaps), False
    roots = sum(sqrt(length) for length, gap in zip(lengths, gaps, strict=True) if not gap[2])
    return [
        length / work * WORK_SHARE if gap[2] else sqrt(length) / roots * (1 - WORK_SHARE)
        for length, gap in zip(lengths, gaps, strict=True)
    ], True
