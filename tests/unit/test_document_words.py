"""The documents speak the field's English, without the words and notations they once had."""

import re
from pathlib import Path

import pytest

from dashboard.environment.variables import CHECKOUT

GENERATED = {"reference.md"}
PAGES = [
    *(CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *(page for page in (CHECKOUT / "docs").rglob("*.md") if page.name not in GENERATED),
]
DIALECT = re.compile(
    r"\b(anew|gives? way to|go(es)? on with|is said at|lives? through|of one's own|is good once"
    r"|tells? what|tells? of|told in|stands? under|at the door|what becomes of"
    r"|waits? since|needs? it no more)\b"
    r"|^# \w+\(.*\).* → ",
    re.MULTILINE,
)
LONGEST = 40
"""Words of a sentence; split a longer one, or make it a list."""
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
BREAKS = re.compile(r"(?<=[.:;?!])\s|\n\n|\n *(?:[-|#]|\d+\.) ?|\|")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_has_words_of_a_private_dialect(page: Path) -> None:
    assert [match.group() for match in DIALECT.finditer(page.read_text())] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_sentence_is_too_long_to_be_read_once(page: Path) -> None:
    sentences = BREAKS.split(FENCE.sub("\n\n", page.read_text()))

    assert [one for one in sentences if len(one.split()) > LONGEST] == []
