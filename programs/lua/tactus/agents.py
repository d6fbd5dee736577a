"""The agents of a .tac file.

Each request to a model is a step, whose result is the model's reply.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from procedures.engine import Context, Retry
from programs.agents import Message, Reply, TextPart, ToolResult, ToolResults, UserMessage
from programs.agents import ToolCall as Called
from programs.agents.tools import ArgumentsError
from programs.lua.errors import TurnLimitError
from programs.lua.primitives.children import GUIDANCE
from programs.lua.primitives.keeping import Sessions
from programs.lua.primitives.options import text_of
from programs.lua.primitives.telling import written
from programs.lua.tactus.declared import DeclaredAgent
from programs.lua.tactus.site_model import SiteModel

NAMED = re.compile(r"\{([A-Za-z_][\w.]*)\}")
AGAIN = Retry(attempts=3, backoff="2s")


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool that a model asks for."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AgentReply:
    """The reply of a model: a text, and the calls of tools that the model asks for."""

    text: str = ""
    calls: Sequence[ToolCall] = ()


@dataclass(frozen=True)
class AgentRequest:
    """A request that an agent sends to its model."""

    agent: str
    settings: Mapping[str, Any]
    """The settings in the agent's declaration, such as `temperature`.

    `tools` is a list of the agent's tools, each with `name`, `description` and `input`.
    """
    messages: Sequence[dict[str, Any]]
    """The conversation so far: dicts with a `role` and a `content`, oldest first."""


Model = Callable[[AgentRequest], AgentReply]
"""A function that takes the place of a model. If it raises an error, it is called again later."""


class Agents:
    """The agents of a program, each with its conversation."""

    def __init__(
        self,
        ctx: Context,
        model: Model | SiteModel,
        sessions: Sessions,
        declared: Sequence[DeclaredAgent],
        *,
        most_turns: int | None = None,
    ) -> None:
        self._ctx, self._model, self._sessions = ctx, model, sessions
        self._declared, self._most_turns = declared, most_turns
        self._values: Mapping[str, Any] = {}
        self._said: dict[int, list[Message]] = {}
        self._taken: dict[int, int] = {}
        self._last: int | None = None
        self.turns = 0

    def begin(self, inputs: Mapping[str, Any]) -> None:
        """Set the inputs of the run, which prompts can name in braces."""
        self._values = inputs

    def ask(self, number: Any, message: Any = None, is_first: Any = None) -> dict[str, Any]:
        """Send a request to the model of the agent with this number.

        The text and the tool calls of the model's reply are returned. With `is_first`, a turn of
        the agent begins with `message`.
        """
        agent = self._agent(number)
        if is_first:
            self._count_turn(agent)
            self._begin_turn(agent, message)
        reply = self._reply(agent)
        calls = [_call_of(one, agent) for one in reply.calls]
        return {"text": reply.text, "calls": calls}

    def note_result(
        self, number: Any, call: Any, tool: Any, result: Any = None, outcome: Any = "done"
    ) -> None:
        """Add the result of a tool to the conversation; the next request contains the result."""
        messages_so_far = self._said[number]
        result_message = ToolResult(call=call, tool=tool, outcome=outcome, content=written(result))
        last = messages_so_far[-1]
        if isinstance(last, ToolResults):
            messages_so_far[-1] = ToolResults(results=(*last.results, result_message))
        else:
            messages_so_far.append(ToolResults(results=(result_message,)))

    def summary(self, prompt: str) -> str | None:
        """Send the prompt to the agent that took the latest turn, and return that agent's reply.

        The agent can't call tools this time. If no agent has taken a turn, None is returned.
        """
        if self._last is None:
            return None
        agent = self._agent(self._last).without_tools()
        self._said[agent.number].append(UserMessage(text=self._filled(prompt)))
        return self._reply(agent).text

    def _agent(self, number: int) -> DeclaredAgent:
        if not 0 < number <= len(self._declared):
            raise ValueError(
                "An agent is declared too late. Declare all agents at the top of the file, before "
                "the first call of a function that works only in a run, such as Human.approve."
            )
        return self._declared[number - 1]

    def _count_turn(self, agent: DeclaredAgent) -> None:
        self.turns += 1
        self._last = agent.number
        taken = self._taken[agent.number] = self._taken.get(agent.number, 0) + 1
        if agent.most_turns is not None and taken > agent.most_turns:
            raise TurnLimitError(f"The agent {agent.name} has taken all {agent.most_turns} turns.")
        if self._most_turns is not None and self.turns > self._most_turns:
            raise TurnLimitError(f"The agents have taken all {self._most_turns} turns of the run.")

    def _reply(self, agent: DeclaredAgent) -> Reply:
        prompt, messages_so_far = self._filled(agent.system_prompt), self._said[agent.number]
        name = f"agent {agent.name}"
        if isinstance(self._model, SiteModel):
            session = self._sessions.history()
            reply = self._model.ask(self._ctx, agent, prompt, session, messages_so_far, name=name)
        else:
            first = {"role": "system", "content": prompt}
            messages = [
                first,
                *self._session(),
                *(plain for one in messages_so_far for plain in _plain(one)),
            ]
            request = AgentRequest(agent.name, agent.declared, messages)
            kept = self._ctx.step(answer, self._model, request, name=name, retry=AGAIN)
            reply = Reply.model_validate(kept)
        messages_so_far.append(reply)
        return reply

    def _begin_turn(self, agent: DeclaredAgent, message: Any) -> None:
        messages_so_far = self._said.setdefault(agent.number, [])
        first = agent.initial_message if not messages_so_far else ""
        text = text_of(message) or self._filled(first)
        messages_so_far += [UserMessage(text=text)] if text else []
        messages_so_far += [UserMessage(text=one) for one in self._guided()]

    def _session(self) -> list[dict[str, Any]]:
        listed = self._sessions.history()
        return [{"role": one["role"].lower(), "content": one["content"]} for one in listed]

    def _guided(self) -> list[str]:
        """Return the messages that the parent run has sent since the latest turn of an agent."""
        if not self._ctx.parent_id:
            return []
        return [text_of(one.value) for one in self._ctx.received(GUIDANCE)]

    def _filled(self, text: str) -> str:
        """Return the text with values in place of names in braces, such as {state.total}.

        The values are those of the run's inputs and of its state.
        """
        return NAMED.sub(lambda match: self._value(match[1], match[0]), text)

    def _value(self, name: str, otherwise: str) -> str:
        group, _, inner = name.partition(".")
        if group in ("input", "params") and inner in self._values:
            return written(self._values[inner])
        if group == "state" and inner in self._ctx.state:
            return written(self._ctx.state[inner])
        found = self._values.get(name, self._ctx.state.get(name))
        return otherwise if found is None else written(found)


def answer(model: Model, request: AgentRequest) -> Reply:
    """Call a function in place of a model, and return its reply. This function is a step."""
    found = model(request)
    before = sum(one["role"] == "assistant" for one in request.messages)
    text = [TextPart(text=found.text)] if found.text else []
    calls = [
        Called(id=f"{before}-{place}", tool=one.name, arguments=dict(one.args))
        for place, one in enumerate(found.calls)
    ]
    return Reply(parts=(*text, *calls), model="function")


def _call_of(call: Called, agent: DeclaredAgent) -> dict[str, Any]:
    """Return a tool call as a table for Lua.

    If the call can't be made, the table has the reason as `problem`.
    """
    content = {"id": call.id, "name": call.tool, "args": call.arguments}
    tool = next((one for one in agent.tools if one.name == call.tool), None)
    if tool is None:
        known = ", ".join(one.name for one in agent.tools) or "none"
        return {**content, "problem": f"There is no tool {call.tool}. The tools are: {known}."}
    if call.malformed:
        return {
            **content,
            "problem": f"Invalid arguments: {call.malformed:.200} isn't a JSON object.",
        }
    try:
        tool.read(call.arguments)
    except ArgumentsError as error:
        return {**content, "problem": f"Invalid arguments: {error}"}
    return content


def _plain(message: Message) -> list[dict[str, Any]]:
    """Return a message as the dicts that functions of the type `Model` get."""
    if isinstance(message, UserMessage):
        return [{"role": "user", "content": message.text}]
    if isinstance(message, Reply):
        calls = [{"name": one.tool, "args": one.arguments} for one in message.calls]
        return [{"role": "assistant", "content": message.text, "calls": calls}]
    return [{"role": "tool", "name": one.tool, "content": one.content} for one in message.results]
