"""Each page of a full site in a real browser: what is wrong with its look, and how soon it shows.

The site has what `manage.py seed` creates and the runs and requests of `tests/gallery/stage.py`.
A page's first line has what axe finds at 1440 and 390 px, light and dark; by how many pixels it is
wider than 1440, 390 and 320 px; and its largest layout shift. Its second line has, on slow 4G with
nothing cached, in milliseconds, its longest task, and its first view after the first byte: medians
of `--takes` openings. A page that took too long is timed once more after all others, because other
programs may have kept the machine busy; then its later times count. With `--pictures`, the pages
are also photographed.

    .venv/bin/python -m bench.looks --check
    .venv/bin/python -m bench.looks --only "^run, " --pictures /tmp/pictures --takes 1
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal

from playwright.sync_api import TimeoutError as PlaywrightTimeout

from bench.site import parser_of, site, tell

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

    from tests.gallery.pages import Look
    from tests.gallery.stage import Stage

DESK, PHONE, NARROW = 1440, 390, 320
HEIGHTS = {DESK: 900, PHONE: 844, NARROW: 640}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
TALLEST = 3000
"""The maximum number of pixels of a picture."""
MOST_SHIFT = 0.02
MOST_MS = {"task_ms": 100.0, "first_view_ms": 1000.0}
PATIENCE = 5000
"""Milliseconds that a page has to become quiet."""
SLOW_4G = {"latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
"""The network of Lighthouse's "slow 4G": the milliseconds of a round trip, and bytes a second."""
OBSERVE = """
  const notes = { shift: 0, task: 0 };
  const observe = (type, note) => {
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(note));
    observer.observe({ type, buffered: true });
  };
  observe("layout-shift", (one) => { if (!one.hadRecentInput) notes.shift += one.value; });
  observe("longtask", (one) => { notes.task = Math.max(notes.task, one.duration); });
  window.readNotes = () => notes;
"""
FIRST_VIEW = """async () => {
  const [arrival] = performance.getEntriesByType("navigation");
  const find = () => performance.getEntriesByName("first-contentful-paint")[0];
  while (!find()) await new Promise(requestAnimationFrame);
  return find().startTime - arrival.responseStart;
}"""
RESTS = """() => new Promise((done) => {
  requestIdleCallback(() => setTimeout(done, 300), { timeout: 5000 });
})"""
"""Waits until the page is idle; it has a limit because a page that draws no frame is never idle."""


def main() -> int:
    parser = parser_of(__doc__, runs=200, requests=60, takes=3)
    parser.set_defaults(database="sqlite")
    parser.add_argument("--only", default="", help="a regular expression of names of pages")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of all pages")
    parser.add_argument("--check", action="store_true", help="fail if a figure is too high")
    given = parser.parse_args()
    from tests.gallery import MODULES

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop lives in this thread
    settings = {"RUN_LEASE_SECONDS": "600", "NOTIFY_AFTER_SECONDS": "86400"}
    with site(given.database, procedures=",".join(MODULES), **settings) as stack:
        from playwright.sync_api import sync_playwright

        from tests.chromium import ARGUMENTS, CHROMIUM
        from tests.gallery.pages import looks
        from tests.gallery.stage import set_stage
        from tests.processes import Web, clock_worker

        stage = set_stage(runs=given.runs, requests=given.requests)
        web = Web()
        for server in (web, clock_worker()):
            stack.callback(server.end)
            server.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            gallery = Gallery(browser, web.url, stage, given.pictures, given.takes)
            found = [one for one in looks(stage) if re.search(given.only, one.name)]
            if not found:
                sys.exit(f"No page has a name that matches {given.only!r}.")
            faults = gallery.count_faults(found)
            browser.close()
    return int(given.check and faults > 0)


@dataclass
class Gallery:
    """A browser that opens the pages of a staged site."""

    browser: "Browser"
    address: str
    stage: "Stage"
    pictures: Path | None
    takes: int

    def count_faults(self, found: list["Look"]) -> int:
        """Measure these pages, and return how many are wrong or too slow."""
        wrong = [one for one in found if self.is_wrong(one)]
        slow = [one for one in found if self.is_slow(one)]
        too_slow = [one for one in slow if self.is_slow(one)]
        counts = {"wrong": len(wrong), "timed_again": len(slow), "too_slow": len(too_slow)}
        tell(bench="looks", pages=len(found), **counts)
        return len(wrong) + len(too_slow)

    def is_wrong(self, look: "Look") -> bool:
        """Print what is wrong with the look of a page, and return True if anything is."""
        axe, wide, shifts = set[str](), dict[int, int](), list[float]()
        for width in (DESK, PHONE):
            with self._opened(look, width) as page:
                shifts.append(page.evaluate("readNotes().shift"))
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme=scheme)
                    axe |= violations(page)
                    if self.pictures:
                        picture = self.pictures / f"{look.name}={width}-{scheme}.png"
                        photograph(page, picture, width)
                for size in (PHONE, NARROW) if width == PHONE else (DESK,):
                    page.set_viewport_size({"width": size, "height": HEIGHTS[size]})
                    wide[size] = excess(page, size)
        shift = max(shifts)
        is_wrong = bool(axe) or any(wide.values()) or shift > MOST_SHIFT
        tell(bench="looks", page=look.name, axe=sorted(axe), wide=wide, shift=shift, wrong=is_wrong)
        return is_wrong

    def is_slow(self, look: "Look") -> bool:
        """Print how soon a page shows, and return True if it takes too long."""
        views, tasks = zip(*(self._first_view(look) for _ in range(self.takes)), strict=True)
        figures = {"task_ms": median(tasks), "first_view_ms": median(views)}
        is_slow = any(figures[name] > most for name, most in MOST_MS.items())
        tell(bench="looks", page=look.name, **figures, slow=is_slow)
        return is_slow

    @contextmanager
    def _opened(self, look: "Look", width: int) -> Iterator["Page"]:
        with self._context(look, width) as page:
            page.goto(look.path)
            with suppress(PlaywrightTimeout):
                page.wait_for_load_state("networkidle", timeout=PATIENCE)
            if look.act:
                look.act(page)
            page.evaluate(RESTS)
            yield page

    def _first_view(self, look: "Look") -> tuple[float, float]:
        """Return the time from the first byte to the first view, and the longest task, in ms."""
        with self._context(look, DESK) as page:
            network = page.context.new_cdp_session(page)
            network.send("Network.enable")
            network.send("Network.emulateNetworkConditions", {"offline": False, **SLOW_4G})
            page.goto(look.path)
            view = float(page.evaluate(FIRST_VIEW))
            page.evaluate(RESTS)
            return view, float(page.evaluate("readNotes().task"))

    @contextmanager
    def _context(self, look: "Look", width: int) -> Iterator["Page"]:
        """Open a window of the person, with nothing cached; axe needs it without a CSP."""
        is_phone = width != DESK
        context = self.browser.new_context(
            base_url=self.address,
            viewport={"width": width, "height": HEIGHTS[width]},
            reduced_motion="reduce",
            has_touch=is_phone,
            is_mobile=is_phone,
            bypass_csp=True,
        )
        if look.person:
            name, value = self.stage.cookie_of(look.person)
            context.add_cookies([{"name": name, "value": value, "url": self.address}])
        context.add_init_script(OBSERVE)
        if look.html:
            context.route(f"**{look.path}", partial(answer_with, look.html))
        yield context.new_page()
        context.close()


def answer_with(html: str, route: "Route") -> None:
    route.fulfill(body=html, content_type="text/html")


def excess(page: "Page", width: int) -> int:
    """Return by how many pixels the page is wider than the window."""
    return max(0, int(page.evaluate("document.documentElement.scrollWidth")) - width)


def violations(page: "Page") -> set[str]:
    """Return the rules of axe that the page violates, each with the first element at fault."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"resultTypes": ["violations"], "preload": False}
    found = Axe().run(page, options=options).response["violations"]
    return {f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found}


def photograph(page: "Page", path: Path, width: int) -> None:
    """Take a picture of the whole page, unless it is too tall, in a window of its height.

    Chromium's own pictures of whole pages are drawn as if a phone had a mouse.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    if HEIGHTS[width] < height <= TALLEST:
        page.set_viewport_size({"width": width, "height": height})
    page.screenshot(path=path)
    page.set_viewport_size({"width": width, "height": HEIGHTS[width]})


if __name__ == "__main__":
    sys.exit(main())
