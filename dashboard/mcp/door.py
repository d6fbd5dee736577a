"""The ASGI application that handles requests to the MCP server before any other application."""

import json
import logging
from http import HTTPStatus

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from dashboard.http.access_log import AccessLog, Application, Receive, Scope, Send
from dashboard.http.addresses import mcp_address
from dashboard.http.body_limit import SECURITY_HEADERS
from dashboard.http.socket_origin import fault_of
from dashboard.mcp.calls import Api, Reply
from dashboard.mcp.server import CALLER, Caller, server
from dashboard.models import Scope as TokenScope

LARGEST_MESSAGE = 1024 * 1024
"""The maximum number of bytes of one message to the server."""
PASSED_ON = ("www-authenticate", "retry-after")
"""The headers that are copied from a refusal by the API to the server's own refusal."""
logger = logging.getLogger(__name__)


class McpApplication:
    """An ASGI application that handles requests to the address of the MCP server.

    All other requests go to the application that it wraps. Every message is authorised by its own
    token and handled by a new MCP server. So nothing is kept between messages, and any web process
    can handle any of them.
    """

    def __init__(self, application: Application, requests: Application) -> None:
        self._application, self._requests = application, requests
        self._logged = AccessLog(requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != mcp_address():
            await self._application(scope, receive, send)
            return
        if scope["method"] != "POST":  # no stream is offered, and no session is kept
            words = {"detail": "Send MCP messages to this address with POST."}
            await refuse(send, HTTPStatus.METHOD_NOT_ALLOWED, words, {"allow": "POST"})
            return
        if fault := foreign_origin(scope):
            logger.warning("A message to the MCP server was refused: %s", fault)
            await refuse(send, HTTPStatus.FORBIDDEN, {"detail": f"Refused: {fault}"})
            return
        reply = await Api(self._requests, scope).send("GET", "get_token")
        if reply.status != HTTPStatus.OK:
            await refuse_as(reply, send)
            return
        await handle({**scope, CALLER: self._caller(reply, scope)}, receive, send)

    def _caller(self, reply: Reply, scope: Scope) -> Caller:
        token = reply.content
        api = Api(self._logged, scope)
        scopes = frozenset(map(TokenScope, token["scopes"]))
        return Caller(token["user"], token["program"], scopes, api)


async def handle(scope: Scope, receive: Receive, send: Send) -> None:
    """Handle one message.

    A new session manager is created for each message. A common one would have to be started and
    stopped by ASGI lifespan events, which the application doesn't get.
    """
    manager = StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=LARGEST_MESSAGE
    )
    async with manager.run():
        await manager.handle_request(scope, receive, send)  # type: ignore[arg-type]


def foreign_origin(scope: Scope) -> str:
    """Return why a page of another site may not send this message, or "" if its sender may.

    The site's own pages may send messages, and so may programs, whose requests have no header
    Origin.
    """
    headers = dict(scope["headers"])
    origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
    return fault_of(origin, host) if origin else ""


async def refuse_as(reply: Reply, send: Send) -> None:
    """Refuse a message because of its token, with the status and sentence of the API's refusal."""
    kept = {name: reply.headers[name] for name in PASSED_ON if name in reply.headers}
    await refuse(send, reply.status, {"detail": reply.sentence}, kept)


async def refuse(
    send: Send, status: int, content: dict[str, str], headers: dict[str, str] | None = None
) -> None:
    body = json.dumps(content).encode()
    own = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    pairs = [(name.encode(), text.encode("latin-1")) for name, text in own.items()]
    start = {"type": "http.response.start", "status": int(status)}
    await send({**start, "headers": [*pairs, *SECURITY_HEADERS]})
    await send({"type": "http.response.body", "body": body})
