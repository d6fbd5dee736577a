"""An access log with one line per request.

The lines don't contain query strings, because these may hold secrets.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from django.conf import settings

Event = Mapping[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)


class AccessLog:
    """An ASGI wrapper that logs each response, including those that middleware makes."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = noting_status(scope, send)
        await self._application(scope, receive, send)


def noting_status(scope: Scope, send: Send) -> Send:
    began = time.perf_counter()

    async def send_and_note(event: Event) -> None:
        await send(event)
        if event["type"] == "http.response.start" and is_logged(scope["path"], event["status"]):
            spent = (time.perf_counter() - began) * 1000
            # The server has decoded the path, so a line break in it would begin a forged line of
            # the log.
            path = quote(scope["path"], safe="/:@")
            logger.info("%s %s %s %.0f ms", scope["method"], path, event["status"], spent)

    return send_and_note


def is_logged(path: str, status: int) -> bool:
    """Return False for a static file that was found, because every page loads several of them."""
    return status >= HTTPStatus.BAD_REQUEST or not path.startswith(settings.STATIC_URL)
