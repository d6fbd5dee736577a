"""Lengths of time as authors write them."""

from datetime import timedelta

import pytest

from procedures.engine.values.durations import Duration, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("10ms", 0.01),
        ("90s", 90),
        ("1.5 m", 90),
        ("20 min", 1200),
        ("2h", 7200),
        (" 3 days ", 259_200),
        ("1 week", 604_800),
        ("3660 days", 316_224_000),
        (5, 5),
        (0.5, 0.5),
        (timedelta(hours=1), 3600),
    ],
)
def test_a_length_can_be_written_in_many_ways(written: Duration, seconds: float) -> None:
    assert parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written",
    [
        *(0, -1, "0s", timedelta(0), timedelta(days=-1), "0.0000001s"),
        *("3661 days", "99999999999999 weeks", 1e300, float("inf"), float("nan")),
        *("", "soon", "2 fortnights", "2", "h", "1h30m", "-2h", "1e3s", True, None),
    ],
)
def test_what_is_no_length_is_refused_at_once(written: Duration) -> None:
    with pytest.raises(ValueError, match=r"Invalid duration|NaN"):
        parse_duration(written)
