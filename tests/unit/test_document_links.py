"""Every link between the documents leads somewhere, and the index names every page."""

import re
from pathlib import Path

import pytest

from dashboard.environment.variables import CHECKOUT

INDEX = CHECKOUT / "docs" / "README.md"
PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def links_of(page: Path) -> list[str]:
    """Return the targets of its links to other documents."""
    found = LINK.findall(FENCE.sub("", page.read_text()))
    return [one for one in found if not one.startswith(("http:", "https:", "mailto:"))]


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of its headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(FENCE.sub("", page.read_text()))
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links_of(page):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_the_index_names_every_page() -> None:
    named = {(INDEX.parent / link).resolve() for link in links_of(INDEX)}
    pages = {page for page in PAGES if page.parent != CHECKOUT} - {INDEX}

    assert pages
    assert pages <= named


def test_the_readme_leads_to_the_index() -> None:
    assert "docs/README.md" in links_of(CHECKOUT / "README.md")


def test_each_line_of_the_index_says_what_a_page_is_about() -> None:
    lines = [line for line in INDEX.read_text().splitlines() if line.startswith("- ")]

    assert all("](" in line and len(line) <= 120 for line in lines)
    assert all(": " in line or "../" in line for line in lines)
