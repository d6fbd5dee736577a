"""A WebSocket client that does little for each message, so that one process can hold hundreds."""

import json
import socket
from collections.abc import Iterator
from time import monotonic

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
LONG, LONGER = 126, 127
MOST_READ = 1 << 18
PATIENCE = 60
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class PageSocket:
    """A socket whose reads don't block, and whose writes are short."""

    def __init__(self, port: int, path: str, cookie: str = "") -> None:
        self.port, self.path, self.cookie = port, path, cookie
        self.bytes = 0
        self.connect()

    def connect(self) -> None:
        self.is_open = True
        self._rest = b""
        self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(self._handshake())

    def _handshake(self) -> bytes:
        here = f"127.0.0.1:{self.port}"
        lines = [
            f"GET {self.path} HTTP/1.1",
            f"Host: {here}",
            f"Origin: http://{here}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {KEY}",
            "Sec-WebSocket-Version: 13",
            *([f"Cookie: {self.cookie}"] if self.cookie else []),
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    def accept(self) -> None:
        """Read the server's part of the handshake; give up if the server is overloaded."""
        until = monotonic() + PATIENCE
        while b"\r\n\r\n" not in self._rest:
            assert monotonic() < until, "The server accepted no socket."
            self._receive_or_connect_again()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        assert b" 101 " in head, head
        self._socket.settimeout(0)

    def _receive_or_connect_again(self) -> None:
        try:
            data = self._socket.recv(MOST_READ)
        except ConnectionResetError:
            data = b""
        self._rest += data
        if not data:
            self._socket.close()
            self.connect()

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self.is_open = False
        self._socket.close()

    def say(self, **message: object) -> None:
        self.say_text(json.dumps(message))

    def say_text(self, text: str) -> None:
        self._send(TEXT, text.encode())

    def messages(self) -> Iterator[bytes]:
        """Read the data that has arrived, and return the complete text messages in it."""
        try:
            data = self._socket.recv(MOST_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self.bytes += len(data)
        data, at = self._rest + data if self._rest else data, 0
        while found := _frame(data, at):
            kind, start, end = found
            at = end
            if kind == TEXT:
                yield data[start:end]
            elif kind == PING:
                self._send(PONG, data[start:end])
            elif kind == CLOSE:
                self.close()
                return
        self._rest = data[at:]

    def _send(self, kind: int, content: bytes) -> None:
        size = len(content)
        length = bytes([0x80 | size]) if size < LONG else bytes([0x80 | LONG, *size.to_bytes(2)])
        try:
            # A mask of zeros changes nothing, and is one.
            self._socket.sendall(bytes([0x80 | kind]) + length + bytes(4) + content)
        except OSError:
            self.close()


def _frame(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Return the kind, start and end of the frame at a place, or None if it is incomplete."""
    have = len(data) - at
    if have < 2:  # noqa: PLR2004 (a frame's first two bytes)
        return None
    size, start = data[at + 1] & 0x7F, at + 2
    if size >= LONG:
        wide = 2 if size == LONG else 8
        if have < 2 + wide:
            return None
        size, start = int.from_bytes(data[start : start + wide]), start + wide
    end = start + size
    return (data[at] & 0x0F, start, end) if end <= len(data) else None
