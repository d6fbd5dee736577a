"""The promises of the README are kept."""

import re

import pytest

from dashboard.environment.variables import CHECKOUT

README = (CHECKOUT / "README.md").read_text()
PICTURES = sorted((CHECKOUT / "docs" / "pictures").iterdir())
LARGEST, LARGEST_TOGETHER = 150_000, 600_000


@pytest.mark.parametrize("path", re.findall(r'(?:\]\(|src="|srcset="|=@)([\w./-]+)', README))
def test_what_it_names_is_there(path: str) -> None:
    assert (CHECKOUT / path).is_file()


@pytest.mark.parametrize("target", re.findall(r"`make ([\w-]+)`", README))
def test_a_command_it_names_is_one_of_make(target: str) -> None:
    assert f"\n{target}: " in (CHECKOUT / "Makefile").read_text()


def test_every_picture_is_shown_and_small() -> None:
    sizes = {path.name: path.stat().st_size for path in PICTURES}

    assert all(f"docs/pictures/{name}" in README for name in sizes)
    assert max(sizes.values()) < LARGEST
    assert sum(sizes.values()) < LARGEST_TOGETHER
