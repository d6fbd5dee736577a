"""The texts that a browser sends for a form which nobody has touched."""

import re
from html.parser import HTMLParser
from typing import Any

TICKED = ("checkbox", "radio")
CLOCK = re.compile(r"((?:\d{4}-\d\d-\d\dT)?\d\d:\d\d)(:\d\d)?(?:\.\d{1,3})?")
"""A time in a field; browsers empty a field with any other text, such as one with microseconds."""
BREAK = re.compile("\r\n|\r|\n")


def untouched(html: str) -> dict[str, list[str]]:
    """Return the texts that a browser sends for the fields in this HTML as they stand."""
    reader = _Fields()
    reader.feed(html)
    return reader.sent


class _Fields(HTMLParser):
    """Reads the fields by the rules of browsers, which change some values when they show them."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._open = self._text = ""
        self._is_chosen = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found: dict[str, Any] = dict(attrs)
        name, value = found.get("name", ""), found.get("value") or ""
        if tag == "input":
            self._read_input(name, value, found)
        elif tag in {"textarea", "select"}:
            self._open, self._text, self._is_chosen = name, "", False
        elif tag == "option" and ("selected" in found or not self.sent.get(self._open)):
            self.sent[self._open] = [value]  # by default, the first option

    def _read_input(self, name: str, value: str, found: dict[str, Any]) -> None:
        kind = found.get("type", "text")
        if kind == "file" or (kind in TICKED and "checked" not in found):
            return
        shown = value if kind == "hidden" else BREAK.sub("", value)
        if kind in {"time", "datetime-local"}:
            clock = CLOCK.fullmatch(value)
            shown = clock[1] + (clock[2] or "").removesuffix(":00") if clock else ""
        self.sent.setdefault(name, []).append(shown)

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            text = BREAK.sub("\r\n", self._text.removeprefix("\n"))
            self.sent.setdefault(self._open, []).append(text)
