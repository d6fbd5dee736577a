"""The agents of a .tac file: each request to a model is a step, whose reply is kept."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from procedures.engine import Context, Handle, Received, Retry
from programs.lua.primitives.children import GUIDANCE
from programs.lua.primitives.keeping import Sessions
from programs.lua.primitives.options import text_of
from programs.lua.primitives.telling import written

NAMED = re.compile(r"\{([A-Za-z_][\w.]*)\}")
SHORTEST = 0.001
"""Seconds for which an agent waits for messages that aren't there."""
AGAIN = Retry(attempts=3, backoff="2s")
Message = dict[str, Any]


@dataclass(frozen=True)
class ToolCall:
    """A tool that a model calls."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AgentReply:
    """The reply of a model: its text, and the tools that it calls."""

    text: str = ""
    calls: Sequence[ToolCall] = ()


@dataclass(frozen=True)
class AgentRequest:
    """A request of an agent to its model."""

    agent: str
    settings: Mapping[str, Any]
    """The agent's declaration: its model, temperature, and tools with name, description, input."""
    messages: Sequence[Message]
    """The conversation: messages with a role and content, the results of tools at the end."""


Model = Callable[[AgentRequest], AgentReply]
"""A function that answers the requests of agents; it may raise any error, and is asked again."""


class Agents:
    """The agents of one turn, and what was said to them and by them."""

    def __init__(self, ctx: Context, model: Model, sessions: Sessions) -> None:
        self._ctx, self._model, self._sessions = ctx, model, sessions
        self._values: Mapping[str, Any] = {}
        self._said: dict[str, list[Message]] = {}
        self._guidance: Handle[Received[Any]] | None = None
        self.turns = 0

    def begin(self, inputs: Mapping[str, Any]) -> None:
        """Note the inputs of the run, which prompts name in braces."""
        self._values = inputs

    def ask(
        self, name: str, settings: Any = None, message: Any = None, is_first: Any = None
    ) -> dict[str, Any]:
        """Ask the agent's model, and return its text and its calls."""
        told: dict[str, Any] = settings if isinstance(settings, dict) else {}
        said = self._said.setdefault(name, [])
        if is_first:
            self.turns += 1
            self._begin_turn(said, told, message)
        prompt = self._filled(text_of(told.get("system_prompt")))
        messages = [{"role": "system", "content": prompt}, *self._session(), *said]
        request = AgentRequest(name, told, messages)
        reply = self._ctx.step(answer, self._model, request, name=f"agent {name}", retry=AGAIN)
        said.append({"role": "assistant", "content": reply["text"], "calls": reply["calls"]})
        return reply

    def note_result(self, name: str, tool: Any = None, result: Any = None) -> None:
        """Note what a tool has returned, for the next request."""
        message = {"role": "tool", "name": text_of(tool), "content": written(result)}
        self._said.setdefault(name, []).append(message)

    def _begin_turn(self, said: list[Message], told: Mapping[str, Any], message: Any) -> None:
        first = text_of(told.get("initial_message")) if not said else ""
        text = text_of(message) or self._filled(first)
        said += [{"role": "user", "content": text}] if text else []
        said += [{"role": "user", "content": one} for one in self._guided()]

    def _session(self) -> list[Message]:
        listed = self._sessions.history()
        return [{"role": one["role"].lower(), "content": one["content"]} for one in listed]

    def _guided(self) -> list[str]:
        """Return what the parent has sent by `Procedure.inject` since the last turn."""
        found: list[str] = []
        while self._ctx.parent_id:
            guidance = self._guidance or self._ctx.signal(GUIDANCE)
            # A status would miss what was sent before the run first looked.
            timer = self._ctx.timer(SHORTEST, reason="The agent looks for messages of its parent.")
            if self._ctx.wait_any(guidance, timer, keep_open=True) is timer:
                self._guidance = guidance
                break
            found.append(text_of(guidance.wait().value))
            self._guidance = None
        return found

    def _filled(self, text: str) -> str:
        """Return the text with the inputs and the state in place of their names in braces."""
        return NAMED.sub(lambda match: self._value(match[1], match[0]), text)

    def _value(self, name: str, otherwise: str) -> str:
        group, _, inner = name.partition(".")
        if group in ("input", "params") and inner in self._values:
            return written(self._values[inner])
        if group == "state" and inner in self._ctx.state:
            return written(self._ctx.state[inner])
        found = self._values.get(name, self._ctx.state.get(name))
        return otherwise if found is None else written(found)


def answer(model: Model, request: AgentRequest) -> dict[str, Any]:
    """Ask the model; the step of every request."""
    reply = model(request)
    calls = [{"name": one.name, "args": dict(one.args)} for one in reply.calls]
    return {"text": reply.text, "calls": calls}
