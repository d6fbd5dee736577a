"""Open pages' sockets in the test's own process: the ASGI application without a server."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings

from dashboard.live.consumer import hubs, serve_socket
from dashboard.live.hub import Hub

PATIENCE = 60


class LivePage:
    """A page whose socket is served by this process's hub. It may stop reading for a while."""

    def __init__(self, session_key: str = "", *, token: str = "") -> None:
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._reads, self.closed = asyncio.Event(), 0
        self._frames: deque[dict[str, Any]] = deque()
        cookie = f"{settings.SESSION_COOKIE_NAME}={session_key}".encode()
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        scope = {
            "type": "websocket",
            "headers": [(b"cookie", cookie), *headers],
            "client": ["192.0.2.7", 0],
        }
        self._reads.set()
        self._in.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(serve_socket(scope, self._in.get, self._take))

    async def _take(self, event: Any) -> None:
        await self._reads.wait()
        if event["type"] != "websocket.accept":
            await self._out.put(event)

    def stop_reading(self) -> None:
        self._reads.clear()

    def read_on(self) -> None:
        self._reads.set()

    def say(self, **message: Any) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    @property
    def has_heard(self) -> bool:
        return bool(self._frames) or not self._out.empty()

    async def hear(self) -> dict[str, Any]:
        """The next frame with its stream's name, the next other message, or the closing."""
        while not self._frames:
            event = await asyncio.wait_for(self._out.get(), PATIENCE)
            if event["type"] == "websocket.close":
                return {"closed": event["code"]}
            if event["type"] == "websocket.send":
                message = json.loads(event["text"])
                frames = message.pop("frames", [] if "newest" in message else [{}])
                self._frames.extend({**message, **frame} for frame in frames)
        return self._frames.popleft()

    async def give_up(self) -> None:
        """End as a server ends a socket's application that it gives up: without a disconnect."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@asynccontextmanager
async def own_hub() -> AsyncIterator[Hub]:
    """The hub of this event loop, which ends with everything that it began."""
    hub = hubs.setdefault(asyncio.get_running_loop(), Hub())
    try:
        yield hub
    finally:
        for socket in list(hub.sockets):
            hub.drop(socket)
        await hubs.pop(asyncio.get_running_loop()).close()
