"""An MCP server over standard streams, as a program of its own: `python tests/calculator.py`."""

import os
from pathlib import Path

from mcp.server import MCPServer

server = MCPServer("calculator")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    if book := os.environ.get("CALLS"):
        with Path(book).open("a") as calls:
            calls.write(f"{a} + {b}\n")
    return a + b


@server.tool()
def divide(a: int, b: int) -> float:
    """Divide a number by another one."""
    return a / b


if __name__ == "__main__":
    server.run("stdio")
