"""CONTRIBUTING.md sends nobody to a file that is not there."""

import re

import pytest

from dashboard.environment.variables import CHECKOUT

TEXT = (CHECKOUT / "CONTRIBUTING.md").read_text()
NAMED = set(re.findall(r"`([\w./*]+(?:\.py|\.html|\.js|/))(?:::\w+)?`", TEXT))
OF_AN_APP = {"procedures.py"}
"""The files that a reader writes."""
ROOTS = ("", "procedures", "chat", "dashboard", "dashboard/static", "templates")


@pytest.mark.parametrize("name", sorted(set(NAMED) - OF_AN_APP))
def test_each_file_it_names_is_there(name: str) -> None:
    pattern = name.replace("NAME", "*").rstrip("/")
    places = [CHECKOUT / root for root in ROOTS]

    assert any(True for place in places for _ in place.glob(pattern)) or any(
        True for _ in CHECKOUT.glob(f"dashboard/static/**/{pattern}")
    )


@pytest.mark.parametrize("target", re.findall(r"`make (\w+)`", TEXT))
def test_each_command_it_names_is_one_of_the_makefile_s(target: str) -> None:
    assert re.search(rf"^{target}:", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
