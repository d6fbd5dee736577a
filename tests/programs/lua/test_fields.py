"""Forms of several fields, files that people send, and the procedures that a file may start."""

from typing import Any

import pytest

from procedures.engine import File, ProcedureFileError
from procedures.testing import AskedWait, crash_test, run_procedure, silent
from programs.lua import read_plexus

INPUTS = """
local found = Human.inputs({
  {id = "target", label = "Where", type = "select", message = "Which one?",
   options = {"staging", {label = "Live", value = "live"}}},
  {id = "sure", label = "Sure", type = "approval", message = "Are you sure?", default = false},
  {id = "notes", label = "Notes", type = "input", message = "Any notes?", required = false,
   timeout = 60},
}, {message = "The deployment", assign = "finance"})
return {target = found.target, sure = found.sure, notes = found.notes or "none"}
"""
UPLOAD = """
local list = Human.upload({message = "The orders", accept = ".csv", max_size = "1 MB"})
if not list then return "no file" end
return {name = list.name, size = list.size, kind = list.mime_type,
  rows = #File.read(list.path), there = File.exists(list.path), bytes = File.size(list.path)}
"""


def read(code: str, head: str = "") -> Any:
    block = "".join(f"  {line}\n" for line in code.strip().splitlines())
    [*_, program] = read_plexus("small.yaml", f"name: small\n{head}code: |\n{block}")
    return program


def test_several_inputs_are_one_form() -> None:
    asked: list[AskedWait] = []

    def people(one: AskedWait) -> object:
        asked.append(one)
        return {"target": "live", "sure": True, "notes": None}

    run = crash_test(read(INPUTS), humans=people).undisturbed

    assert run.result == {"target": "live", "sure": True, "notes": "none"}
    assert run.prompts == ["The deployment"]
    assert asked[0].kind == "form"


def test_inputs_that_nobody_gives_are_the_defaults() -> None:
    run = run_procedure(read(INPUTS), humans=silent)
    assert run.result == {"sure": False, "notes": "none"}


def test_a_file_that_people_send_is_read_by_its_path() -> None:
    def people(_: AskedWait) -> object:
        return File.store("orders.csv", "a,b\n1,2\n", content_type="text/csv")

    run = crash_test(read(UPLOAD), humans=people).undisturbed

    assert run.result == {
        "name": "orders.csv",
        "size": 8,
        "kind": "text/csv",
        "rows": 8,
        "there": True,
        "bytes": 8,
    }


def test_a_file_that_nobody_sends_is_nil() -> None:
    run = run_procedure(read(UPLOAD.replace('"1 MB"', "1000, timeout = 60")), humans=silent)
    assert run.result == "no file"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("Human.inputs({})", "Human.inputs needs a list of items."),
        ("Human.inputs({{id = 'a'}})", "An item of Human.inputs needs 'type'."),
        ("Human.inputs({{id = 'a', type = 'review'}})", "The type 'review' isn't supported in"),
        (
            "Human.inputs({{id = 'a', type = 'input', x = 1}})",
            "An item of Human.inputs can't have 'x'",
        ),
        (
            "Human.inputs({{id = 'a', type = 'input'}, {id = 'a', type = 'input'}})",
            "Human.inputs has two items with the id 'a'.",
        ),
        (
            "Human.upload({accept = '.odd-one'})",
            "Human.upload doesn't know the media type of '.odd-one'.",
        ),
    ],
)
def test_fields_that_cant_be_asked_are_errors(code: str, words: str) -> None:
    run = run_procedure(read(code))
    assert run.error
    assert words in run.error["message"]


@pytest.mark.parametrize(
    ("head", "words", "line"),
    [
        ("dependencies: {procedures: other}\n", "dependencies.procedures must be a list", 2),
        ("dependencies: {procedures: [one]}\n", "The code starts 'other', which isn't in", 4),
    ],
)
def test_a_file_starts_the_procedures_that_it_lists(head: str, words: str, line: int) -> None:
    with pytest.raises(ProcedureFileError) as refused:
        read("Procedure.run('other')", head)
    assert str(refused.value).startswith(words)
    assert refused.value.line == line
    assert read("Procedure.run('other')", "dependencies: {procedures: [other]}\n")
