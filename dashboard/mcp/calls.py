"""Calls of the site's own API, in this process, with the token of the agent's request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

from django.urls import NoReverseMatch, reverse

from dashboard.http.access_log import Application, Event, Scope

JSON = {"content-type": "application/json"}
NOTHING = "Not found, or you don't have access."
OF_THE_MESSAGE = {
    b"accept",
    b"accept-encoding",
    b"connection",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"cookie",
    b"idempotency-key",
    b"origin",
    b"referer",
    b"transfer-encoding",
}
"""The headers of an agent's request that aren't copied to the call of the API.

They describe the MCP message, or a browser and its user. The cookie is one of them, so that only
the token decides what the caller may do.
"""


class RefusedError(Exception):
    """The API has refused a call; its response says why."""

    def __init__(self, reply: "Reply") -> None:
        self.reply = reply
        super().__init__(reply.sentence)


@dataclass(frozen=True)
class Reply:
    """A response of the API."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body or b"null")

    @property
    def sentence(self) -> str:
        """The sentence of the API about a refusal, with the names of wrong inputs."""
        content = self.content if "json" in self.headers.get("content-type", "") else {}
        return str(content.get("detail") or f"{HTTPStatus(self.status).phrase}.")


@dataclass
class CollectedResponse:
    """An ASGI `send` that stores the response in its attributes."""

    status: int = HTTPStatus.INTERNAL_SERVER_ERROR
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def __call__(self, event: Event) -> None:
        if event["type"] == "http.response.start":
            self.status = event["status"]
            for name, text in event["headers"]:
                self.headers[name.decode().lower()] = text.decode("latin-1")
        else:
            self.body += event.get("body", b"")


class Api:
    """The site's API, called with the token of one request from an agent."""

    def __init__(self, requests: Application, scope: Scope) -> None:
        self._requests, self._scope = requests, scope

    async def get(self, route: str, *place: UUID | str, query: str = "") -> Any:
        """Return the JSON of the response to a GET request.

        Raises `RefusedError` if the API refuses the request.
        """
        reply = await self.send("GET", route, *place, query=query)
        return accepted(reply).content

    async def post(
        self, route: str, *place: UUID | str, content: Mapping[str, Any], key: str = ""
    ) -> Any:
        """Return the JSON of the response to a POST request; `key` is the idempotency key.

        Raises `RefusedError` if the API refuses the request.
        """
        body = json.dumps(content).encode()
        reply = await self.send("POST", route, *place, body=body, key=key)
        return accepted(reply).content

    async def send(
        self,
        method: str,
        route: str,
        *place: UUID | str,
        query: str = "",
        body: bytes = b"",
        key: str = "",
    ) -> Reply:
        """Return the response to a request, whatever its status is."""
        try:
            path = unquote(reverse(f"countersign:api:{route}", args=place))
        except NoReverseMatch:  # no name of anything
            return Reply(HTTPStatus.NOT_FOUND, JSON, json.dumps({"detail": NOTHING}).encode())
        own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if key:
            own.append((b"idempotency-key", key.encode()))
        passed = [pair for pair in self._scope["headers"] if is_passed_on(pair[0])]
        inner = {
            **self._scope,
            "method": method,
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": query.encode(),
            "headers": [*passed, *own],
        }
        collected, events = CollectedResponse(), iter([{"type": "http.request", "body": body}])

        async def receive() -> Event:
            return next(events, {"type": "http.disconnect"})

        await self._requests(inner, receive, collected)
        return Reply(collected.status, collected.headers, collected.body)


def is_passed_on(header: bytes) -> bool:
    name = header.lower()
    return name not in OF_THE_MESSAGE and not name.startswith((b"mcp-", b"if-"))


def accepted(reply: Reply) -> Reply:
    if reply.status >= HTTPStatus.BAD_REQUEST:
        raise RefusedError(reply)
    return reply
