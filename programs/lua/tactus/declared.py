"""The agents and tools that a .tac file declares. They are checked when the file is read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from procedures.engine import DefinitionError, ProcedureFileError
from procedures.engine.values.spelling import meant
from programs.agents import Tool
from programs.lua.primitives.options import shown, text_of
from programs.lua.schemas import checked_limit, declaration
from programs.lua.tactus.settings import check_agent

Settings = Mapping[str, Any]
MODEL_SETTINGS = ("max_tokens", "temperature", "tool_choice", "top_p")
"""The settings of an agent that are passed on to the agent's model unchanged."""
KNOWN = {
    *MODEL_SETTINGS,
    *("description", "initial_message", "max_turns", "name", "system_prompt", "tools"),
    *("disable_streaming", "model", "model_type", "provider"),
}
"""The settings that an agent can have.

`model` and `provider` are ignored, because the site chooses the model.
"""
OF_TOOLSET = {"description", "name", "tools"}
"""The settings that a toolset can have."""
DONE = {
    "description": "Ends the work.",
    "input": {"reason": {"type": "string", "description": "What was done"}},
}


@dataclass(frozen=True)
class DeclaredAgent:
    """An agent that a file declares, with the descriptions of its tools for models."""

    number: int
    """The number of the agent in the file, in the order of the declarations; the first has 1."""
    name: str
    declared: Settings
    """The agent's settings as the file contains them, with the full descriptions of the tools."""
    tools: Sequence[Tool] = ()

    @property
    def system_prompt(self) -> str:
        return text_of(self.declared.get("system_prompt"))

    @property
    def initial_message(self) -> str:
        return text_of(self.declared.get("initial_message"))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that are sent with each request to the agent's model."""
        return {name: self.declared[name] for name in MODEL_SETTINGS if name in self.declared}

    @property
    def most_turns(self) -> int | None:
        found: int | None = self.declared.get("max_turns")
        return found

    def without_tools(self) -> "DeclaredAgent":
        return replace(self, tools=(), declared={**self.declared, "tools": []})


@dataclass
class Declarations:
    """The agents, tools and toolsets that a file declares, in the order of their declarations."""

    agents: list[Settings] = field(default_factory=list)
    functions: list[Sequence[str]] = field(default_factory=list)
    """The names of each agent's settings whose values are functions, which is an error."""
    names: dict[int, str] = field(default_factory=dict)
    """The names of the agents, keyed by the numbers of the agents."""
    tools: dict[str, Settings] = field(default_factory=dict)
    toolsets: dict[str, Settings] = field(default_factory=dict)

    def declare(self, kind: Any, name: Any, value: Any, functions: Any) -> None:
        match kind:
            case "agent settings":
                self.agents.append(value or {})
                self.functions.append(functions or [])
            case "agent":
                self.names[value] = name
            case "tool":
                self.tools[name] = value or {}
            case "toolset":
                self.toolsets[name] = value or {}
                if unknown := sorted(set(self.toolsets[name]) - OF_TOOLSET):
                    words = f"A Toolset can't have {unknown[0]!r}."
                    raise ValueError(f"{words}{meant(unknown[0], OF_TOOLSET)}")

    def checked(self, lines: Sequence[int]) -> list[DeclaredAgent]:
        """Return the declared agents. `lines` are the line numbers of their declarations.

        Raises `ProcedureFileError`, with the line, for an invalid declaration.
        """
        return [
            self._agent(number, lines[number - 1] if number <= len(lines) else None)
            for number in range(1, len(self.agents) + 1)
        ]

    def _agent(self, number: int, line: int | None) -> DeclaredAgent:
        declared = self.agents[number - 1]
        name = self.names.get(number) or f"agent {number}"
        try:
            self._check_settings(name, declared, self.functions[number - 1])
            listed = list(self._tools(name, declared))
            tools = [_tool(tool, one) for tool, one in listed]
        except ProcedureFileError as error:
            words = f"A tool of the agent {name} can't be used. {error}"
            raise ProcedureFileError(words, line=error.line or line) from None
        except (DefinitionError, TypeError, ValueError) as error:
            raise ProcedureFileError(str(error), line=line) from None
        shown = [
            {"name": tool, "description": one.get("description"), "input": one.get("input") or {}}
            for tool, one in listed
        ]
        return DeclaredAgent(number, name, {**declared, "tools": shown}, tools)

    def _check_settings(self, name: str, settings: Settings, functions: Sequence[str]) -> None:
        if functions:
            words = f"The setting {functions[0]} of the agent {name} can't be a function."
            raise ValueError(words)
        if unknown := sorted(set(settings) - KNOWN):
            near = meant(unknown[0], KNOWN, at_least=0.8)
            words = f"The setting {unknown[0]} of the agent {name} isn't supported.{near}"
            raise ValueError(words)
        check_agent(name, settings)
        checked_limit(settings.get("max_turns"), f"max_turns of the agent {name}")

    def _tools(self, agent: str, settings: Settings) -> Iterator[tuple[str, Settings]]:
        """Yield the name and the settings of each tool of an agent, and of its toolsets."""
        for one in _listed(settings.get("tools"), f"tools of the agent {agent}"):
            if one in self.toolsets:
                yield from self._of_set(one)
            else:
                yield self._named(one, f"the agent {agent}")

    def _of_set(self, name: str) -> Iterator[tuple[str, Settings]]:
        for one in _listed(self.toolsets[name].get("tools"), f"tools of the toolset {name}"):
            if isinstance(one, dict):
                yield f"{name}_{text_of(one.get('name'))}", one
            else:
                inner, settings = self._named(one, f"the toolset {name}")
                yield f"{name}_{inner}", settings

    def _named(self, one: Any, of: str) -> tuple[str, Settings]:
        if not one:
            raise ValueError(f"A tool of {of} has no name. Assign it to a global name.")
        if one in self.tools:
            return one, self.tools[one]
        if one == "done":
            return one, DONE
        raise ValueError(f"The file declares no tool {text_of(one)!r} for {of}.")


@dataclass(frozen=True)
class Bounds:
    """The limits of a procedure, and the prompt for an agent's summary when the procedure ends."""

    most_turns: int | None
    most_depth: int | None
    return_prompt: str

    @classmethod
    def of(cls, settings: Settings, *, has_outputs: bool, has_agents: bool) -> "Bounds":
        """Return the bounds that the settings of a file contain.

        Raises `TypeError` or `ValueError` for an invalid setting; the message begins with the
        setting's name.
        """
        turns, depth = (checked_limit(settings.get(of), of) for of in ("max_turns", "max_depth"))
        prompt = settings.get("return_prompt") or ""
        if not isinstance(prompt, str):
            raise TypeError("return_prompt must be a string.")
        if prompt and has_outputs:
            raise ValueError(
                "return_prompt can't be used with outputs, because its result is a string."
            )
        if prompt and not has_agents:
            raise ValueError("return_prompt needs an agent that answers it.")
        return cls(turns, depth, prompt)


def _listed(value: Any, of: str) -> list[Any]:
    if not isinstance(value or [], list):
        raise TypeError(f"The {of} must be a list, not {value!r}.")
    return value or []


def handled_in_lua(arguments: Settings) -> None:
    """Raise an error: this function stands in for the function of a tool, which is Lua code."""
    raise AssertionError(arguments)


def _tool(name: str, settings: Settings) -> Tool:
    """Return a tool with the description that models get."""
    given = settings.get("input") or {}
    if not isinstance(given, dict):
        words = "must be a table with names, such as {order = field.string{}}"
        raise TypeError(f"The input of the tool {name} {words}, not {shown(given)}.")
    inputs = [
        declaration(one, given[one], None, of="argument", is_parameter=False) for one in given
    ]
    properties = {
        one.name: {
            "type": one.kind,
            **({"description": one.description} if one.description else {}),
            **({"enum": list(one.options)} if one.options else {}),
            **({"default": one.default} if one.default is not None else {}),
        }
        for one in inputs
    }
    schema = {
        "type": "object",
        "properties": properties,
        "required": [one.name for one in inputs if one.is_required],
        "additionalProperties": False,
    }
    description = text_of(settings.get("description")) or name
    return Tool(handled_in_lua, name=name, description=description, schema=schema)
