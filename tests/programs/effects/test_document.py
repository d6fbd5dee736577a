"""The document about programs of effects."""

from pathlib import Path

from tests.documents import Page

PAGE = Page(Path(__file__).parents[3] / "docs" / "effects.md")


def test_its_examples_print_what_it_shows() -> None:
    assert PAGE.complaints() == []
    assert len(PAGE.examples) == 2
