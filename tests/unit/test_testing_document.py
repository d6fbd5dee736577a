"""The examples in docs/testing.md work as shown."""

import re
from typing import Any

import pytest

from dashboard.environment.variables import CHECKOUT
from procedures import testing
from tests.documents import examples

PATH = CHECKOUT / "docs" / "testing.md"
[EXAMPLE] = examples(PATH)
NAMES: dict[str, Any] = {"__name__": "testing_document"}
exec(compile(EXAMPLE.source, str(PATH), "exec"), NAMES)  # noqa: S102 (our own document)
UNNAMED = {"CrashReport", "CrashTestError", "EndlessError", "NobodyKnowsError", "People"}
"""Names that authors see in a traceback, or as a type."""


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("test_")])
def test_the_example_holds(name: str) -> None:
    NAMES[name]()


def test_all_of_the_kit_is_told() -> None:
    code = [EXAMPLE.source, *re.findall(r"`([^`]+)`", PATH.read_text().replace("```", ""))]
    words = {word for text in code for word in re.findall(r"\w+", text)}
    assert {*testing.__all__} - words <= UNNAMED
