"""The way of a newcomer from nothing to the first answer."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.environment.variables import CHECKOUT
from tests.browser.conftest import DESK
from tests.browser.newcomer import Newcomer
from tests.processes import processes_with, wait_until

MOST_CLICKS = 6
MOST_SECONDS = 90
NOTES, RELEASE = "Are these the release notes of demo 1.3.0?", "Release demo 1.3.0?"


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    person = Newcomer(tmp_path, CHECKOUT)
    yield person
    person.end()


@pytest.fixture
def window(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": DESK, "height": 900})
    yield page
    page.close()


@pytest.mark.visit
def test_two_commands_and_a_few_clicks_lead_to_an_answer_and_to_a_release(
    newcomer: Newcomer, window: Page, tell: Callable[[str], None], tmp_path: Path
) -> None:
    newcomer.start()

    newcomer.open_link(window, "starter")
    newcomer.click(window, "Sign in as starter")
    newcomer.click(window, "Approve")
    expect(window.get_by_role("article", name=NOTES)).to_contain_text("by starter")
    tell(newcomer.so_far("The first question is answered"))
    newcomer.open_link(window, "approver")
    newcomer.click(window, "Sign in as approver")
    newcomer.click(window, "Release 1.3.0")
    expect(window.get_by_role("article", name=RELEASE)).to_contain_text("by approver")
    wait_until(lambda: "v1.3.0" in tags(tmp_path), what="the tag")
    tell(newcomer.so_far("A version is released"))

    for line in newcomer.story:
        tell(line)
    assert len(newcomer.clicks) <= MOST_CLICKS
    assert newcomer.seconds < MOST_SECONDS
    assert processes_with(f"{tmp_path}/")
    newcomer.end()
    wait_until(lambda: not processes_with(f"{tmp_path}/"), what="the last process to vanish")


def tags(folder: Path) -> list[str]:
    """The tags of the repository that the demo has made."""
    demo = folder / "countersign" / ".local" / "demo-repository"
    listed = subprocess.run(
        ["git", "-C", demo, "tag"],  # noqa: S607 (the machine's git)
        check=True,
        capture_output=True,
        text=True,
    )
    return listed.stdout.split()
