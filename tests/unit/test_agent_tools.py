"""Tools of agents: their arguments and schemas, the rules that allow calls, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic_ai.messages import ToolCallPart
from pydantic_ai.models.function import FunctionModel

from procedures.engine import Context, DefinitionError, procedure
from procedures.testing import Answer, run_procedure, script
from programs.agents import Agent, AgentLimits, Tool, ToolCall
from tests.agents import Scripted, told, with_agent
from tests.procedures.agents import pay_back

SHOUTED = ToolCallPart("shout", {"word": "hi"})


def shout(word: str) -> str:
    return word.upper()


def broken(word: str) -> str:
    raise ConnectionError(f"no line for {word}")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (ToolCallPart("shout", {"word": "hi"}), "HI"),
        (ToolCallPart("shout", '{"word": "hi"}'), "HI"),
        (ToolCallPart("shout", {"word": 3}), "Invalid arguments: word: Input should be a valid"),
        (ToolCallPart("shout", {"words": "hi"}), "Invalid arguments: word: Field required"),
        (ToolCallPart("shout", "hi"), "Invalid arguments: hi is not a JSON object."),
        (ToolCallPart("shout", '{"word": "\\ud800"}'), "is not a JSON object."),
        (ToolCallPart("shout", '{"word": NaN}'), "is not a JSON object."),
        (ToolCallPart("shout", '{"word": ' + "[" * 2000 + "}"), "is not a JSON object."),
        (ToolCallPart("wh\ud800\0r", {}), "There is no tool"),
        (ToolCallPart("whisper", {}), "There is no tool 'whisper'. The tools are shout, broken."),
        (
            ToolCallPart("broken", {"word": "hi"}),
            "The tool failed: broken: ConnectionError: no line for hi",
        ),
    ],
)
def test_a_model_is_told_what_became_of_its_call(call: ToolCallPart, words: str) -> None:
    assert words in told([shout, broken], call)


def consult(ctx: Context, question: str) -> str:
    return ctx.ask(question).value


async def consult_later(ctx: Context, question: str) -> str:
    return ctx.ask(question).value


def test_a_question_that_cant_be_asked_is_for_the_model_to_read() -> None:
    assert told([consult], ToolCallPart("consult", {"question": " "})) == (
        "The tool failed: The prompt of a question must be a string that isn't empty, not ' '."
    )
    long = told([consult], ToolCallPart("consult", {"question": "long " * 1000}))
    assert "The prompt has 4,999 characters; the limit is 1,000" in long
    with pytest.raises(DefinitionError, match="consult_later gets the context, so it can't be asy"):
        Tool(consult_later)


def take(arguments: dict[str, Any]) -> str:
    return "taken"


def paint(ctx: Context, arguments: dict[str, Any]) -> str:
    return ctx.ask(f"{sorted(arguments)}?").value


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({"arguments": 5}, {"tool": "paint", "arguments": 5}),
        ({"tool": "look"}, {"tool": "paint", "arguments": {"tool": "look"}}),
    ],
)
def test_no_argument_hides_the_tool_or_fails_the_run(
    arguments: dict[str, Any], shown: dict[str, Any]
) -> None:
    tool = Tool(paint, needs="approval", schema={"type": "object"})
    call = ToolCallPart("paint", arguments)
    agent = Agent("agent", tools=[tool], model=FunctionModel(Scripted(call)))

    run = run_procedure(with_agent(agent), humans=lambda one: "x" if one.kind == "input" else True)

    assert run.error is None
    opened = next(one.content for one in run.events if one.kind == "wait.opened")
    assert opened["evidence"] == shown


@pytest.mark.parametrize(
    ("word", "told_of_it"),
    [
        ({"type": "integer"}, "Invalid arguments: $.word: 'aaa"),
        # Matched as Python does, this would take minutes.
        ({"pattern": "^(a+)+$"}, "Invalid arguments: $.word: 'aaa"),
        ({"pattern": "(?=a)"}, "taken"),
        ({"$ref": "http://localhost:1/secret"}, "taken"),
        ({"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}, "taken"),
        ({"type": "nonsense"}, "The schema of the tool can't be used: UnknownType"),
        ({"$ref": "#"}, "Invalid arguments: "),
    ],
)
def test_the_schema_of_a_foreign_tool_is_followed_as_far_as_that_is_safe(
    word: dict[str, Any], told_of_it: str
) -> None:
    schema = {"type": "object", "properties": {"word": word}}
    tool = Tool(take, schema=schema)

    assert told_of_it in told([tool], ToolCallPart("take", {"word": "a" * 40 + "b"}))


def is_small(call: ToolCall) -> str:
    return "at most 50 €" if Decimal(call.arguments["amount"]) <= 50 else ""


@pytest.mark.parametrize(("amount", "asked"), [("31.20", 0), ("90", 1)])
def test_a_rule_allows_calls_and_its_ruling_is_a_step(amount: str, asked: int) -> None:
    call = ToolCallPart("pay_back", {"order": "A-7", "amount": amount})
    tool = Tool(pay_back, needs="approval", auto_approve=is_small)
    agent = Agent("agent", tools=[tool], model=FunctionModel(Scripted(call)))

    run = run_procedure(with_agent(agent), humans=script({"action": True}))

    assert len(run.asked) == asked
    assert ("Allowed by rule: at most 50 €" in str(run.result)) is not bool(asked)
    ruling = next(one for one in run.events if one.key == "pay_back rule")
    assert ruling.content["result"] == {
        "is_allowed": not asked,
        "reason": "" if asked else "at most 50 €",
        "rule": "is_small",
    }


@procedure
def count_up(ctx: Context, start: int) -> int:
    """Count one further."""
    return start + 1


def set_colour(ctx: Context, arguments: dict[str, Any]) -> str:
    ctx.state["colour"] = arguments["name"]
    return f"It is {arguments['name']} now."


COLOUR = {
    "type": "object",
    "properties": {"name": {"type": "string", "enum": ["blue", "red"]}},
    "required": ["name"],
}


@pytest.mark.parametrize(
    ("tool", "given", "words"),
    [
        (count_up, {"start": 4}, "5"),
        (count_up, {"start": "x"}, "Invalid arguments: start"),
        (Tool(set_colour, schema=COLOUR), {"name": "blue"}, "It is blue now."),
        (Tool(set_colour, schema=COLOUR), {"name": "green"}, "'green' is not one of"),
    ],
)
def test_procedures_and_parts_of_the_procedure_are_tools(
    tool: Any, given: dict[str, Any], words: str
) -> None:
    name = tool.name

    assert words in told([tool], ToolCallPart(name, given))


def test_a_guarded_part_of_the_procedure_runs_with_the_values_that_people_choose() -> None:
    tool = Tool(set_colour, schema=COLOUR, needs="approval", prompt="Paint it {name}?")
    model = FunctionModel(Scripted(ToolCallPart("set_colour", {"name": "blue"})))
    code = with_agent(Agent("agent", tools=[tool], model=model))

    run = run_procedure(code, humans=script({"action": Answer({"name": "red"})}))

    assert run.prompts == ["Paint it blue?"]
    assert "It is red now." in str(run.result)


def test_arguments_that_only_the_tool_can_read_are_approved_as_they_are() -> None:
    tool = Tool(count_up, needs="approval", prompt="Count?")
    model = FunctionModel(Scripted(ToolCallPart("count_up", {"start": "4"})))
    code = with_agent(Agent("agent", tools=[tool], model=model))

    run = run_procedure(code, humans=script({"action": True}))

    assert (run.prompts, run.result) == (["Count?"], "5")


def guarded(**options: Any) -> Tool:
    return Tool(shout, needs="approval", **options)


def later(call: ToolCall) -> Any:
    return iter([call])  # as true as the coroutine of an `async` function


def test_a_rule_that_returns_something_else_allows_nothing() -> None:
    words = told([guarded(auto_approve=later)], ToolCallPart("shout", {"word": "hi"}))

    assert "The rule later must return True, False or a reason" in words


def test_a_prompt_whose_format_does_not_fit_shows_the_value_as_it_is() -> None:
    tool = guarded(prompt="Shout {word:.2f}, please?")
    agent = Agent("agent", tools=[tool], model=FunctionModel(Scripted(SHOUTED)))

    run = run_procedure(with_agent(agent), humans=lambda _: True)

    assert run.prompts == ["Shout hi, please?"]


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: Tool(lambda: None), "Invalid tool name '<lambda>'"),
        (lambda: Tool(lambda word: None, name="x", needs="approval"), "can't need an approval"),
        (lambda: Tool(shout, needs="blessing"), "must be 'approval'"),  # type: ignore[arg-type]
        (lambda: Tool(shout, prompt="Shout?"), "work only with needs='approval'"),
        (lambda: Tool(print), "can't have the parameter"),
        (lambda: Tool(shout, options={"timeout": "soon"}), "can't be used: timeout= of a step"),
        (lambda: guarded(asking={"expires": "soon"}), "can't be used: expires=: Invalid duration"),
        (lambda: guarded(asking={"asign": "x"}), "Did you mean 'assign'"),
        (lambda: guarded(prompt="Shout {loud}?"), "names loud, but the tool has no such argument"),
        (lambda: guarded(prompt="Shout {word.__class__}?"), "but the tool has no such argument"),
        (lambda: guarded(prompt="Shout {word?"), "can't be used: expected"),
        (lambda: AgentLimits(requests=0), "Invalid limit 0 for requests"),
        (lambda: AgentLimits(tokens=-1), "Invalid limit -1 for tokens"),
        (lambda: AgentLimits(cost="much"), "Invalid limit 'much' for cost"),
        (lambda: Agent("agent", timeout="soon"), "can't be used: timeout= of a step"),
        (lambda: Agent("an agent"), "Invalid agent name"),
        (lambda: Agent("agent", tools=[shout, shout]), "two tools named shout"),
        (lambda: Agent("agent", tools=["shout"]), "must be a function"),
    ],
)
def test_what_cannot_work_is_refused_where_it_is_declared(declare: Any, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        declare()
