"""Each option of an agent and of its tools has an effect."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from procedures.engine import Context, DefinitionError, Retry
from procedures.testing import run_procedure, script
from programs.agents import Agent, Tool
from tests.agents import told, with_agent
from tests.procedures.agents import ask_colleague, offline


def seen_by(agent: Agent) -> AgentInfo:
    """Return what the model of the agent is told besides the messages."""
    seen: list[AgentInfo] = []

    def model(_: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        seen.append(info)
        return ModelResponse(parts=[TextPart("Done.")])

    run = run_procedure(with_agent(replace(agent, model=FunctionModel(model))))
    assert run.result == "Done."
    return seen[0]


def test_settings_reach_the_model_and_its_client_retries_nothing() -> None:
    settings: Any = seen_by(Agent("agent", settings={"temperature": 0.5})).model_settings

    assert settings == {"temperature": 0.5, "max_retries": 0}


def note(text: str) -> str:
    """Write a note."""
    return text


def test_a_description_replaces_the_docstring() -> None:
    tools = [note, Tool(note, name="other", description="Write another note.")]

    info = seen_by(Agent("agent", "Be brief.", tools))

    assert info.instructions == "Be brief."
    assert {one.name: one.description for one in info.function_tools} == {
        "note": "Write a note.",
        "other": "Write another note.",
    }


def test_the_timeout_is_that_of_the_step_of_a_request() -> None:
    with pytest.raises(DefinitionError, match="timeout= of a step: Invalid duration 'soon'"):
        Agent("agent", model=offline, timeout="soon")


def test_an_agent_that_does_not_speak_writes_nothing_into_the_chat() -> None:
    silent = run_procedure(with_agent(Agent("agent", model=offline, speaks=False)))

    assert silent.result == "No tools, but: Go"
    assert silent.written == {}
    assert run_procedure(with_agent(Agent("agent", model=offline))).written


def ask_size(ctx: Context) -> str:
    return str(ctx.ask("Which size?").value)


def test_calls_of_one_reply_are_made_one_after_another_if_not_at_once() -> None:
    def model(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
        if len(messages) > 1:
            return ModelResponse(parts=[TextPart("Done.")])
        question = {"question": "Which colour?"}
        return ModelResponse(
            parts=[ToolCallPart("ask_colleague", question), ToolCallPart("ask_size", {})]
        )

    def open_questions(*, at_once: bool) -> list[str]:
        tools = [ask_colleague, ask_size]
        agent = Agent("agent", tools=tools, model=FunctionModel(model), at_once=at_once)
        return run_procedure(with_agent(agent), humans=script({"*": None})).prompts

    assert open_questions(at_once=True) == ["Which colour?", "Which size?"]
    assert open_questions(at_once=False) == ["Which colour?"]


def test_a_tool_has_the_options_of_its_step() -> None:
    tries: list[str] = []

    def shaky(word: str) -> str:
        tries.append(word)
        if len(tries) == 1:
            raise ConnectionError("The line is down.")
        return word

    tool = Tool(shaky, options={"retry": Retry(2, backoff="1s")})

    assert told([tool], ToolCallPart("shaky", {"word": "hi"})) == "hi"
    assert tries == ["hi", "hi"]
