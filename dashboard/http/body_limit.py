"""A limit on the size of request bodies, which is checked before Django stores a body."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from django.template.loader import render_to_string

from dashboard.http.access_log import Application, Event, Receive, Scope, Send
from dashboard.http.addresses import is_of_api
from dashboard.http.content_security import policy_text
from procedures.conf import conf
from procedures.inputs import MEGABYTE, TooLargeError

FRAME = MEGABYTE
"""The number of bytes that a form may have in addition to a file of the largest allowed size."""
SECURITY_HEADERS = [
    (b"cache-control", b"private, no-store"),
    (b"content-security-policy", policy_text().encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
"""The headers that middleware sets on all other responses. Refused requests don't reach middleware.
"""
GONE: Event = {"type": "http.disconnect"}


class BodyLimit:
    """An ASGI wrapper that refuses large request bodies.

    Middleware couldn't do this, because Django has already read the body when it calls middleware.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        size = declared_size(dict(scope["headers"]))
        # The declared size is only the client's word; what comes is counted all the same.
        if size <= most_bytes():
            counted = CountedBody(receive)
            await self._application(scope, counted, send)
            size = counted.size
        if size > most_bytes():
            await refuse(scope, size, send)


class CountedBody:
    """The `receive` function of a request, which counts the bytes of the request's body.

    If the body has too many bytes, the function tells Django that the client has disconnected.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.size = 0

    async def __call__(self) -> Event:
        event = await self._receive()
        self.size += len(event.get("body", b""))
        # Only a disconnect stops Django while it reads a body, and Django doesn't answer it.
        return GONE if self.size > most_bytes() else event


def most_bytes() -> int:
    most: int = conf.MAX_UPLOAD_MB * MEGABYTE + FRAME
    return most


def declared_size(headers: Mapping[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() else 0


async def refuse(scope: Scope, size: int, send: Send) -> None:
    sentence = str(TooLargeError("The request", size))
    if is_of_api(scope["path"]):
        kind, text = "application/json", json.dumps({"detail": sentence})
    else:
        text = render_to_string("413.html", {"feedback": sentence})
        kind = "text/html; charset=utf-8"
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", b"%d" % len(text.encode())),
        *SECURITY_HEADERS,
    ]
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
