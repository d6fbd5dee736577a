"""The texts that running steps write, read from Redis once for all sockets that follow them.

A follower has a place in each text: the number of the text, and how many of its bytes the follower
has. All followers at the same place get what was added since in the same messages.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis.asyncio

from dashboard.live.batches import encode
from dashboard.live.gate import Gate
from dashboard.live.places import ENDED, Places, TextPosition
from dashboard.live.places import LONG as TOO_LONG
from dashboard.live.socket import Socket
from dashboard.live.streams import Stream
from procedures.conf import conf
from procedures.live_texts import DIGEST, END, GATHER, LONG, TEXT, Draft, index_of, newest_of

LOOK = 1.0
"""The seconds between two readings of all followed texts, in case an announcement was lost."""
PATIENCE = 2.0
INSIDE = 0b10
"""The first two bits of a byte that continues a character in UTF-8."""
LONGEST_FRAME = 60_000
"""The maximum number of bytes of a text that are sent in one frame."""
logger = logging.getLogger(__name__)


@dataclass
class _Found:
    """A text as read from Redis: the pieces that its slowest follower lacks, and its marks."""

    draft: Draft
    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    """The pieces, each with the number of bytes of the text up to the piece's end."""
    is_long: bool = False
    end: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, draft: Draft, entries: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> "_Found":
        found = cls(draft)
        for place, fields in entries:
            if TEXT in fields:
                found.pieces.append((int(place.partition(b"-")[0]), fields[TEXT]))
            elif LONG in fields:
                found.is_long = True
            elif END in fields:
                found.end = {"end": fields[END].decode(), "digest": fields[DIGEST].decode()}
        return found

    @property
    def marks(self) -> int:
        return (TOO_LONG if self.is_long else 0) | (ENDED if self.end else 0)

    def after(self, size: int) -> bytes | None:
        """Return the text's bytes from the offset `size` on; None if some of them are missing."""
        text, reached = bytearray(), size
        for end, piece in self.pieces:
            begin = end - len(piece)
            if begin > reached:
                return None
            text += piece[max(reached - begin, 0) :]
            reached = max(reached, end)
        return bytes(text)


class Texts:
    """The followers of texts, and the task that reads the texts for them."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._followers: dict[Stream, dict[Socket, Places]] = {}
        self._rung: set[Stream] = set()
        self._wakes = asyncio.Event()
        self._task = asyncio.create_task(self._read_all(), name="hub texts")

    def follow(self, socket: Socket, stream: Stream, places: Places) -> None:
        """Send a socket the parts of the run's texts that it lacks, and then each new part."""
        self._followers.setdefault(stream, {})[socket] = dict(places)
        self._ring(stream)

    def leave(self, socket: Socket, stream: Stream) -> None:
        followers = self._followers.get(stream, {})
        followers.pop(socket, None)
        if not followers:
            self._followers.pop(stream, None)

    def hear(self, names: Iterable[str]) -> None:
        for stream in self._followers.keys() & {Stream.parse(name) for name in names}:
            self._ring(stream)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _ring(self, stream: Stream) -> None:
        self._rung.add(stream)
        self._wakes.set()

    async def _read_all(self) -> None:
        looked_at = 0.0
        async with redis.asyncio.from_url(
            conf.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        ) as client:
            while True:
                await self._wait(looked_at + LOOK - time.monotonic())
                due = self._rung & self._followers.keys()
                if time.monotonic() - looked_at >= LOOK:
                    due, looked_at = set(self._followers), time.monotonic()
                self._rung.clear()
                try:
                    await self._read(client, sorted(due, key=str))
                except (redis.RedisError, OSError) as error:
                    logger.debug(
                        "Redis can't be reached, so a step's text appears when the step ends: %s",
                        error,
                    )
                    await asyncio.sleep(LOOK)
                except Exception:
                    words = "Texts of steps couldn't be read. The next check reads them again."
                    logger.exception(words)
                    await asyncio.sleep(LOOK)
                await asyncio.sleep(GATHER)

    async def _wait(self, seconds: float) -> None:
        """Wait for an announcement. If anybody follows a text, wait `seconds` at most."""
        try:
            async with asyncio.timeout(max(seconds, 0) if self._followers else None):
                await self._wakes.wait()
        except TimeoutError:
            pass
        self._wakes.clear()

    async def _read(self, client: "redis.asyncio.Redis", due: Sequence[Stream]) -> None:
        if not due:
            return
        async with client.pipeline(transaction=False) as pipeline:
            for stream in due:
                index, newest = index_of(str(stream.id)), newest_of(str(stream.id))
                # The steps of `newest`, with the scores of the index.
                pipeline.zinter({index: 1, newest: 0}, withscores=True)
            listed = await pipeline.execute()
        drafts = [
            (stream, Draft.listed(str(stream.id), step, score))
            for stream, steps in zip(due, listed, strict=True)
            for step, score in steps
        ]
        for stream, (draft, has_ended) in drafts:
            self._pass_by(stream, draft) if has_ended else None
        wanted = [(stream, draft) for stream, (draft, _) in drafts if self._lacking(stream, draft)]
        if not wanted:
            return
        async with client.pipeline(transaction=False) as pipeline:
            for stream, draft in wanted:
                least = min(place.size for _, place in self._lacking(stream, draft))
                pipeline.xrange(draft.key, min=f"({least}-0" if least else "-")
            read = await pipeline.execute()
        for (stream, draft), entries in zip(wanted, read, strict=True):
            self._send(stream, _Found.of(draft, entries))

    def _pass_by(self, stream: Stream, draft: Draft) -> None:
        """Skip a text that has ended, for followers that have received no part of it.

        The chat shows these followers the whole text as a message.
        """
        for places in self._followers.get(stream, {}).values():
            places.setdefault(draft.step, TextPosition(draft.number, marks=ENDED))

    def _lacking(self, stream: Stream, draft: Draft) -> list[tuple[Socket, TextPosition]]:
        """Return the followers that may lack a part of a text, each with its place in this text."""
        followers = self._followers.get(stream, {})
        places = [
            (one, places.get(draft.step, TextPosition())) for one, places in followers.items()
        ]
        return [
            (one, place if place.number == draft.number else TextPosition(draft.number))
            for one, place in places
            if place.number < draft.number
            or (place.number == draft.number and not place.marks & ENDED)
        ]

    def _send(self, stream: Stream, found: _Found) -> None:
        """Send each follower the bytes of the text that it lacks.

        Followers at the same place share messages.
        """
        alike: dict[TextPosition, list[Socket]] = defaultdict(list)
        for socket, place in self._lacking(stream, found.draft):
            alike[place].append(socket)
        for place, sockets in alike.items():
            frames, reached = _frames(found, place)
            texts = [encode({"stream": str(stream), "frames": [frame]}) for frame in frames]
            for socket in sockets:
                places = self._followers[stream][socket]
                if self._hand(socket, stream, texts):
                    places[found.draft.step] = reached

    def _hand(self, socket: Socket, stream: Stream, texts: Sequence[str]) -> bool:
        if not self._gate.is_confirmed or self._gate.view(socket, stream) is None:
            return False
        return socket.outbox.put(*texts)


def _frames(found: _Found, place: TextPosition) -> tuple[list[dict[str, Any]], TextPosition]:
    """Return the frames for followers at this place, and their place after these frames."""
    draft, size = found.draft, place.size
    about = {"seq": 0, "step": draft.step, "attempt": draft.attempt, "number": draft.number}
    added, is_long = found.after(size), found.is_long
    if added is None:  # Redis has lost the beginning: the text appears at its end
        added, is_long = b"", True
    frames = []
    for piece in _cut(added):
        frames.append(
            {**about, "at": size, "to": size + len(piece), "text": piece.decode(errors="replace")}
        )
        size += len(piece)
    marks = {**({"is_long": True} if is_long and not place.marks & TOO_LONG else {}), **found.end}
    if marks:
        frames.append({**about, "at": size, "to": size, "text": "", **marks})
    seen = place.marks | found.marks | (TOO_LONG if is_long else 0)
    return frames, TextPosition(draft.number, size, seen)


def _cut(text: bytes) -> Iterator[bytes]:
    """Yield a text in parts that each fit into one frame. A text is cut only between characters."""
    begin = 0
    while begin < len(text):
        end = min(begin + LONGEST_FRAME, len(text))
        while end < len(text) and text[end] >> 6 == INSIDE:
            end -= 1
        yield text[begin:end]
        begin = end
