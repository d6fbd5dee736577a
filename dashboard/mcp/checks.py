"""The check of the setting that turns the MCP server on."""

from typing import Any

from django.core.checks import CheckMessage, Warning  # noqa: A004 (Django's own name)

from dashboard.mcp.switch import is_installed
from procedures.conf import conf


def check_mcp(**_: Any) -> list[CheckMessage]:
    """Return a warning if the setting `MCP` is on but the package of the MCP server is missing."""
    if not conf.MCP or is_installed():
        return []
    words = "MCP is on, but the site has no MCP server: a package is missing."
    hint = "Install countersign[mcp], or remove MCP."
    return [Warning(words, hint=hint, id="dashboard.W002")]
