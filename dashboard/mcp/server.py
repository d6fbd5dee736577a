"""The MCP server itself: which tools a token may use, and what an agent is told of each call."""

import json
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp.types import Tool as ToolOut
from pydantic import ValidationError

from dashboard.mcp.calls import Api, RefusedError, Reply
from dashboard.mcp.tools import TOOLS, Tool
from dashboard.models import Scope
from procedures.engine.errors import InputError
from procedures.engine.values.faults import fault_of

CALLER = "countersign.caller"
"""The key under which the ASGI scope of a request holds its `Caller`."""
INSTRUCTIONS = (
    "Countersign asks people and waits for their answers, for seconds or weeks. ask_person returns"
    " at once with a handle; call get_request with it later to read the answer. If you don't know"
    " whether a call arrived, call again with the same idempotency_key: nobody is asked twice."
    " Which tools you have depends on the scopes of your token."
)
Context = ServerRequestContext[dict[str, Any], Any]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Caller:
    """The user, program and scopes of an agent's token, and the API called with that token."""

    user: str
    program: str
    scopes: frozenset[Scope]
    api: Api


async def list_tools(context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
    caller = caller_of(context)
    return ListToolsResult(
        tools=[described(one) for one in TOOLS.values() if one.may_be_used_with(caller.scopes)]
    )


def described(tool: Tool) -> ToolOut:
    hints = ToolAnnotations(
        read_only_hint=tool.is_reading,
        destructive_hint=False,
        idempotent_hint=True,
        open_world_hint=False,
    )
    return ToolOut(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.schema,
        annotations=hints,
    )


async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
    tool, caller = TOOLS.get(params.name), caller_of(context)
    if tool is None:
        known = ", ".join(one.name for one in TOOLS.values())
        raise MCPError(INVALID_PARAMS, f"There is no tool {params.name!r}. The tools are: {known}.")
    if not tool.may_be_used_with(caller.scopes):
        note_refusal(caller, tool, words := lacking(tool, caller))
        return failed(words)
    try:
        given = tool.arguments.model_validate(params.arguments or {})
        return succeeded(await tool.run(caller.api, given))
    except ValidationError as error:
        faults = [fault_of(one, one["loc"]) for one in error.errors()]
        return failed(f"The arguments don't fit. {InputError(faults)}")
    except RecursionError:
        return failed("The arguments are nested too deeply.")
    except RefusedError as error:
        if error.reply.status == HTTPStatus.FORBIDDEN:
            note_refusal(caller, tool, error.reply.sentence)
        return failed(advice(error.reply))


def caller_of(context: Context) -> Caller:
    assert context.request is not None
    found: Caller = context.request.scope[CALLER]
    return found


def lacking(tool: Tool, caller: Caller) -> str:
    needed, has = " or ".join(sorted(tool.scopes)), ", ".join(sorted(caller.scopes)) or "none"
    return (
        f"{tool.name} needs the scope {needed}. Your token has: {has}. A person can create a token"
        " with that scope on their profile page."
    )


def advice(reply: Reply) -> str:
    """Return why the API refused a call; if another try may succeed, add when to call again."""
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = reply.headers.get("retry-after", "60")
        return f"{reply.sentence} Call again after {seconds} seconds."
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{reply.sentence} Call again with the same arguments: nothing is done twice."
    return reply.sentence


def succeeded(result: dict[str, Any]) -> CallToolResult:
    text = TextContent(type="text", text=json.dumps(result, ensure_ascii=False))
    return CallToolResult(content=[text], structured_content=result)


def note_refusal(caller: Caller, tool: Tool, message: str) -> None:
    logger.warning(
        "Refused %s by the token %s of %s: %s", tool.name, caller.program, caller.user, message
    )


def failed(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=message)], is_error=True)


def schema_of(name: str) -> dict[str, Any] | None:
    tool = TOOLS.get(name)
    return tool.schema if tool else None


server: Server[dict[str, Any]] = Server(
    "countersign",
    version="1",
    title="Countersign",
    instructions=INSTRUCTIONS,
    get_tool_input_schema=schema_of,
    on_list_tools=list_tools,
    on_call_tool=call_tool,
)
