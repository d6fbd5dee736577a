"""Plexus' own examples, from a checkout of it."""

from pathlib import Path
from typing import Any

import pytest

from procedures.engine import Procedure
from procedures.engine.declaration.known import use_procedures
from procedures.testing import crash_test
from programs.lua import read_plexus
from tests.programs.lua.shown import examples, people

CHILD = """
name: {name}
params: {{input_data: {{type: string}}, processing_mode: {{type: string}}, step: {{type: number}}}}
code: |
  Sleep(1)
  return {{done = true}}
"""
"""The children of Plexus' own example, which it doesn't contain."""


@pytest.mark.parametrize("path", examples("PLEXUS_EXAMPLES", "*.yaml"))
def test_plexus_examples(path: Path) -> None:
    programs = {one.name: one for other in path.parent.glob("*.yaml") for one in read_file(other)}
    for name in ("test-sub-procedure", "analysis-proc"):
        programs |= {one.name: one for one in read_plexus(name, CHILD.format(name=name))}
    [program] = read_file(path)
    with use_procedures(*programs.values()):
        run = crash_test(program, humans=people).undisturbed
    assert run.status == "succeeded"
    assert not run.refused
    assert_is_as_told(program.name, run.result)


def read_file(path: Path) -> list[Procedure]:
    return read_plexus(path.name, path.read_text())


EXPECTED: dict[str, dict[str, Any]] = {
    "approval_demo": {"approved": True},
    "escalate_demo": {"status": "success", "resolution": "human_intervention"},
    "file_demo": {"status": "success", "operations_completed": 8},
    "input_demo": {"user_input": "Ulm"},
    "json_demo": {"status": "success", "operations_completed": 7},
    "log_demo": {"status": "success", "items_processed": 4},
    "procedure_demo": {"status": "success", "tests_completed": 6},
    "retry_demo": {"status": "success", "tests_completed": 5},
    "review_demo": {"decision": "Approve", "artifact_edited": False},
    "session_demo": {"status": "success", "message_count": 3},
    "simple_sub_procedure": {"result": "success"},
    "sleep_demo": {"status": "success", "total_time": 8},
    "stage_demo": {"status": "success", "stages_completed": 5},
}


def test_each_of_their_examples_is_tried() -> None:
    paths = [path for one in examples("PLEXUS_EXAMPLES", "*.yaml") for path in one.values if path]
    if not paths:
        pytest.skip("PLEXUS_EXAMPLES names no checkout.")
    assert {path.stem for path in paths} == EXPECTED.keys()


def assert_is_as_told(name: str, result: dict[str, Any]) -> None:
    assert {key: result[key] for key in EXPECTED[name]} == EXPECTED[name]
