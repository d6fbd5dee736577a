"""Servers of tests on loopback, each in a thread of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from threading import Thread
from typing import ClassVar, Protocol, TypeVar

BREAK = "break"
"""A fault: the message is kept, and the connection breaks before the sender is told so."""


@contextmanager
def listening(server: BaseServer) -> Iterator[None]:
    """Serve until the block ends, and close the server's socket then."""
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class Mailbox(Protocol):
    """A service that gets messages. Each fault happens to one, in order: a status, or `BREAK`."""

    usual: ClassVar[int]
    """The status of a message to which no fault happens."""
    faults: list[int | str]

    def keep(self, path: str, headers: dict[str, str], body: bytes, fault: int | str) -> None:
        """Note a message; the names of its headers are in lower case."""


class Door(BaseHTTPRequestHandler):
    """One message to a mailbox."""

    server: "Listener"

    def do_POST(self) -> None:
        kept = self.server.kept
        fault = kept.faults.pop(0) if kept.faults else kept.usual
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        kept.keep(self.path, headers, body, fault)
        if fault == BREAK:
            return  # the connection ends before the message is acknowledged
        self.send_response(int(fault))
        if int(fault) // 100 == 3:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class Listener(ThreadingHTTPServer):
    """The socket on which a mailbox listens."""

    kept: Mailbox


M = TypeVar("M", bound=Mailbox)


@contextmanager
def serving(kept: M) -> Iterator[tuple[M, str]]:
    """Yield the mailbox with its address, until the block ends."""
    listener = Listener(("127.0.0.1", 0), Door)
    listener.kept = kept
    with listening(listener):
        yield kept, f"http://127.0.0.1:{listener.server_port}"
