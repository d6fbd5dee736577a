"""Agents of .tac files on a model as any agent has one: their steps, their limits, refusals."""

from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pytest_django import Settings

from procedures.engine import ProcedureFileError
from procedures.testing import crash_test, run_procedure
from programs.lua import read_tactus
from programs.lua.tactus import SiteModel
from tests.configured import configure
from tests.programs.lua.shown import people

CLERK = """
Toolset "people" {tools = {{
  name = "ask", description = "Asks a person.",
  input = {question = field.string{required = true, description = "What to ask"}},
  handler = function(args) return {said = Human.approve({message = args.question})} end,
}}}

clerk = Agent {
  model = "elsewhere/large", temperature = 0, system_prompt = "You check {input.order}.",
  tools = {"people"},
}

Procedure {
  input = {order = field.string{default = "A-7"}},
  function(input)
    MessageHistory.inject_system("It is Monday.")
    local reply = clerk("Is it all right?")
    return reply.output .. " " .. tostring(Tool.last_result("people_ask").said)
  end,
}
"""
seen: list[tuple[list[ModelMessage], AgentInfo]] = []


def think(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Call the tool wrongly, a tool that isn't there, then the tool; then say what came back."""
    seen.append((messages, info))
    tried = sum(isinstance(one, ModelResponse) for one in messages)
    calls = [
        [_call("people_ask", {"q": 1}, "a"), _call("call", "not JSON", "b")],
        [_call("people_ask", {"question": "Ship it?"}, "c")],
    ]
    if tried < len(calls):
        return ModelResponse(parts=list(calls[tried]))
    return ModelResponse(parts=[TextPart(f"{messages[-1].parts[-1].content}")])  # type: ignore[union-attr]


def _call(tool: str, given: str | dict[str, Any], call: str) -> ToolCallPart:
    return ToolCallPart(tool, given, tool_call_id=call)


def says(*words: str) -> SiteModel:
    """A model that says one of these after another."""

    def speak(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
        said = sum(isinstance(one, ModelResponse) for one in messages)
        return ModelResponse(parts=[TextPart(words[said % len(words)])])

    return SiteModel(FunctionModel(speak))


def test_an_agent_of_a_file_runs_on_a_model_like_any_other() -> None:
    seen.clear()
    [check] = read_tactus("check.tac", CLERK, model=SiteModel(FunctionModel(think)))

    run = crash_test(check, humans=people).undisturbed

    assert run.result == '{"said": true} true'
    assert run.prompts == ["Ship it?"]
    first, info = seen[0]
    assert info.instructions == "You check A-7.\n\nIt is Monday."
    assert [part.content for one in first for part in one.parts] == ["Is it all right?"]  # type: ignore[union-attr]
    [tool] = info.function_tools
    assert (tool.name, tool.description) == ("people_ask", "Asks a person.")
    assert tool.parameters_json_schema["required"] == ["question"]
    assert tool.parameters_json_schema["properties"]["question"]["description"] == "What to ask"
    assert info.model_settings
    assert info.model_settings.get("temperature") == 0
    wrong, unknown = seen[1][0][-1].parts
    assert (wrong.outcome, unknown.outcome) == ("failed", "failed")  # type: ignore[union-attr]
    assert "'question' is a required property" in str(wrong)
    assert "There is no tool call. The tools are: people_ask." in str(unknown)


def test_what_a_site_s_model_costs_is_recorded(settings: Settings) -> None:
    configure(settings, AGENT_MODEL="test")
    [check] = read_tactus("check.tac", CLERK)
    run = run_procedure(check, humans=people)
    assert run.status == "succeeded"
    spent = [one.content["spent"] for one in run.events if one.content.get("spent")]
    assert sum(int(one["requests"]) for one in spent if "requests" in one) == 2


@pytest.mark.parametrize(
    ("setting", "of_agent", "turns"),
    [
        ("max_turns(2)", "", "The agents have taken all 2 turns of the run."),
        ("", ", max_turns = 3", "The agent worker has taken all 3 turns."),
    ],
)
def test_turns_are_limited(setting: str, of_agent: str, turns: str) -> None:
    text = f"""{setting}
    worker = Agent {{system_prompt = "Work."{of_agent}}}
    Procedure {{function() for round = 1, 4 do worker("Go on.") end end}}
    """
    run = run_procedure(read_tactus("work.tac", text, model=says("Yes."))[-1])
    assert run.error
    assert turns in run.error["message"]


def test_depth_is_limited() -> None:
    text = """
    max_depth(2)
    deeper = Procedure {
      input = {n = field.integer{required = true}},
      function(input) return Procedure.run("deep", {}) end,
    }
    Procedure {function() return deeper({n = 1}) end}
    """
    [deeper, deep] = read_tactus("deep.tac", text)
    assert (deeper.limits.depth, deep.limits.depth) == (2, 2)


SUMMED = """
return_prompt "Sum it up for {input.who}."
worker = Agent {system_prompt = "Work."}
Procedure {
  input = {who = field.string{default = "Ann"}, back = field.boolean{default = false}},
  function(input)
    worker("Begin.")
    if input.back then return "mine" end
  end,
}
"""


def test_a_return_prompt_makes_the_result_if_the_code_returns_none() -> None:
    [program] = read_tactus("sum.tac", SUMMED, model=says("Begun.", "In short."))
    assert crash_test(program).undisturbed.result == "In short."
    assert run_procedure(program, {"back": True}).result == "mine"


AGENT = "A = Agent {system_prompt = 'x'%s}\nProcedure {%s function() A() end}"


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        (
            AGENT % (", tools = {'none'}", ""),
            "The file declares no tool 'none' for the agent A.",
            1,
        ),
        (
            AGENT % (", tools = {Tool {function() end}}", ""),
            "A tool of the agent A has no name.",
            1,
        ),
        (AGENT % (", tools = 'none'", ""), "The tools of the agent A must be a list", 1),
        (AGENT % (", output = {}", ""), "The setting output of the agent A isn't supported.", 1),
        (AGENT % (", prepare = function() end", ""), "The setting prepare of the agent A can't", 1),
        (AGENT % (", max_turns = 0", ""), "max_turns of the agent A must be a whole number", 1),
        ("\n" + AGENT % ("", "max_turns = 'x',"), "max_turns must be a whole number", 3),
        ("max_depth(0)\nProcedure {function() end}", "max_depth must be a whole number", 1),
        ("return_prompt 'Sum.'\nProcedure {function() end}", "return_prompt needs an agent", 1),
        (
            "return_prompt 'S'\n" + AGENT % ("", "output = {a = field.string{}},"),
            "return_prompt",
            1,
        ),
        (
            "error_prompt 'Why?'\nProcedure {function() end}",
            "error_prompt isn't known. Remove it",
            1,
        ),
        (
            "t = Tool {input = {a = {type = 'date'}}, function() end}\n"
            + AGENT % (", tools = {t}", ""),
            "A tool of the agent A can't be used. The argument a has the type 'date'.",
            2,
        ),
    ],
)
def test_what_agents_cant_do_is_refused_with_its_line(text: str, words: str, line: int) -> None:
    with pytest.raises(ProcedureFileError) as refused:
        read_tactus("small.tac", text, model=says(""))
    assert str(refused.value).startswith(words)
    assert refused.value.line == line


def test_an_agent_that_is_declared_too_late_is_an_error() -> None:
    text = "Human.notify({message = 'Now.'})\nlate = Agent {system_prompt = 'x'}\nreturn late()"
    [program] = read_tactus("late.tac", text, model=says("Yes."))
    run: Any = run_procedure(program)
    assert "Declare all agents at the top of the file" in run.error["message"]
