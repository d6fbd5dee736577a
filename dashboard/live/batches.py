"""Frames encoded as messages for sockets.

Followers who may see the same frames get the same text, which is encoded only once.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from dashboard.live.frames import Frame
from dashboard.live.streams import Stream
from dashboard.live.views import View

MOST_CHARACTERS = 200_000
"""The maximum number of characters in one message.

Many WebSocket implementations refuse messages of more than a megabyte.
"""


class Batch:
    """Consecutive frames of one stream, encoded so that they can be sent to many followers."""

    def __init__(self, stream: Stream, frames: Sequence[Frame]) -> None:
        self._stream, self._frames = stream, frames
        self._parts = [encode(frame.content) for frame in frames]
        self._numbers = [encode({"seq": frame.seq}) for frame in frames]
        self._made: dict[tuple[bool, ...], list[str]] = {}

    @property
    def last(self) -> int:
        return self._frames[-1].seq if self._frames else 0

    def messages_for(self, view: View, *, after: int) -> list[str]:
        """Return the messages to send to a follower who has all frames up to the number `after`.

        `view` is the part of the stream that the follower may see. Where the follower may not see a
        frame, the message has only the frame's number.
        """
        start = self._start(after)
        frames = self._frames[start:]
        if view.is_whole:
            seen = (True,) * len(frames)
        else:
            seen = tuple(view.sees(frame.subject) for frame in frames)
        if seen not in self._made:
            parts = [
                self._parts[at] if is_seen else self._numbers[at]
                for at, is_seen in enumerate(seen, start)
            ]
            self._made[seen] = [self._message(some) for some in _cut(parts)]
        return self._made[seen]

    def _start(self, after: int) -> int:
        return next(
            (at for at, frame in enumerate(self._frames) if frame.follows(after)),
            len(self._frames),
        )

    def _message(self, parts: Sequence[str]) -> str:
        return f'{{"stream": "{self._stream}", "frames": [{", ".join(parts)}]}}'


def _cut(parts: Sequence[str]) -> Iterator[Sequence[str]]:
    begin, size = 0, 0
    for at, part in enumerate(parts):
        if at > begin and size + len(part) > MOST_CHARACTERS:
            yield parts[begin:at]
            begin, size = at, 0
        size += len(part)
    if parts:
        yield parts[begin:]


def encode(content: dict[str, Any]) -> str:
    """Return content as JSON.

    Characters beyond ASCII are escaped only if UTF-8 can't encode one of them.
    """
    text = json.dumps(content, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can hold and UTF-8 can't
        return json.dumps(content)
    return text
