"""The tables of what other systems guarantee name tests that exist."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.programs.kernel_cases import NOT_OURS, OURS
from tests.programs.runtime_cases import BESIDE

ROOT = Path(__file__).parents[2]


def missing(named: Iterable[str]) -> list[str]:
    """The tests among these that aren't there."""
    found = [(ROOT / one.partition("::")[0], one.partition("::")[2]) for one in named]
    return [
        test
        for file, test in found
        if not re.search(rf"^(async )?def {test}\(", file.read_text(), re.MULTILINE)
    ]


@pytest.mark.parametrize("case", OURS)
def test_each_guarantee_has_a_test(case: str) -> None:
    assert OURS[case]
    assert missing(OURS[case]) == []


def test_what_is_not_ours_has_a_reason() -> None:
    assert not OURS.keys() & NOT_OURS.keys()
    assert all(reason.endswith(".") for reason in NOT_OURS.values())


@pytest.mark.parametrize("case", BESIDE)
def test_what_stands_beside_a_runtime_has_a_reason_and_tests_of_ours(case: str) -> None:
    reason, ours = BESIDE[case]

    assert reason.endswith(".")
    assert ours
    assert missing(ours) == []
