"""The plans of the statements on which the database spends most for the pages of `bench.pages`."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.site import noted_statements, tell
from tests.plans import nodes_of, rows_read

HEAVIEST = 10
TIMES = 3
LONGEST = 200
VALUES = re.compile(r"%s(, %s)+|\(%s\)(, \(%s\))+")
"""A list of values, whose number differs from page to page."""


@dataclass
class Statement:
    """A statement of a page, with its values and the shortest time that it took."""

    page: str
    person: str
    text: str
    cells: Any
    seconds: float

    @property
    def name(self) -> str:
        return VALUES.sub("…", self.text)

    def explain(self) -> None:
        """Print the time, the rows and the indexes that the statement reads."""
        nodes = list(nodes_of(self.text, self.cells))
        scanned = {one["Relation Name"] for one in nodes if one["Node Type"] == "Seq Scan"}
        tell(
            bench="plans",
            page=self.page,
            person=self.person,
            milliseconds=self.seconds * 1000,
            rows_read=rows_read(nodes),
            indexes=sorted({one["Index Name"] for one in nodes if "Index Name" in one}),
            scanned=sorted(scanned),
            statement=self.name[:LONGEST],
        )


def explain_heaviest(pages: Iterable[tuple[str, str, Callable[[], Any]]]) -> None:
    """Print the heaviest statements of pages, each given with its person and a way to ask for it.

    A statement that several pages have in common is printed once, with the longest of its times.
    """
    found: dict[str, Statement] = {}
    for page, person, ask in pages:
        for one in _statements(page, person, ask):
            known = found.get(one.name)
            if known is None or known.seconds < one.seconds:
                found[one.name] = one
    heaviest = sorted(found.values(), key=lambda one: one.seconds, reverse=True)
    for one in heaviest[:HEAVIEST]:
        one.explain()


def _statements(page: str, person: str, ask: Callable[[], Any]) -> Iterator[Statement]:
    """Yield what a page asks of the database, each with the least of its times in several takes."""
    takes = []
    for _ in range(TIMES):
        with noted_statements() as said:
            ask()
        takes.append(said)
    for same in zip(*takes, strict=False):
        text, cells, _ = same[0]
        if text.lstrip().startswith(("SELECT", "WITH")):
            yield Statement(page, person, text, cells, min(one.seconds for one in same))
