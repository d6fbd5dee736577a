"""Running an agent inside a procedure: request after request, until a reply has no tool calls."""

from collections.abc import Iterable, Sequence

from procedures.engine import Context, StepOptions
from programs.agents.agent import Agent, AgentResult
from programs.agents.calls import Toolbox, do_calls
from programs.agents.messages import Message, Reply, ToolResults, Usage, UserMessage
from programs.agents.model_edge import Request, ask_model
from programs.agents.servers import list_tools
from programs.agents.tools import ToolSpec


class Tools:
    """The descriptions of an agent's own tools, to pass to the step that records them."""

    def __init__(self, agent: Agent) -> None:
        self.specs = [one.spec for one in agent.tools]


def run_agent(
    ctx: Context,
    agent: Agent,
    prompt: str,
    *,
    history: Sequence[Message] = (),
    hears: bool = False,
) -> AgentResult:
    """Let an agent work on a prompt with its tools until it answers, and return the answer.

    Each request to the model is a step with the agent's name, and each call of a tool is a step
    with the tool's name. `history` is an earlier conversation, as in `AgentResult.messages`. With
    `hears`, the next request to the model contains what people have written to the run; the
    procedure then needs `listens=True`.

    Raises `AgentLimitError` if the agent needs more than its limits allow, and `StepFailedError` if
    the model can't be reached.
    """
    tools = _recorded_tools(ctx, agent)
    messages: list[Message] = [*history, UserMessage(text=prompt)]
    used = Usage()
    while True:
        if hears:
            messages += _heard(ctx)
        agent.limits.check(used)
        reply = _reply(ctx, agent, messages, tools.specs)
        messages.append(reply)
        used += reply.usage
        if not reply.calls:
            return AgentResult(text=reply.text, messages=tuple(messages), usage=used)
        results = do_calls(ctx, agent, tools, reply.calls)
        messages.append(ToolResults(results=tuple(results)))


def _reply(
    ctx: Context, agent: Agent, messages: Sequence[Message], tools: Sequence[ToolSpec]
) -> Reply:
    request = Request(
        agent.name,
        agent.model,
        agent.instructions,
        tuple(messages),
        tools,
        speaks=agent.speaks,
        settings=agent.settings,
    )
    return ctx.step(ask_model, request, name=agent.name, retry=agent.retry, timeout=agent.timeout)


def _heard(ctx: Context) -> Iterable[UserMessage]:
    return [UserMessage(text=f"{one.sender}: {one.text}") for one in ctx.inbox()]


def _recorded_tools(ctx: Context, agent: Agent) -> Toolbox:
    """Return the agent's tools with the descriptions that steps of the run have recorded.

    So the model gets the same descriptions in the whole run, even if the code has changed since.
    """
    kept: list[ToolSpec] = ctx.step(own_tools, Tools(agent), name=f"{agent.name} tools", pure=True)
    found = {one.name: agent.by_name.get(one.name) for one in kept}
    for server in agent.servers:
        only = None if server.tools is None else sorted(server.tools)
        name = f"{server.name} tools"
        patience: StepOptions = {"retry": agent.retry, "timeout": agent.timeout}
        for spec in ctx.step(list_tools, server.name, only, name=name, **patience):
            if spec.name not in found:
                kept.append(spec)
                found[spec.name] = server.tool(spec)
    return Toolbox(kept, {name: one for name, one in found.items() if one})


def own_tools(tools: Tools) -> list[ToolSpec]:
    """Return the descriptions of the agent's own tools.

    This function is the step that records them.
    """
    return tools.specs
