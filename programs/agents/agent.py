"""Agents: a model, its instructions and its tools, and the result of a conversation with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict

from procedures.engine import DefinitionError, Duration, EngineError, PublicError, Retry
from procedures.engine.declaration.steps import options_of
from programs.agents.messages import Message, Usage
from programs.agents.servers import ToolServer
from programs.agents.tools import NAME, Tool, as_tool

USUAL_RETRY = Retry(attempts=4, backoff="2s", max_backoff="1 min", jitter=0.2)


class AgentLimitError(PublicError):
    """An agent needed more requests, tokens or money than its limits allow."""


@dataclass(frozen=True)
class AgentLimits:
    """The limits on what one call of `run_agent` may use, checked before each request to the model.

    Because nothing is checked after a request, the last request may exceed `tokens` and `cost`.
    `cost` is in US dollars. If `cost` is set and the price of the model isn't known, only one
    request is allowed.
    """

    requests: int = 25
    tokens: int | None = None
    cost: Decimal | str | None = None

    def __post_init__(self) -> None:
        _check_limit("requests", self.requests)
        if self.tokens is not None:
            _check_limit("tokens", self.tokens)
        try:
            is_amount = self.cost is None or Decimal(self.cost) > 0
        except (ArithmeticError, TypeError, ValueError):
            is_amount = False
        if not is_amount:
            raise DefinitionError(
                f'Invalid limit {self.cost!r:.50} for cost. Use an amount such as "2.50".'
            )

    def check(self, used: Usage) -> None:
        """Raise `AgentLimitError` if, after this use, no further request is allowed."""
        if used.requests >= self.requests:
            words = f"The agent has used {used.requests:,} of {self.requests:,} model requests."
            raise AgentLimitError(words)
        if self.tokens is not None and used.tokens >= self.tokens:
            raise AgentLimitError(f"The agent has used {used.tokens:,} of {self.tokens:,} tokens.")
        if self.cost is None:
            return
        if used.unpriced:
            raise AgentLimitError(
                "The price of the model isn't known, so the limit cost= can't be enforced. Use "
                "another model, or limit tokens= instead."
            )
        if used.cost >= Decimal(self.cost):
            raise AgentLimitError(f"The agent has used {used.cost} of {self.cost} US dollars.")


def _check_limit(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        words = f"Invalid limit {value!r:.50} for {name}"
        raise DefinitionError(f"{words}. Use a whole number of at least 1.")


@dataclass(frozen=True)
class Agent:
    """A model with instructions and tools. `run_agent` lets the agent work inside a procedure."""

    name: str
    """The name of the agent, and of each step that sends a request to the agent's model."""
    instructions: str = ""
    tools: Sequence[Any] = ()
    """`Tool` objects, plain functions, or procedures."""
    servers: Sequence[ToolServer] = ()
    """MCP servers: the agent gets their tools in addition to `tools`."""
    model: Any = None
    """A name such as "anthropic:claude-sonnet-4-5", a model object of pydantic-ai, or a function.

    The function takes no arguments and returns a model; it is called for each request. With None,
    the agent uses the model that the site's setting AGENT_MODEL names.
    """
    limits: AgentLimits = field(default_factory=AgentLimits)
    retry: Retry = USUAL_RETRY
    """The retry policy of requests to the model.

    Nothing below the step retries, neither pydantic-ai nor HTTP.
    """
    timeout: Duration = "10 min"
    """The maximum duration of one request to the model."""
    speaks: bool = True
    """True if people see the model's text in the chat while the model is still writing it."""
    at_once: bool = True
    """True if all tool calls of a reply run as branches. Then an approval delays only one call."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of pydantic-ai for each request, such as {"temperature": 0}."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            words = "use up to 64 letters, digits, _ or -, beginning with a letter or _"
            raise DefinitionError(f"Invalid agent name {self.name!r}: {words}.")
        try:
            options_of({"retry": self.retry, "timeout": self.timeout})
        except EngineError as error:
            raise DefinitionError(
                f"The options of agent {self.name} can't be used: {error}"
            ) from None
        object.__setattr__(self, "tools", tuple(map(as_tool, self.tools)))
        names = [one.name for one in self.tools]
        if twice := {name for name in names if names.count(name) > 1}:
            raise DefinitionError(f"Agent {self.name} has two tools named {', '.join(twice)}.")

    @cached_property
    def by_name(self) -> dict[str, Tool]:
        return {one.name: one for one in self.tools}

    def only(self, *names: str) -> "Agent":
        """Return a copy of the agent that has only the tools with these names.

        A child run may get such a copy. Raises `DefinitionError` if the agent has no tool with one
        of these names.
        """
        of_servers = {name for one in self.servers for name in one.tools or ()}
        if unknown := set(names) - self.by_name.keys() - of_servers:
            named = ", ".join(sorted(unknown))
            words = "Agent.only can select only tools that the agent has."
            raise DefinitionError(f"Agent {self.name} has no tool named {named}. {words}")
        servers = [one.only(names) for one in self.servers]
        tools = [one for name, one in self.by_name.items() if name in names]
        return replace(self, tools=tools, servers=[one for one in servers if one.tools])


class AgentResult(BaseModel):
    """The agent's answer, and the conversation from the prompt to this answer."""

    model_config = ConfigDict(frozen=True)
    text: str
    messages: tuple[Message, ...]
    """The whole conversation. To continue it later, pass it to `run_agent` as `history=`."""
    usage: Usage
    """The number, the tokens and the price of the requests that this call of `run_agent` made."""


def names_of(tools: Iterable[Tool]) -> str:
    """Return the names of the tools, separated by commas, or "none"."""
    return ", ".join(one.name for one in tools) or "none"
