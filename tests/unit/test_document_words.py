"""The documents speak the field's English, without the words and notations they once had."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from dashboard.environment.variables import CHECKOUT

CHANGELOG = (CHECKOUT / "CHANGELOG.md").read_text()
GENERATED = {"reference.md"}
PAGES = [
    *CHECKOUT.glob("*.md"),
    *(page for page in (CHECKOUT / "docs").rglob("*.md") if page.name not in GENERATED),
]
DIALECT = re.compile(
    r"\b(anew|gives? way to|go(es)? on with|is said at|lives? through|of one's own|is good once"
    r"|tells what|tells of|told in|stands? under|at the door|what becomes of"
    r"|waits? since|needs? it no more)\b"
    r"|^# \w+\(.*\).* → ",
    re.MULTILINE,
)
LONGEST = 40
"""Words of a sentence; split a longer one, or make it a list."""
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"(?<![*\w])\*([A-Z][^*\n]*(?:\n[^*\n]+)?)\*(?![*\w])")
"""Words in italics with a capital: a heading, a button or a link of the product."""
ELSEWHERE = (
    *("Report a vulnerability", "Security", "Unreleased", "Log entries", "Buy equipment"),
    *("Are these the release notes of demo 1.3.0?", "Release demo 1.3.0?"),
)
"""Labels of GitHub, of Django and of the tutorial, and two prompts of the demo's release."""
SOURCES = {".html", ".py", ".tac", ".yaml"}
BREAKS = re.compile(r"(?<=[.:;?!])\s|\n\n|\n *(?:[-|#]|\d+\.) ?|\|")


@cache
def labels() -> str:
    """Return the source of all that people read, and the labels that come from elsewhere."""
    packages = ("templates", "dashboard", "chat", "procedures", "examples", "programs")
    files = [file for name in packages for file in (CHECKOUT / name).rglob("*")]
    source = [file.read_text() for file in files if file.suffix in SOURCES]
    return "\n".join([*source, *ELSEWHERE])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_has_words_of_a_private_dialect(page: Path) -> None:
    assert [match.group() for match in DIALECT.finditer(page.read_text())] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_sentence_is_too_long_to_be_read_once(page: Path) -> None:
    sentences = BREAKS.split(FENCE.sub("\n\n", page.read_text()))

    assert [one for one in sentences if len(one.split()) > LONGEST] == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "ARCHITECTURE.md"], ids=lambda page: page.name
)
def test_every_label_it_quotes_is_one_of_the_product(page: Path) -> None:
    quoted = QUOTED.findall(FENCE.sub("", page.read_text()))

    assert [one for one in quoted if " ".join(one.split()) not in labels()] == []


def test_the_changelog_says_nothing_twice() -> None:
    """A merge of two branches easily leaves a line in both of its wordings."""
    bullets = re.findall(r"^- (?:\*\*Breaking:\*\* )?((?:\S+ ){5})", CHANGELOG, re.MULTILINE)

    assert [words for words, count in Counter(bullets).items() if count > 1] == []
