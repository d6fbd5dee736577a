"""The browser's client of the live protocol, against a server that sends in any order."""

from collections.abc import Callable, Iterator
from itertools import groupby
from random import Random
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page

from tests.browser.fake_server import SITE, TALK, FakeServer
from tests.processes import wait_until

SEEDS = 12
STEPS = 50
TURN = 4
"""Steps of the server for each turn of the page."""
PATIENCE = 40
LOOK = """() => ({
  cursors: Object.fromEntries([...document.querySelectorAll("live-stream")].map(
    (one) => [one.stream, one.cursor])),
  shown: Object.fromEntries([...document.querySelectorAll("#talk > *, #runs > *")].map(
    (one) => [one.id, one.textContent])),
  heard: window.heard,
})"""
HEAR = """window.heard = [];
document.addEventListener("live", ({ target, detail }) =>
  window.heard.push([target.stream, detail.seq]));"""
FAULTS = {
    "a cursor off by one": ("frame.seq > this.cursor + 1", "frame.seq > this.cursor + 2"),
    "a tail that is dropped": ("head >= element.cursor", "false"),
    "a frame out of order": ("frame.seq < this.cursor ||", "false ||"),
}


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[[], Page]]:
    context = browser.new_context()
    yield context.new_page
    context.close()


def test_a_page_shows_what_a_fresh_one_shows_whatever_order_frames_come_in(
    new_page: Callable[[], Page],
) -> None:
    for seed in range(SEEDS):
        assert fault_of(new_page(), seed) == "", f"seed {seed}"


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, new_page: Callable[[], Page]) -> None:
    right, wrong = FAULTS[name]

    def mend(module: str) -> str:
        assert right in module
        return module.replace(right, wrong)

    assert any(fault_of(new_page(), seed, mend) for seed in range(SEEDS))


def fault_of(page: Page, seed: int, mend: Callable[[str], str] = str) -> str:
    """Live through a seed; return how the page differs from a fresh one in the end, or ""."""
    page.clock.install()
    page.add_init_script(HEAR)
    server = FakeServer(page, Random(seed), mend)  # noqa: S311 (no secret)
    page.goto(SITE)
    for step in range(STEPS):
        server.step()
        if step % TURN == 0:
            look_later(page, 500)
    wait_until(lambda: look_later(page, 500) and server.is_followed, what="a page that follows")
    server.lose_the_last()
    wanted = {"cursors": server.cursors, "shown": server.shown}
    seen: dict[str, Any] = {}
    for _ in range(PATIENCE):
        server.tell_heads()
        seen = look_later(page, 1000)
        server.wait_until_answered()
        heard = [number for stream, number in seen.pop("heard", ()) if stream == TALK]
        if seen == wanted:
            page.close()
            return order_of(heard)
    page.close()
    return f"{seen} instead of {wanted}"


def look_later(page: Page, milliseconds: int) -> dict[str, Any]:
    """Give the page so much time by its own clock; return what it shows, if it isn't reloading."""
    try:
        page.clock.run_for(milliseconds)
        seen: dict[str, Any] = page.evaluate(LOOK)
    except Error:
        page.wait_for_load_state()
        return {}
    return seen


def order_of(heard: list[int]) -> str:
    """Return "" if the numbers go up by one, each once or repeated at once."""
    numbers = [number for number, _ in groupby(heard)]
    wanted = list(range(numbers[0], numbers[0] + len(numbers))) if numbers else []
    return "" if numbers == wanted else f"heard {numbers}"
