"""Evidence is drawn as what it is."""

from typing import Any

import pytest

from dashboard.templatetags import requests as drawn


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        (None, "nothing"),
        ([], "nothing"),
        ({"order": 7}, "mapping"),
        ([{"order": 7}, {"amount": "2.50"}], "table"),
        ([1, {"order": 7}], "list"),
        ([{}], "list"),
        ("a text", "text"),
        (0, "text"),
    ],
)
def test_data_has_a_shape(data: Any, shape: str) -> None:
    assert drawn.shape(data) == shape


def test_a_table_has_every_rows_columns_and_gaps() -> None:
    rows: list[dict[str, Any]] = [{"order": 7}, {"order": 8, "amount": "2.50"}]

    assert drawn.columns(rows) == ["order", "amount"]
    assert drawn.cells(rows[0], ["order", "amount"]) == [7, None]


@pytest.mark.parametrize(
    ("value", "is_number"),
    [(7, True), ("2.50", True), (True, False), ("7 cups", False), (None, False)],
)
def test_numbers_stand_at_the_end_also_as_texts(value: Any, *, is_number: bool) -> None:
    assert drawn.is_number(value) is is_number


@pytest.mark.parametrize(
    ("value", "text"), [(True, "yes"), (False, "no"), (None, ""), (7, "7"), ("<b>", "<b>")]
)
def test_values_are_plain_words(value: Any, text: str) -> None:
    assert drawn.plain(value) == text


def test_a_long_text_has_a_frame_of_its_own() -> None:
    assert drawn.is_long("line\n" * 30)
    assert not drawn.is_long("line\n" * 3)
    assert not drawn.is_long(30)


def test_keys_become_words() -> None:
    assert drawn.words("order_id") == "Order id"


def test_changes_name_what_is_gone_and_what_is_new() -> None:
    assert drawn.changes("one\ntwo\nthree", "one\n2\nthree\nfour") == [
        ("kept", "one"),
        ("gone", "two"),
        ("new", "2"),
        ("kept", "three"),
        ("new", "four"),
    ]
