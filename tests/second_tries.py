"""Second tries: a test with real processes is run once more if a wait in it has timed out.

On a busy machine a process may be slower than any wait allows. Whatever else fails is not repeated.
"""

from collections.abc import Iterable, Iterator

import httpx
import pytest
from playwright.sync_api import TimeoutError as BrowserTimeoutError

PROCESSES = {
    "start",
    "start_for_module",
    "shared_worker",
    "shared_clock",
    "shared_web",
    "product",
    "new_product",
    "browser",
}
"""The fixtures that start workers, web servers, clocks or browsers, or on which such ones build."""
NEVER = {"storm", "races"}
"""Tests that look for races find some of them by a wait that times out."""
TIMEOUTS = (r"^TimeoutError: Waited ", BrowserTimeoutError, httpx.TimeoutException)
FAULTS = (AssertionError, pytest.fail.Exception)
"""Never repeated, not even if they follow from a timeout."""


def may_be_repeated(item: pytest.Item) -> bool:
    """Return True for a test that waits for processes, and isn't about races or a soak."""
    words = {word for part in item.path.parts[-2:] for word in part.removesuffix(".py").split("_")}
    fixtures = getattr(item, "fixturenames", ())
    is_left_out = item.get_closest_marker("soak") or NEVER & words
    return not is_left_out and not PROCESSES.isdisjoint(fixtures)


def allow_second_try(item: pytest.Item) -> None:
    """Mark it so, unless a debugger would be started at its failure."""
    if may_be_repeated(item) and not item.config.getoption("usepdb"):
        item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=[*TIMEOUTS], rerun_except=[*FAULTS]))


def repeated(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    """Yield a line for each attempt after which a test was tried again: its name, and why."""
    for report in reports:
        why = getattr(getattr(report.longrepr, "reprcrash", None), "message", "")
        yield f"{report.nodeid} ({report.when}): {next(iter(why.splitlines()), 'no reason')}"
