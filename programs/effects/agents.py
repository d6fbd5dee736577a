"""Handlers for the effects llm_call and tool_calls, which use the models and tools of agents.

The handlers need the extra `agents`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from procedures.engine import Context
from programs.agents import Agent, Message, Reply, TextPart, ToolCall, ToolResult, UserMessage
from programs.agents.agent import USUAL_RETRY
from programs.agents.calls import Toolbox, do_calls
from programs.agents.model_edge import Request, ask_model
from programs.agents.tools import ToolSpec
from programs.effects.names import engine_name
from programs.effects.shapes import RunState
from programs.effects.visits import EffectError

Between = Callable[[Context, RunState, Mapping[str, Any]], dict[str, Any]]
OF_MODEL = ("temperature", "max_tokens", "top_p", "seed")
"""The parameters in the payload of an llm_call that are passed to the model as settings."""


def tool_calls(tools: Sequence[Any], *, name: str = "program") -> Between:
    """Return a handler for the effect tool_calls, which calls `tools`.

    `tools` are `Tool` objects, functions or procedures. Each call of a function is a step of the
    run. Before a tool with `needs="approval"` is called, people are asked "May `name` use the
    tool?"
    """
    agent = Agent(name, tools=tools)
    toolbox = Toolbox([one.spec for one in agent.tools], agent.by_name)

    def call_tools(ctx: Context, run: RunState, payload: Mapping[str, Any]) -> dict[str, Any]:
        calls = [_call(one, number) for number, one in enumerate(payload.get("tool_calls") or ())]
        results = do_calls(ctx, agent, toolbox, calls)
        return {"mode": "executed", "results": [_told(one) for one in results]}

    return call_tools


def llm_call(model: Any = None, *, name: str = "model", **options: Any) -> Between:
    """Return a handler for the effect llm_call, which asks a model in a step of the run.

    `model` is what `Agent` accepts: the name of a model, a model object, or a function that returns
    a model. With None, the site's setting AGENT_MODEL names the model. `options` are the options of
    the step.
    """

    def call_model(ctx: Context, run: RunState, payload: Mapping[str, Any]) -> dict[str, Any]:
        if not payload.get("prompt") and not payload.get("messages"):
            raise EffectError("The effect llm_call needs 'prompt' or 'messages' in its payload.")
        request = Request(
            name,
            model,
            _instructions(payload),
            _messages(payload),
            [_spec(one) for one in payload.get("tools") or ()],
            speaks=bool(payload.get("stream")),
            settings=_settings(payload.get("params") or {}),
        )
        step = {"retry": USUAL_RETRY, "timeout": "10 min", **options}
        reply = ctx.step(ask_model, request, name=engine_name(f"{run.current_node}.model"), **step)
        return _replied(reply)

    return call_model


def _replied(reply: Reply) -> dict[str, Any]:
    calls = [{"name": c.tool, "arguments": c.arguments, "call_id": c.id} for c in reply.calls]
    usage = {"prompt_tokens": reply.usage.input_tokens, "total_tokens": reply.usage.tokens}
    return {
        "content": reply.text,
        "tool_calls": calls,
        "model": reply.model,
        "usage": usage | {"completion_tokens": reply.usage.output_tokens},
        "finish_reason": reply.finish,
    }


def _settings(params: Mapping[str, Any]) -> dict[str, Any]:
    return {one: params[one] for one in OF_MODEL if params.get(one) is not None}


def _instructions(payload: Mapping[str, Any]) -> str:
    of_system = [one["content"] for one in payload.get("messages") or () if _is_system(one)]
    return "\n\n".join(filter(None, [payload.get("system_prompt"), *of_system]))


def _is_system(message: Mapping[str, Any]) -> bool:
    return message.get("role") == "system"


def _messages(payload: Mapping[str, Any]) -> tuple[Message, ...]:
    messages: Iterable[Message] = (
        _message(one) for one in payload.get("messages") or () if not _is_system(one)
    )
    prompt = payload.get("prompt")
    return (*messages, *([UserMessage(text=str(prompt))] if prompt else []))


def _message(one: Mapping[str, Any]) -> Message:
    text = str(one.get("content") or "")
    if one.get("role") == "assistant":
        return Reply(parts=(TextPart(text=text),), model="")
    return UserMessage(text=text)


def _spec(tool: Mapping[str, Any]) -> ToolSpec:
    parameters = tool.get("parameters") or {}
    if "type" not in parameters:
        parameters = {"type": "object", "properties": parameters}
    return ToolSpec(
        name=tool["name"], description=tool.get("description", ""), parameters=parameters
    )


def _call(call: Mapping[str, Any], number: int) -> ToolCall:
    call_id = str(call.get("call_id") or number)
    return ToolCall(id=call_id, tool=str(call.get("name")), arguments=call.get("arguments") or {})


def _told(result: ToolResult) -> dict[str, Any]:
    is_done = result.outcome == "done"
    content = {"call_id": result.call, "name": result.tool, "success": is_done}
    error = None if is_done else str(result.content)
    return {**content, "output": result.content if is_done else None, "error": error}
