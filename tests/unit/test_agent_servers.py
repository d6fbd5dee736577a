"""Tools of a real MCP server over its standard streams: listed once, called as steps."""

import asyncio
import sys
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mcp import MCPError
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from procedures.engine import Context, DefinitionError, procedure
from procedures.testing import Answer, run_procedure, script
from programs.agents import Agent, ToolCall, ToolServer, ToolSpec, run_agent
from programs.agents.servers import SERVERS, ToolServerError, all_pages, call_tool, list_tools

PROGRAM = str(Path(__file__).parent.parent / "calculator.py")
CALLS = [
    ToolCallPart("add", {"a": 2, "b": 3}),
    ToolCallPart("divide", {"a": 1, "b": 0}),
    ToolCallPart("add", {"a": "two", "b": 3}),
]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "calls"
    SERVERS.clear()


def think(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    turn = sum(isinstance(one, ModelResponse) for one in messages)
    if turn == 0:
        return ModelResponse(parts=CALLS)
    found = [part for part in messages[-1].parts if part.part_kind == "tool-return"]
    told = "; ".join(f"{one.outcome} {one.content}" for one in found)
    return ModelResponse(parts=[TextPart(f"{[one.name for one in info.function_tools]} {told}")])


def test_its_tools_are_listed_once_and_called_as_steps_that_people_guard(book: Path) -> None:
    server = ToolServer(
        "calculator",
        [sys.executable, PROGRAM],
        needs_approval={"add"},
        environment={"CALLS": str(book)},
    )
    agent = Agent("agent", servers=[server], model=FunctionModel(think))

    @procedure(name="calculates")
    def calculate(ctx: Context) -> Any:
        return run_agent(ctx, agent, "Go").text

    people = script({"action": Answer({"a": 4}, by="ann")})
    run = run_procedure(calculate, humans=people)

    assert run.error is None, run.error
    assert run.result.startswith("['add', 'divide'] success {'result': {'result': 7}, 'note':")
    assert "divide: ToolServerError: Error executing tool divide" in run.result
    assert "failed Invalid arguments: $.a: 'two' is not of type 'integer'" in run.result
    assert book.read_text() == "4 + 3\n"
    [asked] = run.asked
    assert asked.question
    assert asked.question.evidence == {
        "step": "add",
        "function": "programs.agents.servers.call_tool",
        "server": "calculator",
        "tool": "add",
        "arguments": {"a": 2, "b": 3},
    }
    listed = [one for one in run.events if one.key == "calculator tools"]
    assert [one["name"] for one in listed[0].content["result"]] == ["add", "divide"]
    assert PROGRAM not in str(run.events)
    assert [one.name for one in list_tools("calculator", ["add"])] == ["add"]


ODD_CALLS = [
    *(ToolCallPart("docs_search_2", {"what": what}) for what in ("picture", "file", "link")),
    ToolCallPart("docs_search_2", {"what": "number"}),
    *(ToolCallPart(name, {}) for name in ("docs_search_2", "docs_search")),
]


@pytest.mark.usefixtures("book")
def test_tools_with_any_names_and_results_are_called() -> None:
    def search(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if len(messages) == 1:
            return ModelResponse(parts=ODD_CALLS)
        told = [getattr(part, "content", "") for part in messages[-1].parts]
        listed = [one.name for one in info.function_tools]
        return ModelResponse(parts=[TextPart(repr([listed, *told]))])

    command = [sys.executable, str(Path(PROGRAM).with_name("odd_tools.py"))]
    odd = ToolServer("odd", command, needs_approval={"docs.search"})
    agent = Agent("agent", servers=[odd], model=FunctionModel(search))

    @procedure(name="searches")
    def look(ctx: Context) -> str:
        return run_agent(ctx, agent, "Go").text

    run = run_procedure(look, humans=script({"action": True}))

    names, picture, file, link, number, dotted, plain = literal_eval(str(run.result))
    assert names[:2] == ["docs_search_2", "docs_search"]
    assert names[2].startswith("_1st_")
    assert (picture, file) == ("[image: image/png, not shown]", "Hello")
    assert link == "A: https://a.example/"
    assert number.startswith("The tool has returned a result that can't be stored: It contains NaN")
    assert (dotted, plain) == ("docs.search", "docs_search")
    assert [one.question.evidence["tool"] for one in run.asked if one.question] == 5 * [
        "docs.search"
    ]


@pytest.mark.usefixtures("book")
def test_a_server_that_cannot_be_started_is_an_error_without_its_command() -> None:
    ToolServer("gone", ["/nowhere/secret-program"])
    with pytest.raises(ToolServerError, match=r"^The tool server gone can't be started: No such"):
        list_tools("gone", None)
    ToolServer("quiet", ["/bin/false"])
    with pytest.raises(MCPError, match="Connection closed"):
        list_tools("quiet", None)


class Dying:
    """A client whose server dies while it answers a call."""

    error: Exception

    def __init__(self, _transport: object) -> None:
        pass

    async def __aenter__(self) -> "Dying":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def call_tool(self, _name: str, _arguments: object) -> object:
        raise self.error


@pytest.mark.parametrize("error", [BrokenPipeError(), ExceptionGroup("", [ConnectionResetError()])])
@pytest.mark.usefixtures("book")
def test_a_server_that_is_lost_during_a_call_may_have_carried_it_out(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("mcp.Client", type("Client", (Dying,), {"error": error}))
    ToolServer("shop", ["x"])

    with pytest.raises(
        ToolServerError,
        match=r"^The connection to the tool server shop was lost: \w+\. A call may have been",
    ):
        call_tool("shop", "refund", {})


def allow_all(call: ToolCall) -> str:
    return "It is harmless."


@pytest.mark.usefixtures("book")
def test_its_options_are_those_of_each_of_its_tools() -> None:
    server = ToolServer(
        "server",
        ["x"],
        tools={"add", "divide"},
        needs_approval=True,
        asking={"assign": "finance"},
        auto_approve=allow_all,
        options={"timeout": "30s"},
    )

    tool = server.tool(ToolSpec(name="add", parameters={"type": "object"}))

    assert (tool.needs, tool.asking, tool.options) == (
        "approval",
        {"assign": "finance"},
        {"timeout": "30s"},
    )
    assert tool.auto_approve is allow_all
    assert server.only(["add", "other"]).tools == ["add"]
    assert Agent("agent", servers=[server]).only("divide").servers[0].tools == ["divide"]


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: ToolServer("a server", ["x"]), "Invalid name"),
        (lambda: ToolServer("server", "x"), "must be a list"),
        (lambda: [ToolServer("server", [one]) for one in "xy"], "Two tool servers"),
    ],
)
@pytest.mark.usefixtures("book")
def test_what_cannot_work_is_refused_where_it_is_declared(declare: Any, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        declare()


def test_a_list_of_tools_that_never_ends_is_an_error() -> None:
    async def list_page(cursor: str | None) -> SimpleNamespace:
        return SimpleNamespace(tools=[], next_cursor="again")

    with pytest.raises(ToolServerError, match="never ends"):
        asyncio.run(all_pages(list_page))
