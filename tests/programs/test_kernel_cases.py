"""The table of the kernel's guarantees names tests that exist."""

import re
from pathlib import Path

import pytest

from tests.programs.kernel_cases import NOT_OURS, OURS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("case", OURS)
def test_each_guarantee_has_a_test(case: str) -> None:
    assert OURS[case]
    for named in OURS[case]:
        file, _, test = named.partition("::")
        assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE), named


def test_what_is_not_ours_has_a_reason() -> None:
    assert not OURS.keys() & NOT_OURS.keys()
    assert all(reason.endswith(".") for reason in NOT_OURS.values())
