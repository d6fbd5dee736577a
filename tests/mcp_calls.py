"""An agent that uses the site's MCP server, by the example of the document and the SDK's client."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from dashboard.environment.variables import CHECKOUT
from tests.documents import Page
from tests.processes import Site

DOCUMENT = CHECKOUT / "docs" / "mcp.md"
T = TypeVar("T")


def run_alone(work: Coroutine[Any, Any, T]) -> T:
    """Run in a thread of its own, because a browser's tests may have a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@cache
def document() -> dict[str, Any]:
    return Page(DOCUMENT).definitions


def call(site: Site, token: str, tool: str, **arguments: Any) -> Any:
    """Return a tool's result, by the document's example. A refusal raises `LookupError`."""
    return run_alone(document()["call"](f"{site.url}/mcp", token, tool, **arguments))


async def _tools(url: str, token: str, mode: str) -> dict[str, Any]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        return {one.name: one for one in (await client.list_tools()).tools}


def tools(site: Site, token: str, *, mode: str = "auto") -> dict[str, Any]:
    """The tools that a token is offered, by name; `legacy` begins with a handshake."""
    return run_alone(_tools(site.url, token, mode))
