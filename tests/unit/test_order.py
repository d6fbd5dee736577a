"""Tests that take longest begin first, and each process has as many of them."""

from pathlib import Path

from tests.order import LONGEST, dealt, place_of

TESTS = Path(__file__).parent.parent


def test_each_process_begins_with_its_share_of_the_files() -> None:
    files, others = [["a1", "a2"], ["b"], ["c"]], list("123456")

    found = dealt(files, others, 2)

    assert found == ["a1", "a2", "c", "1", "2", "b", "3", "4", "5", "6"]
    assert dealt(files, others, 1) == ["a1", "a2", "b", "c", *others]
    assert dealt([], others, 4) == others
    assert sorted(dealt(files, [], 3)) == ["a1", "a2", "b", "c"]


def test_the_longest_files_are_there() -> None:
    assert [name for name in LONGEST if not (TESTS / name).exists()] == []
    assert place_of(f"{TESTS}/{LONGEST[1]}") == 1
    assert place_of(__file__) is None
