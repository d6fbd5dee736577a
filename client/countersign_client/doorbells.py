"""The live protocol as far as clients need it: a socket that says when to look again.

A client reads all data through the API. So it doesn't matter whether a message on the socket
arrives, and without a socket the client looks from time to time.
"""

import json
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import ConnectionClosed

from countersign_client.errors import CountersignError, NotAllowedError, NotFoundError

UNKNOWN_TOKEN, TOO_NARROW = 4401, 4403
MEANINGS = {
    UNKNOWN_TOKEN: NotAllowedError("The token is unknown or has expired.", status=401),
    TOO_NARROW: NotAllowedError("The token needs the scope “read”.", status=403),
}
REQUEST_OPENED = "wait.opened"
ENDED = frozenset({"run.succeeded", "run.failed", "run.cancelled"})

# This logger has its own level, because websockets would log the header with the token at DEBUG.
logger = logging.getLogger("countersign_client.sockets")
logger.setLevel(logging.INFO)


@dataclass
class Doorbell:
    """A stream of changes on the site, such as "run:…", and the number of the last known change."""

    stream: str
    seq: int = 0
    kinds: Collection[str] = ()
    """The kinds of changes for which `rings` returns True; if empty, all kinds."""
    has_gap: bool = False
    """True if the site left out some changes. The client then has to send `follow()` again."""

    def follow(self) -> str:
        """Return the message that asks the site to send all changes later than `seq`."""
        self.has_gap = False
        return json.dumps({"follow": self.stream, "form": "data", "after": self.seq})

    def rings(self, text: str | bytes) -> bool:
        """Read a message from the socket; return True if the client should now read from the API.

        The result is also True if the message can't be read, for example because a proxy has sent
        it. Raises `NotFoundError` or `NotAllowedError` if the site refuses to send the stream.
        """
        message = _read(text)
        if message is None:
            return True
        if "error" in message:
            raise NotAllowedError(str(message["error"]), status=403)
        if message.get("stream") != self.stream:
            return False
        if "denied" in message:
            raise NotFoundError(str(message["denied"]), status=404)
        self.has_gap = self.has_gap or "head" in message or "stale" in message
        has_rung = False
        for frame in message.get("frames", []):
            has_rung = self._rings_by(frame) or has_rung
        return has_rung or self.has_gap

    def _rings_by(self, frame: dict[str, Any]) -> bool:
        if not isinstance(frame.get("seq"), int):
            return True
        if frame["seq"] <= self.seq:
            return False
        self.has_gap = self.has_gap or frame["seq"] > self.seq + 1
        self.seq = frame["seq"]
        return not self.kinds or frame.get("kind") in self.kinds


def refusal_in(closed: ConnectionClosed) -> CountersignError | None:
    """Return the error if the site closed the socket because of the client's token, else None."""
    return MEANINGS.get(closed.rcvd.code) if closed.rcvd else None


def _read(text: str | bytes) -> dict[str, Any] | None:
    """Return a message of the site, or None if the text isn't one."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    frames = message.get("frames", []) if isinstance(message, dict) else None
    is_list = isinstance(frames, list) and all(isinstance(frame, dict) for frame in frames)
    return message if is_list else None
