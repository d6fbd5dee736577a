"""The hands of somebody who uses a page: with a mouse, or with nothing but a keyboard.

Both count what they do. A press of Enter or Space on a button is counted as the click that it is
for others.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

MOST_TABS = 120
BEGINNING: Any = {"x": 9, "y": 9}
"""A place in a field, in pixels: of a date, it is the first part."""


@dataclass
class Hands:
    """A mouse, and a keyboard for words."""

    page: Page
    clicks: int = 0
    fields: int = 0
    keys: int = 0
    """The key presses besides the characters of words."""
    told: list[str] = field(default_factory=list)
    _since: tuple[int, int, int] = (0, 0, 0)

    def use(self, target: Locator) -> None:
        """Follow a link, press a button, or tick a box."""
        self.clicks += 1
        self._reach(target)
        target.click()

    def write(self, target: Locator, text: str) -> None:
        self.fields += 1
        self._reach(target)
        target.click(position=BEGINNING)
        self._type(text)

    def choose_file(self, target: Locator, path: Path) -> None:
        """Choose a file in the dialog of the browser, which is one more field."""
        self.fields += 1
        with self.page.expect_file_chooser() as chooser:
            self._open(target)
        chooser.value.set_files(path)

    def send(self) -> None:
        """Press Enter in the field that was written in."""
        self.keys += 1
        self.page.keyboard.press("Enter")

    def since_then(self, what: str) -> None:
        """Note what was done for this part of the work."""
        now = (self.clicks, self.fields, self.keys)
        clicks, fields, keys = (new - old for new, old in zip(now, self._since, strict=True))
        self._since = now
        self.told.append(f"{what:<34}{clicks:>3} clicks {fields:>3} fields {keys:>4} keys")

    def tell(self, tell: Callable[[str], None]) -> None:
        self._since = (0, 0, 0)
        self.since_then("all")
        tell("\n".join(self.told))

    def _open(self, target: Locator) -> None:
        target.click()

    def _type(self, text: str) -> None:
        first, *others = text.split("\t")  # the time of a date lies behind a Tab
        self.page.keyboard.type(first)
        for other in others:
            self.page.keyboard.press("Tab")
            self.page.keyboard.type(other)

    def _reach(self, target: Locator) -> None:
        expect(target).to_be_visible()


class Keys(Hands):
    """Nothing but a keyboard."""

    def use(self, target: Locator) -> None:
        self.clicks += 1
        self._reach(target)
        self._open(target)

    def write(self, target: Locator, text: str) -> None:
        self.fields += 1
        self._reach(target)
        self._type(text)

    def choose_file(self, target: Locator, path: Path) -> None:
        self._reach(target)
        super().choose_file(target, path)

    def _open(self, target: Locator) -> None:
        self.keys += 1
        is_box = target.evaluate("one => one.matches('[type=checkbox], [type=radio], [type=file]')")
        self.page.keyboard.press("Space" if is_box else "Enter")

    def _reach(self, target: Locator) -> None:
        """Press Tab until the element has the focus; the first link of a page skips its menu."""
        super()._reach(target)
        if self.page.evaluate("document.activeElement === document.body"):
            self._press("Tab")
            if target.evaluate("one => Boolean(one.closest('main'))"):
                self._press("Enter")
        for _ in range(MOST_TABS):
            if target.evaluate("one => one === document.activeElement"):
                return
            self._press("Tab")
        raise AssertionError(f"{MOST_TABS} times Tab do not reach {target}.")

    def _press(self, key: str) -> None:
        self.keys += 1
        self.page.keyboard.press(key)
