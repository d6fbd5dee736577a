"""A network between a client and a site that breaks when a test says so."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from select import select
from socket import create_connection, socket

from tests.listeners import listening
from tests.processes import Web

CHUNK = 65_536
REFUSAL = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Weather:
    """The faults of the network, and a record of what it has carried."""

    refuses_sockets: bool = False
    """Refuses WebSockets, as some proxies do."""
    lost_replies: int = 0
    """The number of replies to the next changing requests that get lost."""
    sockets: int = 0
    """The number of WebSockets that were opened."""
    open: set[socket] = field(default_factory=set)

    def cut(self) -> None:
        """Break all connections."""
        for one in list(self.open):
            with suppress(OSError):
                one.shutdown(2)


class Relay(socketserver.ThreadingTCPServer):
    """Carries bytes to a site and back."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, web: Web) -> None:
        super().__init__(("127.0.0.1", 0), Wire)
        self.weather, self.port = Weather(), web.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Wire(socketserver.BaseRequestHandler):
    """One connection."""

    server: Relay

    def handle(self) -> None:
        weather = self.server.weather
        weather.open.add(self.request)
        try:
            with suppress(OSError), create_connection(("127.0.0.1", self.server.port)) as behind:
                self._carry(behind, weather)
        finally:
            weather.open.discard(self.request)

    def _carry(self, behind: socket, weather: Weather) -> None:
        others = {self.request: behind, behind: self.request}
        changes = False
        while True:
            for one in select([*others], [], [])[0]:
                if not (data := one.recv(CHUNK)):
                    return
                if one is self.request:
                    # The body of a request may come apart from its head.
                    changes = data.startswith(b"POST ") or (changes and data[:4] != b"GET ")
                    if b"upgrade: websocket" in data.lower():
                        if weather.refuses_sockets:
                            self.request.sendall(REFUSAL)
                            return
                        weather.sockets += 1
                elif changes and weather.lost_replies:
                    weather.lost_replies -= 1
                    return
                others[one].sendall(data)


@contextmanager
def relay(web: Web) -> Iterator[Relay]:
    server = Relay(web)
    with listening(server):
        yield server
        server.weather.cut()
