"""`python -m tests.kinds_table`: each kind of request by each way, tried and written as a table."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent / "integration" / "test_every_way.py"
ROW = "row"


class Rows:
    """A plugin that keeps the rows which the tests record."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.kept += [
                json.loads(str(value)) for name, value in report.user_properties if name == ROW
            ]


def table(rows: list[Any]) -> Iterator[str]:
    """Yield the lines of a table in Markdown, and then the sentences to which it refers."""
    told: dict[str, int] = {}
    names = list(rows[0][2]) if rows else []
    yield f"| kind | by | {' | '.join(names)} |"
    yield "|---" * (len(names) + 2) + "|"
    for kind, way, cells in sorted(rows, key=lambda row: row[:2]):
        shown = [cell(told, *one) for one in cells.values()]
        yield f"| {kind} | {way} | {' | '.join(shown)} |"
    yield ""
    yield from (f"[{number}] {words}" for words, number in told.items())


def cell(told: dict[str, int], is_possible: bool, words: str) -> str:  # noqa: FBT001 (from a row)
    mark = "✓" if is_possible else "refused"
    return f"{mark} [{told.setdefault(words, len(told) + 1)}]" if words else mark


def main() -> int:
    rows = Rows()
    code = pytest.main(["-q", "--no-header", "--no-summary", str(TESTS)], plugins=[rows])
    sys.stdout.write("\n" + "\n".join(table(rows.kept)) + "\n")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
