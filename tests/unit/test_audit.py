"""The report of `make audit` about its findings."""

import json

import pytest

from tests.audit import verdict

SAFE = {"name": "django", "version": "5.2", "vulns": []}
UNSAFE = {"name": "redis", "version": "1.0", "vulns": [{"id": "CVE-2026-1"}]}
UNKNOWN = {"name": "limits", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([SAFE], 0, "1 packages, no known"),
        ([SAFE, UNSAFE], 1, "redis 1.0: CVE-2026-1"),
        ([SAFE, UNKNOWN], 0, "Not audited: limits."),
        ([UNKNOWN], 0, "Skipped: "),
    ],
)
def test_a_package_nobody_looked_up_is_not_called_safe(
    packages: list[dict[str, object]], code: int, words: str
) -> None:
    told = verdict(json.dumps({"dependencies": packages}), "")

    assert told[0] == code
    assert words in told[1]


def test_without_the_service_it_says_so() -> None:
    assert verdict("", "ConnectionError") == (
        0,
        "Skipped: the advisory service can't be reached. ConnectionError",
    )
