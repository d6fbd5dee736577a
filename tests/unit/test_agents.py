"""Agents in memory: what they ask, do and are told, wherever their worker is killed."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.test import TestModel

from procedures.engine import Context, DefinitionError, Outcome, Retry, procedure
from procedures.testing import Answer, RehearsedRun, crash_test, run_procedure, say, script
from programs.agents import (
    Agent,
    AgentLimitError,
    AgentLimits,
    Reply,
    Usage,
    UserMessage,
    run_agent,
)
from programs.agents.model_edge import from_library, to_library
from tests.agents import Scripted, with_agent
from tests.procedures.agents import (
    answers_by_agent,
    calls_agent,
    find_order,
    looked_up,
    offline,
    paid,
    support,
)


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    forget()


def forget() -> None:
    paid.clear()
    looked_up.clear()


def outcome(run: RehearsedRun) -> Any:
    return run.status, run.result, run.prompts, {key: {*one} for key, one in paid.items()}


@pytest.mark.parametrize(
    ("said", "end", "amounts"),
    [
        (True, "pay_back success: 31.20 € paid back", {"31.20"}),
        (
            Answer(value=False, by="ann", comment="Too late."),
            "pay_back denied: ann denied this call: Too late.",
            set(),
        ),
        (
            Answer({"amount": "20"}, by="ann", comment="Half of it."),
            "'20 € paid back', 'note': \"ann changed amount from '31.20' to '20' before the"
            ' call was carried out (Half of it.)."',
            {"20"},
        ),
        (None, "Nobody allowed this call in time", set()),
    ],
)
def test_a_guarded_tool_does_once_what_people_allow_wherever_its_worker_is_killed(
    said: Any, end: str, amounts: set[str]
) -> None:
    people = script({"action": said})

    report = crash_test(answers_by_agent, humans=people, fresh=forget, outcome=outcome)

    run = report.undisturbed
    assert end in run.result
    assert run.prompts == ["Pay back 31.20 € for A-7?"]
    assert len(paid) == len(amounts)
    assert {str(amount) for one in paid.values() for _, amount in one} == amounts
    assert [one.key for one in run.events if one.kind == "step.succeeded"][:3] == [
        *("support tools", "support", "find_order")
    ]


def test_people_see_the_exact_arguments_and_the_step_names_its_approval() -> None:
    run = run_procedure(answers_by_agent, humans=script({"action": True}))

    [asked] = run.asked
    assert asked.question
    assert asked.question.evidence == {
        "step": "pay_back",
        "function": "tests.procedures.agents.pay_back",
        "order": "A-7",
        "amount": "31.20",
    }
    done = next(one for one in run.events if (one.kind, one.key) == ("step.succeeded", "pay_back"))
    assert done.content["approved_by"] == "approve pay_back"


def test_a_question_about_one_of_several_calls_delays_no_other() -> None:
    waiting = run_procedure(answers_by_agent, {"text": "all"}, humans=script({"*": None}))

    assert waiting.status == "waiting"
    assert looked_up == ["A-7"]
    assert sorted(waiting.prompts) == ["Pay back 31.20 € for A-7?", "Which colour?"]

    people = script({"input": "Blue", "action": False})
    report = crash_test(answers_by_agent, {"text": "all"}, humans=people, fresh=forget)
    assert report.undisturbed.result.startswith("ask_colleague success: Blue; pay_back denied")
    assert report.undisturbed.result.count("find_order success") == 1


def test_a_tool_of_an_agent_of_a_child_asks_and_keeps_its_answer() -> None:
    report = crash_test(calls_agent, humans=script({"input": "Blue"}), fresh=forget)

    assert report.undisturbed.result == "child: ask_colleague success: Blue"
    assert report.undisturbed.prompts == ["Which colour?"]


def test_what_a_model_writes_can_always_be_stored() -> None:
    def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        return ModelResponse(parts=[TextPart("a\ud800b\0")])

    run = run_procedure(with_agent(Agent("agent", model=FunctionModel(model), speaks=False)))

    assert run.result == "a\\ud800b␀"


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (AgentLimits(requests=1), "used 1 of 1 model requests"),
        (AgentLimits(tokens=10), "of 10 tokens"),
        (AgentLimits(cost="0.01"), "price of the model isn't known"),
    ],
)
def test_limits_are_checked_before_each_request(limits: AgentLimits, words: str) -> None:
    agent = Agent("agent", tools=[find_order], model=offline, limits=limits)

    run = run_procedure(with_agent(agent))

    assert run.error
    assert run.error["type"] == AgentLimitError.__name__
    assert words in run.error["message"]
    assert looked_up == ["A-7"]


def test_money_is_limited_where_prices_are_known() -> None:
    limits = AgentLimits(cost="0.10")

    limits.check(Usage(requests=3, cost=Decimal("0.0999")))
    with pytest.raises(AgentLimitError, match=r"0\.12 of 0\.10 US dollars"):
        limits.check(Usage(requests=3, cost=Decimal("0.12")))


def test_a_request_that_fails_is_retried_by_the_engine_alone() -> None:
    tries: list[int] = []

    def away(_: list[ModelMessage], __: AgentInfo) -> ModelResponse:
        tries.append(1)
        raise ConnectionError("The model is away.")

    agent = Agent("agent", model=FunctionModel(away), retry=Retry(3, backoff="1 min"))

    run = run_procedure(with_agent(agent))

    assert len(tries) == 3
    assert run.error
    assert "The model is away." in run.error["message"]


def sleep_over_it(ctx: Context) -> str:
    ctx.sleep("1 day")
    return "Good morning."


def test_an_agent_hears_what_people_write_meanwhile() -> None:
    model = Scripted(ToolCallPart("sleep_over_it", {}))
    agent = Agent("agent", tools=[sleep_over_it], model=FunctionModel(model))
    late = [say("Hurry up", after="1h", by="ann")]

    run = run_procedure(with_agent(agent, hears=True), says=late)

    assert run.result == "ann: Hurry up"


def test_a_conversation_goes_on_from_its_messages() -> None:
    @procedure(name="with_agent")
    def twice(ctx: Context) -> list[Any]:
        first = run_agent(ctx, Agent("agent", model=offline), "One")
        again = run_agent(ctx, Agent("agent", model=offline), "Two", history=first.messages)
        return [again.text, len(again.messages), again.usage.requests]

    assert run_procedure(twice).result == ["No tools, but: Two", 4, 1]


def test_the_test_model_of_the_library_calls_every_tool() -> None:
    run = run_procedure(
        with_agent(Agent("agent", tools=[find_order], model=TestModel())),
    )

    assert "31.20" in str(run.result)
    assert len(looked_up) == 1


def test_what_a_model_writes_is_posted_as_it_comes() -> None:
    run = run_procedure(answers_by_agent, humans=script({"action": True}))

    assert run.written == {
        "support": "I look the order up. ",
        "support#3": "pay_back success: 31.20 € paid back",
    }


def test_an_agent_keeps_the_tools_with_which_it_began() -> None:
    run = run_procedure(answers_by_agent, humans=script({"action": True}))

    kept = next(one for one in run.events if one.key == "support tools").content["result"]
    assert [one["name"] for one in kept] == ["find_order", "pay_back", "ask_colleague"]
    assert kept[1]["parameters"]["required"] == ["order", "amount"]


def test_an_agent_is_narrowed_and_never_widened() -> None:
    narrow = support.only("find_order")

    assert list(narrow.by_name) == ["find_order"]
    with pytest.raises(DefinitionError, match="pay_back"):
        narrow.only("pay_back")


KEPT: dict[str, Any] = {
    "kind": "reply",
    "version": 1,
    "parts": [
        {"kind": "thought", "text": "Hm.", "of_provider": {"signature": "s", "provider_name": "p"}},
        {"kind": "text", "text": "Let me look.", "of_provider": {}},
        {
            "kind": "call",
            "id": "1",
            "tool": "find_order",
            "arguments": {"order": "A-7"},
            "malformed": "",
            "of_provider": {},
        },
    ],
    "model": "some-model",
    "usage": {
        "requests": 1,
        "input_tokens": 5,
        "output_tokens": 7,
        "cost": "0.002",
        "unpriced": 0,
    },
    "finish": "tool_call",
}
"""A reply as journals of the first release hold it."""


def test_a_reply_of_the_first_release_is_read_and_sent_to_the_model_again() -> None:
    reply = Reply.model_validate(KEPT)

    request, response = to_library([UserMessage(text="Hi"), reply], "Be kind.")

    assert reply.model_dump(mode="json") == KEPT
    assert request.instructions == "Be kind."
    assert [part.part_kind for part in response.parts] == ["thinking", "text", "tool-call"]
    assert from_library(response).parts == reply.parts


def test_a_known_model_has_a_price() -> None:
    response = ModelResponse(parts=[TextPart("Hi")], model_name="gpt-4o", provider_name="openai")
    response.usage.input_tokens = 1000

    usage = from_library(response).usage

    assert (usage.tokens, usage.unpriced) == (1000, 0)
    assert usage.cost > 0


def test_an_edited_call_has_the_outcome_edited() -> None:
    run = run_procedure(answers_by_agent, humans=script({"action": {"amount": "20"}}))

    closed = [one for one in run.events if one.kind == "wait.closed"]
    assert [one.content["outcome"] for one in closed] == [Outcome.EDITED]
    assert closed[0].content["value"]["values"] == {"order": "A-7", "amount": "20"}
