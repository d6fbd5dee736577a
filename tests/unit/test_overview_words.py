"""Words of pages for lengths, sizes, people and values."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard.overview.values import ShownValue, format_value
from dashboard.overview.words import (
    asked,
    format_duration,
    format_size,
    initials,
    listed,
    shortened,
    unbroken,
)

TEMPLATES = Path(__file__).parents[2] / "templates"
WITHOUT_LINES = ("dashboard/mail/", "admin/", "chat/evidence_file", "chat/_replying")
"""Templates of texts that are no pages, or that stand in a single line."""


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 ms"),
        (0.0004, "< 1 ms"),
        (0.012, "12 ms"),
        (0.4, "0.4 s"),
        (14, "14 s"),
        (59.4, "59 s"),
        (960, "16 min"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
        (86400 * 3 + 7200, "3 d 2 h"),
        (-5, "0 ms"),
    ],
)
def test_lengths_of_time(seconds: float, told: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == told


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Refund 100.01 EUR for order 9659?", "Refund 100.01\xa0EUR for order 9659?"),
        ("1,280.00 € in 5 min", "1,280.00\xa0€ in 5\xa0min"),
        ("€ 7 or 20 % of 3 kg", "€\xa07 or 20\xa0% of 3\xa0kg"),
        ("2 of 3 votes on 5 November", "2 of 3 votes on 5 November"),
        ("7 EURO, 7 minutes", "7 EURO, 7 minutes"),
    ],
)
def test_no_line_break_parts_an_amount_from_its_unit(text: str, shown: str) -> None:
    assert unbroken(text) == shown


def test_no_separator_in_a_page_begins_a_line() -> None:
    faults = [
        f"{name}: {line.strip()}"
        for file in TEMPLATES.rglob("*.html")
        if not (name := str(file.relative_to(TEMPLATES))).startswith(WITHOUT_LINES)
        for line in file.read_text().splitlines()
        if " · " in line and "block title" not in line and "<title>" not in line
    ]

    assert not faults


def test_small_words() -> None:
    assert (format_size(1), format_size(214_000), format_size(2_500_000)) == (
        "1 byte",
        "214 KB",
        "2.5 MB",
    )
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([]) == ""
    assert (initials("alice"), initials("Ana Lee"), initials("b")) == ("AL", "AL", "B")
    assert shortened("one  two\nthree", 9) == "one two…"


def test_who_is_asked() -> None:
    assert asked(["finance", "@bob"], ["support"]) == "Finance or bob"
    assert asked(["perm:app.pay"], []) == "people with the permission app.pay"
    assert asked([], ["support"]) == "Support"
    assert asked([], []) == "administrators"


def test_values_are_told_in_one_line_where_they_can_be() -> None:
    file = {"name": "a.csv", "digest": "d", "size": 1000, "content_type": "text/csv"}
    deep = {"rows": [{"a": 1}]}
    found = format_value(
        {
            "is_new": True,
            "total": {"orders": 2, "sum": "7.00"},
            "file": file,
            "deep": deep,
            "no": [],
        }
    )

    assert found[0] == ShownValue("Is new", text="yes")
    assert found[1] == ShownValue("Total", text="orders 2 · sum 7.00")
    assert found[2] == ShownValue("File", file="a.csv", note="1 KB")
    assert json.loads(found[3].raw) == deep
    assert found[4] == ShownValue("No", text="—")


def test_bare_values_have_no_name() -> None:
    assert format_value(7) == [ShownValue(None, text="7")]
    assert format_value(None) == format_value({}) == []
