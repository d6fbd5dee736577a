"""Evidence is drawn as what it is."""

from typing import Any

import pytest

from dashboard.overview import cell, draw
from dashboard.overview.drawing import labels_of
from dashboard.templatetags.requests import changes


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        (None, "none"),
        ([], "empty"),
        ({}, "empty"),
        ("", "empty"),
        ({"order": 7}, "mapping"),
        ({"items": []}, "mapping"),
        ([{"order": 7}, {"amount": "2.50"}], "table"),
        ([1, {"order": 7}], "list"),
        ([{}], "list"),
        ([{str(number): number} for number in range(21)], "list"),
        ("a text", "text"),
        ("line\n" * 30, "lines"),
        (0, "text"),
        ({"order": {"number": 7}, "lines": [{"thing": "lamp"}]}, "sections"),
        ({"order": {"number": 7}, "is_new": True}, "mapping"),
        ({"before": 1, "after": 2}, "change"),
        ({"before": "a\nb", "after": "a"}, "changed lines"),
        ({"before": 1, "after": 2, "by": "ann"}, "mapping"),
        ({"name": "a", "digest": "0" * 64, "size": 1, "content_type": "text/csv"}, "file"),
        ({"name": "a", "digest": "0", "size": 1, "content_type": "text/csv"}, "mapping"),
        ({"name": "a", "digest": "0" * 64, "size": True, "content_type": "text/csv"}, "mapping"),
    ],
)
def test_data_has_a_shape(data: Any, shape: str) -> None:
    assert draw(data).shape == shape


def test_a_table_has_every_rows_columns_and_gaps() -> None:
    node = draw([{"order": 7}, {"order": 8, "amount": "2.50"}])

    assert [one.label for one in node.named] == ["Order", "Amount"]
    assert [[one and one.text for one in row] for row in node.rows] == [["7", None], ["8", "2.50"]]


@pytest.mark.parametrize(
    ("value", "is_number"),
    [
        *[(7, True), ("2.50", True), (True, False), ("7 cups", False), (None, False)],
        *[("31.20 EUR", True), ("156.09 €", True), ("USD 5", True), ("12%", True), ("nan", False)],
        *[("EUR", False), ("A-7", False), ("31.20 EURO", False), ("1e3", True)],
    ],
)
def test_numbers_stand_at_the_end_also_as_texts(value: Any, *, is_number: bool) -> None:
    assert cell(value).is_number is is_number


def test_a_column_stands_at_the_end_only_if_all_its_values_are_numbers() -> None:
    rows = [
        {"by": "scanner", "lamps": 7, "paid": None},
        {"by": "a person", "lamps": "8 or 9", "paid": 3},
    ]

    drawn = draw(rows)

    assert [one.node and one.node.is_number for one in drawn.named] == [False, False, True]
    assert [[cell and cell.is_number for cell in row] for row in drawn.rows] == [
        [False, False, True]
    ] * 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "yes"), (False, "no"), (None, "none"), ("", "empty"), (7, "7"), ("<b>", "<b>")],
)
def test_values_are_plain_words(value: Any, text: str) -> None:
    assert cell(value).text == text


def test_names_become_words_unless_two_would_look_the_same() -> None:
    assert labels_of(["order_id", "items"]) == {"order_id": "Order id", "items": "Items"}
    assert labels_of(["order_id", "Order_id"]) == {"order_id": "order_id", "Order_id": "Order_id"}
    assert labels_of(["", " a", "__class__", "a b"]) == {
        "": '""',
        " a": '" a"',
        "__class__": "__class__",
        "a b": "a b",
    }


def test_changes_name_what_is_gone_and_what_is_new() -> None:
    assert changes("one\ntwo\nthree", "one\n2\nthree\nfour") == [
        ("kept", "one"),
        ("gone", "two"),
        ("new", "2"),
        ("kept", "three"),
        ("new", "four"),
    ]


def test_what_may_have_changed_since_is_marked_where_it_stands() -> None:
    evidence = {"stock": 5, "source": {"read_at": "12:01"}, "rate": "1.08"}
    marks = {one.label: (one.is_read, one.read) for one in draw(evidence, ("rate",)).named}
    nested = {one.label: list(one.read) for one in draw(evidence, ("source.read_at",)).named}
    table = draw([{"order": 7, "stock": 2}], ("stock",))
    mixed = draw([1, {"shelf": {"in_stock": 2}}], ("shelf.in_stock",))

    assert marks == {"Stock": (False, []), "Source": (False, []), "Rate": (True, [])}
    assert nested == {"Stock": [], "Source": ["Read at"], "Rate": []}
    assert [one.is_read for one in table.named] == [False, True]
    assert mixed.read == ["Shelf: in stock"]


def test_nested_data_is_drawn_down_to_three_levels() -> None:
    node = draw({"a": {"b": {"c": {"d": 1}}}})

    assert node.shape == "sections"
    (second,) = [one.node for one in node.named]
    assert second
    (third,) = [one.node for one in second.named]
    assert third
    (fourth,) = [one.node for one in third.named]
    assert fourth
    assert [one.shape for one in (second, third, fourth)] == ["mapping", "mapping", "json"]


def test_a_difference_of_mappings_names_what_is_new_gone_and_the_same() -> None:
    node = draw({"before": {"a": 1, "b": 2, "c": 3}, "after": {"a": 1, "b": True, "d": 4}})

    assert [(one.label, one.is_same) for one in node.changed] == [
        *[("A", True), ("B", False), ("C", False), ("D", False)],
    ]
    assert [one.after and one.after.text for one in node.changed] == ["1", "yes", None, "4"]
    assert node.changed[3].before is None


def test_files_in_a_list_are_files_and_no_table() -> None:
    file = {"name": "a", "digest": "0" * 64, "size": 1, "content_type": "image/png"}
    node = draw([file, file])

    assert (node.shape, [one.shape for one in node.parts]) == ("list", ["file", "file"])
    assert node.parts[0].file
    assert node.parts[0].file.is_picture


def test_a_wide_table_names_each_cell() -> None:
    row = {"a": 1, "b": 2, "c": 3}
    narrow, wide = draw([row]), draw([row | {"d": 4}, {"a": 5}])

    assert (narrow.is_wide, wide.is_wide) == (False, True)
    labels = [[(label, cell and cell.text) for label, cell in line] for line in wide.labelled_rows]
    assert labels[1] == [("A", "5"), ("B", None), ("C", None), ("D", None)]
