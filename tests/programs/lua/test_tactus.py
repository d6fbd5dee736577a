"""Procedures in .tac files, and the specifications that they contain."""

from functools import partial
from pathlib import Path

import pytest

from procedures.engine import ProcedureFileError
from procedures.testing import RehearsedRun, crash_test, run_procedure, silent
from programs.lua import read_tactus
from programs.lua.errors import ProgramError
from programs.lua.tactus import AgentReply, AgentRequest, Scenario, ToolCall, scenarios_of
from programs.lua.tactus.reader import specifications_in
from tests.programs.lua.shown import examples, people, seen_of, text_of

NAME = "03-deploy.tac"
NOT_OFFERED = {
    "01-support-inbox-triage.tac": (16, "Classify"),
    "02-composite-fuzzy-then-llm.tac": (17, "Classify"),
    "03-model-primitive-sentiment.tac": (6, "Model"),
    "04-model-train-imdb-naive-bayes.tac": (24, "Model"),
    "05-model-train-imdb-hf-sequence-classifier.tac": (28, "Model"),
}
"""Tactus' examples of classifiers and trained models, with the line that is refused."""


def scenarios_in(name: str, text: str) -> list[Scenario]:
    return [one for told in specifications_in(name, text) for one in scenarios_of(told)]


def check(name: str, text: str, scenario: Scenario, folders: dict[str, str]) -> RehearsedRun:
    """Carry out a scenario under every crash, and return the undisturbed run."""
    program = read_tactus(name, text, model=scenario.model)[-1]
    choices = {"LUA_FOLDERS": folders}
    report = crash_test(program, scenario.inputs, humans=people, choices=choices)
    assert scenario.failures(seen_of(report.undisturbed)) == []
    return report.undisturbed


def test_agents_tools_files_and_procedures_of_a_file() -> None:
    text = text_of(NAME)
    [scenario] = scenarios_in(NAME, text)
    run = check(NAME, text, scenario, {})
    told = ["I ask first.", 3, "Deployed.", 8, "SYSTEM", "2", 1]
    assert run.result == {"app": "shop", "approved": True, "told": told}
    assert run.prompts == ["Deploy shop?", "Double 4?"]
    assert sorted(run.files) == ["servers.csv", "servers.json"]


def test_a_model_is_asked_with_the_conversation_and_the_tools() -> None:
    asked: list[AgentRequest] = []

    def model(request: AgentRequest) -> AgentReply:
        asked.append(request)
        call = ToolCall("people_ask", {"message": "Deploy?"})
        return AgentReply("First.", [call]) if len(asked) == 1 else AgentReply("Then.")

    program = read_tactus(NAME, text_of(NAME), model=model)[-1]
    run = run_procedure(program, {"app": "shop", "rounds": 1}, humans=people)

    assert run.error
    assert run.error["message"].startswith(f"{NAME}:67: attempt to index a nil value")
    first, second = asked
    assert [one["content"] for one in first.messages] == [
        *("Deploy shop.", "It is Monday.", "Please deploy shop to eu."),
    ]
    names = [tool["name"] for tool in first.settings["tools"]]
    assert names == ["people_ask", "count_servers", "done"]
    assert first.settings["tools"][0]["input"]["message"]["type"] == "string"
    assert second.messages[-1] == {
        "role": "tool",
        "name": "people_ask",
        "content": '{"approved": true}',
    }


def test_a_question_in_a_tool_waits_and_keeps_its_answer() -> None:
    [scenario] = scenarios_in(NAME, text_of(NAME))
    program = read_tactus(NAME, text_of(NAME), model=scenario.model)[-1]
    assert run_procedure(program, scenario.inputs, humans=silent).status == "waiting"


GUIDED = """
worker = Agent {system_prompt = "Work."}

child = Procedure {function()
  Sleep(60)
  return {first = worker("Begin.").output, second = worker("Go on.").output}
end}

Procedure {function()
  local id = Procedure.spawn("child", {})
  Procedure.inject(id, "Focus.")
  return Procedure.wait(id)
end}
"""


def test_a_child_s_agents_read_what_the_parent_injects() -> None:
    def model(request: AgentRequest) -> AgentReply:
        return AgentReply(" ".join(one["content"] for one in request.messages))

    program = read_tactus("guided.tac", GUIDED, model=model)[-1]
    found = crash_test(program).undisturbed.result
    assert found["first"] == "Work. Begin. Focus."
    assert found["second"] == "Work. Begin. Focus. Work. Begin. Focus. Go on."


def test_an_empty_table_is_the_default_of_a_list_or_of_an_object() -> None:
    text = "Procedure {input = {a = field.array{default = {}}, b = field.object{default = {}}}, %s}"
    [program] = read_tactus("empty.tac", text % "function(input) return input end")
    assert run_procedure(program).result == {"a": [], "b": {}}


ROWS = """
local csv = require("tactus.io.csv")
csv.write("a.csv", {{name = "Ann", ok = true, n = 1e15}})
return {File.read("a.csv"), select(2, pcall(csv.write, "b.csv", {"Ann"}))}
"""


def test_rows_are_tables_with_names() -> None:
    written, refused = run_procedure(read_tactus("rows.tac", ROWS)[-1]).result
    assert written == "n,name,ok\n1e+15,Ann,true\n"
    assert refused.startswith("The rows of a file must be a list of tables")


def test_the_file_makes_the_form_and_the_names() -> None:
    double, deploy = read_tactus(NAME, text_of(NAME), model=lambda _: AgentReply())
    assert (double.name, deploy.name, deploy.title) == (
        *("deploy.double", "deploy", "Deploy an application"),
    )
    assert deploy.roles == {"start": ("support",), "answer": ("finance",)}
    assert list(deploy.schema["properties"]) == ["app", "rounds"]
    assert deploy.doc == "Stages: asked → deployed."


@pytest.mark.parametrize(
    "code",
    [
        "local x = ('a'):rep(40):find(('a-'):rep(20) .. 'b')",
        "local x = ('a'):rep(40):find(('a?'):rep(30) .. ('a'):rep(40))",
        "local x = ('a'):rep(5):find(('a?'):rep(25) .. 'b')",
        "local x = ('a'):rep(20000):find('a*b')",
        "local x = ('('):rep(20000):find('%b()')",
        "for x in ('a'):rep(40):gmatch(('a*'):rep(20) .. 'b') do end",
        "table.move({}, 1, 2 ^ 60, 2)",
    ],
)
def test_no_function_of_c_takes_long_while_a_file_is_read(code: str) -> None:
    with pytest.raises((ProcedureFileError, ProgramError), match="While a file is read"):
        read_tactus("slow.tac", code)

    [found] = read_tactus("fine.tac", "return ('a-b'):gsub('([a-z-]+)%-([a-z-]+)', '%2-%1')")
    assert run_procedure(found).result == "b-a"
    quick = """
    local long = ("a "):rep(20000)
    local short, anchored = long:gsub("%s+", "%%"), long:find("^[a ]*b")
    return {#short, tostring(anchored)}
    """
    assert run_procedure(read_tactus("quick.tac", quick)[-1]).result == [40_000, "nil"]


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("\nA = Agent {model = 'x'}\nProcedure {function() A() end}", "The file's agents can't", 2),
        ("local m = Model 'x' {}", "Model isn't known.", 1),
        ("local x = require('tactus.io.excel')", "There is no module called", 1),
        (
            "\nHuman.approve({})\nProcedure {function() end}",
            "Before its Procedure, the file calls",
            2,
        ),
        ("Procedure {input = {a = {type = 'date'}}, function() end}", "The input a has", 1),
        ("Procedure {function() return 1 end", "'}' expected near <eof>.", 1),
        ("Tool.count('x')", "Tool.count isn't supported.", 1),
        ("local x\nlocal y = x.z", "attempt to index a nil value (local 'x')", 2),
        ("\nerror('No.')\nProcedure {function() end}", "No.", 2),
        ("\nerror({})", "table: ", 2),
        ("Procedure {function() end}\nProcedure {function() end}", "Two procedures of the file", 2),
        ("procedure('a', {}, print)\nprocedure('a', {}, print)", "Two procedures are called a.", 2),
        ("\nProcedure(5)", "A declaration takes a table such as {...}, not a number.", 2),
        (
            "Procedure {function() Human.approve({default = 'no'}) end}",
            "default of Human.approve must be true or false, not 'no'.",
            1,
        ),
        ("Procedure {roles = true, function() end}", "roles must be a table of groups", 1),
        ("\nToolset 'x' (5)", "A declaration takes a table such as {...}, not a number.", 2),
    ],
)
def test_what_isnt_offered_is_refused_with_its_line(text: str, words: str, line: int) -> None:
    with pytest.raises(ProcedureFileError) as refused:
        read_tactus("small.tac", text)
    assert str(refused.value).startswith(words)
    assert refused.value.line == line


@pytest.mark.parametrize("name", ["7.tac", "-.tac"])
def test_a_file_without_a_name_is_refused(name: str) -> None:
    with pytest.raises(ProcedureFileError, match="needs a letter"):
        read_tactus(name, "return 1")


def test_other_spellings_of_declarations() -> None:
    text = """
    agent("worker", {system_prompt = "Work."})
    tool("add", {description = "Adds."}, function(args) return args.a + args.b end)
    procedure("main", {output = {sum = field.number{required = true}}}, function()
      local reply = worker("Hello")
      return {sum = add({a = 1, b = 2}), reply = reply.output}
    end)
    """
    program = read_tactus("sums.tac", text, model=lambda _: AgentReply("Hi."))[-1]
    assert run_procedure(program).result == {"sum": 3}


SCRIPT = """
input {name = field.string{required = true}, tags = field.array{default = {}}}
output {words = {type = "string", required = true}}
local words = "Hello " .. input.name
if Human.approve({message = words .. "?"}) then words = words .. "!" end
return {words = words, more = 1}
"""


def test_a_script_declares_inputs_and_outputs() -> None:
    [script] = read_tactus("script.tac", SCRIPT)
    assert list(script.schema["properties"]) == ["name", "tags"]
    found = crash_test(script, {"name": "Ann"}, humans=lambda _: True).undisturbed
    assert found.result == {"words": "Hello Ann!"}

    text = "input {n = field.number{}}\nmain = Procedure {function(given) return given.n end}\n"
    [program] = read_tactus("main.tac", text)
    assert run_procedure(program, {"n": 7}).result == 7


def test_a_script_is_a_procedure_too() -> None:
    text = "local yes = Human.approve({message = 'Go?'})\nreturn yes and 'gone' or 'stayed'"
    [program] = read_tactus("go.tac", text)
    assert crash_test(program, humans=people).undisturbed.result == "gone"


def test_expectations_fail_where_they_should() -> None:
    text = """
    Scenario: All of them
      Then the output n should be 2
      And the output n should not be 1
      And the output n should exist
      And the output s should match pattern "^b"
      And the output should fuzzy match "nothing alike" with threshold 0.9
      And the done tool should be called
      And the done tool should be called exactly 2 times
      And the procedure should fail
      And the moon should be full
    """
    [scenario] = scenarios_of(text)
    [program] = read_tactus("small.tac", "Procedure {function() return {n = 1, s = 'ab'} end}")
    failures = scenario.failures(seen_of(run_procedure(program)))
    assert failures == [
        *("the moon should be full", "the output n should be 2", "the output n should not be 1"),
        *('the output s should match pattern "^b"',),
        'the output should fuzzy match "nothing alike" with threshold 0.9',
        *("the done tool should be called", "the done tool should be called exactly 2 times"),
        "the procedure should fail",
    ]


def test_of_their_files_few_are_refused() -> None:
    paths = [path for one in examples("TACTUS_EXAMPLES", "**/*.tac") for path in one.values if path]
    if not paths:
        pytest.skip("TACTUS_EXAMPLES names no checkout.")
    found = {path.name for path in paths}
    assert {*NOT_OFFERED} <= found
    assert len(found - {*NOT_OFFERED}) >= 19


@pytest.mark.parametrize("path", examples("TACTUS_EXAMPLES", "**/*.tac"))
def test_tactus_examples_by_their_own_specifications(path: Path) -> None:
    name, text = path.name, path.read_text()
    read = partial(read_tactus, name, text, model=lambda _: AgentReply())
    if name in NOT_OFFERED:
        line, what = NOT_OFFERED[name]
        with pytest.raises(ProcedureFileError, match=what) as refused:
            read()
        assert refused.value.line == line
        return
    scenarios = scenarios_in(name, text)
    assert scenarios
    for scenario in scenarios:
        check(name, text, scenario, {"data": str(path.parent / "data")})
