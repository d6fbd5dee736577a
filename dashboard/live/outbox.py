"""The queue of messages that wait to be sent to a socket."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from dashboard.http.access_log import Send

MOST_QUEUED = 1_000_000
"""The maximum number of characters that wait to be sent to one socket.

Further messages are refused.
"""
GONE = 1006
"""The WebSocket close code that stands for a connection that has already ended."""
logger = logging.getLogger(__name__)


class Outbox:
    """A queue of messages to one socket, which refuses further messages while too many wait.

    A task sends the messages. The task exists only while messages wait.
    """

    __slots__ = (
        *("_close_code", "_has_refused", "_is_paused", "_queue", "_send", "_size"),
        "_task",
        "on_room",
    )

    def __init__(self, send: Send) -> None:
        self._send = send
        self.on_room: Callable[[], None] = _do_nothing
        """A function that is called once the queue is empty, if a message was refused before."""
        self._queue: deque[str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._size, self._close_code = 0, 0
        self._is_paused = self._has_refused = False
        _watch_buffer(send, self)

    def put(self, *texts: str, is_urgent: bool = False) -> bool:
        """Queue all these messages and return True; if they don't fit, queue none and return False.

        After a refusal, `on_room` is called once all queued messages have been sent. An urgent
        message is never refused for lack of room.
        """
        if self._close_code or not texts:
            return not texts
        size = sum(map(len, texts))
        if self._size and self._size + size > MOST_QUEUED and not is_urgent:
            self._has_refused = True
            return False
        self._queue = self._queue or deque()
        self._queue.extend(texts)
        self._size += size
        self._begin()
        return True

    def close(self, code: int, *texts: str) -> None:
        """Discard the queued messages, send `texts` as the last messages, and close the socket."""
        if not self._close_code:
            self._close_code, self._queue, self._is_paused = code, deque(texts), False
            self._size = sum(map(len, texts))
            self._begin()

    def stop(self) -> None:
        """Discard the queued messages, and send no more, because the connection has ended."""
        self._close_code, self._queue, self._size = self._close_code or GONE, None, 0
        if self._task:
            self._task.cancel()

    def _begin(self) -> None:
        if self._task is None and not self._is_paused:
            self._task = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._queue and not self._is_paused:
                text = self._queue.popleft()
                self._size -= len(text)
                await self._send({"type": "websocket.send", "text": text})
            if self._close_code:
                await self._send({"type": "websocket.close", "code": self._close_code})
        # Servers raise various errors for a socket that has just closed; its end is handled later.
        except Exception as error:  # noqa: BLE001
            logger.debug("A live socket couldn't be written to: %s", error)
            self._close_code, self._queue = self._close_code or GONE, None
        finally:
            self._task = None
        if not self._queue:
            self._queue = None
            self._tell_of_room()

    def _tell_of_room(self) -> None:
        if self._has_refused and not self._is_paused and not self._close_code:
            self._has_refused = False
            self.on_room()

    # The three methods by which Twisted tells a producer how full the buffer of its transport is.

    def pauseProducing(self) -> None:  # noqa: N802
        self._is_paused = True

    def resumeProducing(self) -> None:  # noqa: N802
        self._is_paused = False
        if self._queue:
            self._begin()
        else:
            self._tell_of_room()

    def stopProducing(self) -> None:  # noqa: N802
        self.stop()


def _watch_buffer(send: Any, outbox: Outbox) -> None:
    """Make daphne's transport tell an outbox when its buffer is full, and when it is empty again.

    With other servers, `send` waits while a client reads slowly. With daphne, `send` never waits:
    messages to a slow client fill the memory without a limit, and only the transport knows how much
    is in its buffer.
    """
    protocol: Any = next(iter(getattr(send, "args", ())), None)
    if hasattr(protocol, "registerProducer"):
        # The producer of the handshake, which has been over since the socket was accepted.
        protocol.unregisterProducer()
        protocol.registerProducer(outbox, True)  # noqa: FBT003


def _do_nothing() -> None:
    pass
