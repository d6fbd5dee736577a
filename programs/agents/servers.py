"""MCP servers, whose tools an agent can use.

Each step that uses a server starts a process of the server, and ends the process afterwards.
"""

import asyncio
import re
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Container,
    Coroutine,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from procedures.engine import DefinitionError, PublicError, StepOptions
from procedures.engine.kinds.request_options import RequestOptions
from procedures.engine.values import canonical
from programs.agents.tools import NAME, Rule, Tool, ToolSpec

T = TypeVar("T")
MOST_TOOLS, MOST_PAGES = 1_000, 100
LONGEST_NAME = 64
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
USUAL_TIMEOUT = "10 min"
NEEDED = "MCP servers need the package mcp. Install countersign[mcp]."


class ToolServerError(PublicError):
    """A tool server can't be used, or a call of one of its tools has failed."""


@dataclass(frozen=True)
class ToolServer:
    """A program that offers tools through the Model Context Protocol over its standard streams.

    Each step that lists or calls tools starts a new process of the program; the process ends with
    the step.
    """

    name: str
    command: Sequence[str]
    tools: Collection[str] | None = None
    """The names of the tools that the agent gets; None for all tools of the server."""
    needs_approval: Collection[str] | bool = ()
    """The names of the tools whose calls people must approve; True for all tools."""
    asking: RequestOptions = field(default_factory=RequestOptions)
    """The options of the questions by which people are asked to approve calls."""
    auto_approve: Rule | None = None
    options: StepOptions = field(default_factory=StepOptions)
    """The options of the steps that call the server's tools; by default, a call has ten minutes."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the program, in addition to those it always gets, such as PATH."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            words = "use up to 64 letters, digits, _ or -, beginning with a letter or _"
            raise DefinitionError(f"Invalid name of a tool server {self.name!r}: {words}.")
        if isinstance(self.command, str) or not self.command:
            words = "must be a list such as ['uvx', 'tool']"
            raise DefinitionError(
                f"command= of the tool server {self.name} {words}, not {self.command!r:.100}."
            )
        known = SERVERS.setdefault(self.name, self)
        if known._start != self._start:  # noqa: SLF001 (of the same class)
            raise DefinitionError(
                f"Two tool servers with different commands are named {self.name}."
            )

    @property
    def _start(self) -> tuple[list[str], dict[str, str]]:
        return list(self.command), dict(self.environment)

    def only(self, names: Collection[str]) -> "ToolServer":
        """Return a copy of the server that offers only the tools with these names."""
        known = names if self.tools is None else set(self.tools) & set(names)
        return replace(self, tools=sorted(known))

    def tool(self, spec: ToolSpec) -> Tool:
        """Return the server's tool that this description is about.

        The description is one of those that the server listed when the run first used the agent.
        """
        own = spec.of_server or spec.name
        asks = self.needs_approval is True or (
            self.needs_approval is not False and own in self.needs_approval
        )
        guarded: dict[str, Any] = (
            {"needs": "approval", "asking": self.asking, "auto_approve": self.auto_approve}
            if asks
            else {}
        )
        return Tool(
            partial(call_tool, self.name, own),
            name=spec.name,
            description=spec.description,
            schema=spec.parameters,
            options={"timeout": USUAL_TIMEOUT, **self.options},
            **guarded,
        )


SERVERS: dict[str, ToolServer] = {}
"""The tool servers in this process, by name.

The arguments of steps contain only the name of a server. So the command and the environment of a
server are neither shown as evidence nor stored in the journal.
"""


def list_tools(server: str, only: list[str] | None) -> list[ToolSpec]:
    """Return the descriptions of the tools that a server offers now."""
    return _within(server, _list(SERVERS[server], only))


def call_tool(server: str, tool: str, arguments: dict[str, Any]) -> Any:
    """Call a tool of a server, and return the tool's result.

    Raises `ToolServerError` if the tool fails.
    """
    return _within(server, _call(SERVERS[server], tool, arguments))


def _within(server: str, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of work with a server; raise the error itself if a group contains one."""
    try:
        return asyncio.run(work)
    except (OSError, ExceptionGroup) as error:
        found = _only_one(error)
        if isinstance(found, OSError):
            lost = f"The connection to the tool server {server} was lost: {_reason(found)}."
            found = ToolServerError(f"{lost} A call may have been carried out.")
        raise found from None


def _reason(error: OSError) -> str:
    """Return the reason without the path, because nothing that is stored names the command."""
    return error.strerror or type(error).__name__


def _only_one(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        [error] = error.exceptions
    return error


async def _list(server: ToolServer, only: list[str] | None) -> list[ToolSpec]:
    async with _client(server) as client:
        listed = await all_pages(client.list_tools)
    found, own = dict[str, ToolSpec](), {one.name for one in listed}
    for one in listed:
        if only is None or one.name in only:
            name = _callable_name(one.name, own | found.keys())
            spec = ToolSpec(
                name=name,
                description=one.description or "",
                parameters=one.input_schema,
                of_server="" if name == one.name else one.name,
            )
            found.setdefault(name, spec)
    return list(found.values())


def _callable_name(name: str, taken: Container[str]) -> str:
    """Return the name by which models call a tool of a server.

    Some servers use names that the providers of models refuse, such as `docs.search`.
    """
    plain = NOT_IN_NAMES.sub("_", name)
    if not NAME.fullmatch(plain):
        begun = plain if plain[:1].isalpha() else f"_{plain}"
        plain = f"{begun[: LONGEST_NAME - 9]}_{canonical.digest(name)[:8]}"
    if plain == name:
        return name
    numbers = (f"{plain[: LONGEST_NAME - 4]}_{number}" for number in range(2, MOST_TOOLS + 2))
    return next(one for one in (plain, *numbers) if one not in taken)


async def all_pages(list_page: Callable[..., Awaitable[Any]]) -> list[Any]:
    """Return the tools of all pages of a list.

    Raises `ToolServerError` if the list is too long or endless.
    """
    found, cursor = list[Any](), None
    for _ in range(MOST_PAGES):
        page = await list_page(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if len(found) > MOST_TOOLS:
            break
        if cursor is None:
            return found
    raise ToolServerError(f"The server lists more than {MOST_TOOLS} tools, or its list never ends.")


async def _call(server: ToolServer, tool: str, arguments: dict[str, Any]) -> Any:
    async with _client(server) as client:
        found = await client.call_tool(tool, arguments)
    text = "\n".join(map(_text_of, found.content))
    if found.is_error:
        raise ToolServerError(text or f"The tool {tool} has failed.")
    result = text if found.structured_content is None else found.structured_content
    try:
        canonical.text_of(result)
    except ValueError as error:  # the call has been made, so the model should read something
        return f"The tool has returned a result that can't be stored: {error}"
    return result


def _text_of(block: Any) -> str:
    """Return a part of a tool's result as text: a file's text, a link, or what isn't passed on."""
    match block.type:
        case "text":
            return str(block.text)
        case "resource" if hasattr(block.resource, "text"):
            return str(block.resource.text)
        case "resource_link":
            return f"{block.name}: {block.uri}"
    kind = getattr(block, "mime_type", None) or "binary data"
    return f"[{block.type}: {kind}, not shown]"


@asynccontextmanager
async def _client(server: ToolServer) -> AsyncIterator[Any]:
    """Start the server and yield a client for it; when the block ends, stop the server."""
    try:
        from mcp import Client, StdioServerParameters, stdio_client  # noqa: PLC0415 (an extra)
    except ImportError:
        raise ToolServerError(NEEDED) from None
    command, *arguments = server.command
    environment = dict(server.environment)
    start = StdioServerParameters(command=command, args=arguments, env=environment)
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(Client(stdio_client(start)))
        except OSError as error:
            words = f"The tool server {server.name} can't be started: {_reason(error)}."
            raise ToolServerError(words) from None
        yield client
