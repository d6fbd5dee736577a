"""WebSocket frames as bytes on their way, which a proxy passes on without understanding them."""

from asyncio import StreamReader
from dataclasses import dataclass

TEXT = 0x1
MASKED = 0x80


@dataclass(frozen=True)
class Passed:
    """A frame as it was read."""

    head: bytes
    body: bytes

    @property
    def is_text(self) -> bool:
        return self.head[0] & 0x0F == TEXT

    @property
    def whole(self) -> bytes:
        return self.head + self.body


async def read_frame(reader: StreamReader) -> Passed:
    """The next frame. Raises `IncompleteReadError` at the end of the connection."""
    head = await reader.readexactly(2)
    size = head[1] & ~MASKED
    if size >= 126:
        wide = await reader.readexactly(2 if size == 126 else 8)
        head, size = head + wide, int.from_bytes(wide)
    mask = 4 if head[1] & MASKED else 0
    return Passed(head, await reader.readexactly(mask + size))
