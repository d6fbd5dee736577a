"""Odd and hostile files: each is refused in one sentence that names the line, or it works."""

import json

import pytest
from pytest_django import Settings

from procedures.engine import Procedure, ProcedureFileError
from procedures.readers import read_text
from procedures.testing import approve_all, run_procedure
from tests.configured import configure

READERS = {
    ".yaml": "programs.lua.read_plexus",
    ".tac": "programs.lua.read_tactus",
    ".graph.yaml": "programs.graphs.reader.read_graph",
}
ENDS = "name: x\ncode: return 1\n"
ASKS = "name: x\nsteps:\n  a: {ask: 'Go?'}\n"
PLEXUS = [
    ("", "The file is empty.", None),
    ("name: x\x07\ncode: return 1", "The file contains the character U+0007, which YAML", 1),
    ("name: x\nparams:\n\ta: {}\ncode: x", "The file isn't valid YAML: found character '\\t'", 3),
    (f"{ENDS}---\n{ENDS}", "The file has several documents (---).", 3),
    (f"{ENDS}titel: X", "Unknown key 'titel'. Did you mean 'title'?", 3),
    (f"{ENDS}roles: {{start: {{a: b}}}}", "x: roles= must name groups, not {'a': 'b'}.", 1),
    (f"{ENDS}dependencies: {{colour: [a]}}", "dependencies can't have 'colour'.", 3),
    (f"{ENDS}stages: [a, b, a]", "The stage 'a' is given twice.", 3),
    (f'{ENDS}stages: ["a\\nb"]', r"The stage 'a\nb' contains '\n', which can't be printed.", 3),
    (f'{ENDS}stages: [" "]', "The name of a stage is blank.", 3),
    (f"{ENDS}guards: ['']", "A guard is empty.", 3),
    (f"{ENDS}params: {{a: {{typ: string}}}}", "The input a can't have 'typ'. Did you mean 't", 3),
    (f"{ENDS}params: {{a: {{required: maybe}}}}", "required of the input a must be true or", 3),
    (f"{ENDS}params: {{a: {{description: [b]}}}}", "description of the input a must be a st", 3),
    (f"{ENDS}params: {{a: {{enum: []}}}}", "The enum of the input a is empty.", 3),
    (f"{ENDS}params: {{a: 7}}", "The input a must have a type, such as string, not 7.", 3),
    (f"{ENDS}hitl: {{pay: {{type: vote}}}}", "The question pay has the type 'vote'. The types", 3),
    (f"{ENDS}hitl: {{pay: {{mesage: x}}}}", "The question pay can't have 'mesage'. Did you me", 3),
    (f"{ENDS}hitl: {{pay: {{timeout: soon}}}}", "timeout of the question pay needs a number", 3),
    (f"{ENDS}hitl: {{pay: {{options: 7}}}}", "The options of the question pay must be a list", 3),
    (f"{ENDS}hitl: {{pay: {{on_timeout: die}}}}", "on_timeout of the question pay must be one", 3),
    (
        f"{ENDS}hitl: {{p: {{type: approval, default: 'no'}}}}",
        "default of the question p must be",
        3,
    ),
    (
        "name: x\ncode: |\n  Human.approve{\n    default = 'no'}",
        "default of Human.approve must be",
        4,
    ),
    ("name: x\ncode: Human.approve('p')\nhitl: {p: {type: review}}", "p is declared with the", 2),
    ("name: x\ncode: |\n  Human.approve{\n    timout = 5}", "Human.approve can't have 'timout'", 4),
    ("name: x\nagents: {w: {}}\ncode: W.turn()", "The agent W can't run: agents are offered in", 3),
    (f"name: x\ncode: return {'(' * 300}1{')' * 300}", "The code is nested too deeply.", 2),
    ("name: x\ncode: return “a”", "unexpected symbol near '“' (U+201C), which can stand only", 2),
    ("name: x\ncode: return\u00a01", "unexpected symbol near U+00A0, which can stand only", 2),
    ("name: x\ncode: |\n  re\u200bturn 1", "syntax error near U+200B, which can stand only in", 3),
]
TACTUS = [
    ("\x1bLuaT", "The code isn't valid Lua.", 1),
    ("\nlocal größe = 1", "unexpected symbol near 'ö' (U+00F6), which can stand only in", 2),
    (f"return {'{' * 250}{'}' * 250}", "The code is nested too deeply.", 1),
    ("\nlocal x = require(name)", "require takes the name of a module in quotes.", 2),
    ("\nProcedure {'function'}", "A Procedure needs a function.", 2),
    ("\nProcedure {print, print}", "A Procedure takes only one function.", 2),
    ("\nProcedure {colour = 1, print}", "A Procedure can't have 'colour'.", 2),
    ("\nProcedure {title = 7, print}", "title must be a string, not 7.", 2),
    ("\nProcedure {input = 7, print}", "input must be a table with names, such as {order = fie", 2),
    (
        "\nProcedure {roles = 'a', print}",
        """roles must be a table of groups, such as {start = "sales"}, not 'a'.""",
        2,
    ),
    ("local t = {}\nt.t = t\nProcedure {input = t, print}", "A declaration is nested too deepl", 3),
    ("\nProcedure {input = {a = {default = 0/0}}, print}", "A number is infinite or NaN", 2),
    ("\nProcedure {title = '\\xff', print}", "A string isn't UTF-8 text.", 2),
    ("\nprocedure('a', 7)", "A declaration takes a table such as {...}, not a number.", 2),
    ("\nt = Tool {input = {}}\nProcedure {print}", "A Tool needs a function.", 2),
    ("\nToolset 't' {tools = {{name = 'a'}}}", "A tool of a Toolset needs a function as its", 2),
    (
        "\ninput {a = {typ = 'string'}}\nreturn 1",
        "The input a can't have 'typ'. Did you mean 't",
        2,
    ),
    ("\noutput 'a'", "A declaration takes a table such as {...}, not a string.", 2),
    ("\nToolset 't' {use = 'mail'}", "A Toolset can't have 'use'.", 2),
    (
        "\nToolset 't' {tools = {print}}",
        "A tool of a Toolset must be a Tool, a Toolset or a name",
        2,
    ),
    (
        "\nAgent {tools = {print}}",
        "A tool of an Agent must be a Tool, a Toolset or a name, not a",
        2,
    ),
    ("\nStages {'a', 7}", 'Stages takes names, as in Stages {"asked", "paid"}, not 7.', 2),
    ("\nStages {'a', 'a'}", "The stage 'a' is given twice.", 2),
    ("\nHitl {pay = {type = 'vote'}}", "The question pay has the type 'vote'. The types are", 2),
    ("\nHitl {pay = 7}", "The question pay needs a table such as {type = 'approval'}.", 2),
    ("Procedure {function()\nHuman.approve('pay') end}", "The file declares no question named", 2),
    ("\nA = Agent {system_prompt = 7}\nA()", "system_prompt of the agent A must be a string", 2),
    ("\nA = Agent {temperature = 'hot'}\nA()", "temperature of the agent A must be a number", 2),
    ("\nA = Agent {max_tokens = -1}\nA()", "max_tokens of the agent A must be a whole number", 2),
]
GRAPHS = [
    ("<!doctype html>", "A graph must be a mapping of names to values, not '<!do", 1),
    ("name: [a]\nsteps: {a: {ask: x}}", "name must be a string, not ['a'].", 1),
    (f"{ASKS}limits: 7", "limits must be a mapping of names to values, not 7.", 4),
    (
        f"{ASKS}inputs: {{class: text}}",
        "Invalid name 'class' of an input: it is a keyword of Python",
        4,
    ),
    (
        f"{ASKS}inputs: {{2nd: text}}",
        "Invalid name '2nd' of an input: use letters, digits and _, and",
        4,
    ),
    (f"{ASKS}inputs: {{a: {{choices: []}}}}", "The choices of the input 'a' must be a list of", 4),
    ("name: x\nsteps:\n  a: {parallel: {}}", "parallel needs at least one step.", 3),
    ("name: x\nsteps:\n  a: {ask: x, escalate: [7]}", "The step 'a' has options that can't be", 3),
    ("name: x\nsteps:\n  a: {ask: x, assignee_key: 7}", "assignee_key must be a string, not 7.", 3),
]
EVERY = [
    *((".yaml", *one) for one in PLEXUS),
    *((".tac", *one) for one in TACTUS),
    *((".graph.yaml", *one) for one in GRAPHS),
]


@pytest.fixture(autouse=True)
def readers(settings: Settings) -> None:
    configure(settings, PROCEDURE_READERS=READERS, AGENT_MODEL="test")


def read(suffix: str, text: str) -> Procedure:
    return read_text(f"odd{suffix}", text)[-1]


@pytest.mark.parametrize(("suffix", "text", "words", "line"), EVERY)
def test_an_odd_file_is_refused_with_its_line(
    suffix: str, text: str, words: str, line: int | None
) -> None:
    with pytest.raises(ProcedureFileError) as refused:
        read(suffix, text)
    assert str(refused.value).startswith(words)
    assert refused.value.line == line


@pytest.mark.parametrize(
    ("suffix", "text", "result"),
    [
        (".yaml", json.dumps({"name": "x", "code": "return 1"}), 1),
        (".yaml", "name: x\rcode: return 'größe'\r", "größe"),
        (".yaml", "name: x\ncode: |\n  if true then\n  \treturn 1\n  end", 1),
        (".yaml", "name: x\nparams: {a: {input: textarea, rows: 8}}\ncode: return 1", 1),
        (".yaml", "name: x\nhitl: {p: }\ncode: return (Human.approve('p'))", True),
        (
            ".yaml",
            "name: x\ncode: |\n  return (Human.approve{message = 'x', context = {timout = 1}})",
            True,
        ),
        (".tac", "return 1\r", 1),
        (".tac", "Hitl {p = {message = 'Pay?'}}\nreturn (Human.approve('p'))", True),
        (".graph.yaml", "steps:\r  größe: {ask: 'Go?'}\r", {"größe": {"approved": True}}),
    ],
)
def test_an_unusual_file_works(suffix: str, text: str, result: object) -> None:
    run = run_procedure(read(suffix, text), humans=approve_all)
    assert run.error is None
    assert run.result == result if not isinstance(result, dict) else "größe" in run.result
