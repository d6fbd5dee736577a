"""The elements that a frame brings, by their ids, as a page puts them in place."""

import re
from functools import lru_cache
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "meta", "link", "col", "wbr", "source", "use", "path"}
EMBEDDED = re.compile(r'<live-stream stream="run:.*?</article>', re.DOTALL)
"""The card in a transcript that another stream keeps up to date."""


class Splitter(HTMLParser):
    """Finds where the outermost elements begin and end."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._html = html
        self._lines = [0]
        for line in html.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._depth = self._begin = 0
        self._id = ""
        self.feed(html)

    @property
    def _place(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._depth:
            self._begin, self._id = self._place, dict(attrs).get("id") or ""
        if tag not in VOID:
            self._depth += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Handle the elements of drawings, which are closed as soon as they are opened."""

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        self._depth -= 1
        if not self._depth:
            end = self._html.index(">", self._place) + 1
            self.found[self._id] = self._html[self._begin : end]


@lru_cache(maxsize=20_000)
def elements_of(html: str) -> dict[str, str]:
    """Each outermost element by its id, without the cards that other streams draw in it."""
    return Splitter(EMBEDDED.sub("", html)).found
