"""A plugin of pytest that removes the effect which the environment names, and tells what fell."""

import os

import pytest

NAME = "WITHOUT_OPTION"
FELL = "fell: "


def pytest_collection() -> None:
    from tests.without_options.effects import EFFECTS  # noqa: PLC0415 (only now there are settings)

    for effect in EFFECTS:
        if effect.name == os.environ[NAME]:
            effect.remove()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    failed = [*terminalreporter.stats.get("failed", ()), *terminalreporter.stats.get("error", ())]
    for name in dict.fromkeys(report.nodeid for report in failed):
        terminalreporter.write_line(f"{FELL}{name}")
