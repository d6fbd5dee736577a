"""The switch of the MCP server, and the place of the server in the ASGI application."""

from importlib.util import find_spec

from dashboard.http.access_log import Application
from procedures.conf import conf


def is_installed() -> bool:
    return find_spec("mcp") is not None


def is_on() -> bool:
    """Return True if the setting `MCP` is on and the package of the MCP server is installed."""
    return conf.MCP and is_installed()


def with_mcp(application: Application, requests: Application) -> Application:
    """Return the application with the MCP server in front of it, or unchanged if the server is off.

    `requests` is the part of the application that handles HTTP requests for pages and the API,
    which the MCP server calls.
    """
    if not is_on():
        return application
    # Here, because it imports a package that a site may not have.
    from dashboard.mcp.door import McpApplication  # noqa: PLC0415

    return McpApplication(application, requests)
