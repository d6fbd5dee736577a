"""One address before several web processes: a relay of our own, and nginx as documented."""

import os
import re
import select
import shutil
import socket
import socketserver
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle

import pytest

from dashboard.environment.variables import CHECKOUT
from tests import machine
from tests.listeners import listening
from tests.processes import Process, Web, free_port

DOCUMENT = CHECKOUT / "docs" / "deployment.md"
CONFIGURATION = re.compile(r"^```nginx\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Address:
    url: str


class Relay(socketserver.ThreadingTCPServer):
    """Gives each connection to the next process, or to the one after where that is gone."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, webs: Sequence[Web]) -> None:
        super().__init__(("127.0.0.1", 0), Pipe)
        self._count, self._turns = len(webs), cycle([web.port for web in webs])

    def connect(self) -> socket.socket:
        for _ in range(self._count):
            with suppress(ConnectionRefusedError):
                return socket.create_connection(("127.0.0.1", next(self._turns)))
        raise ConnectionRefusedError


class Pipe(socketserver.BaseRequestHandler):
    """Copies both ways until one side ends."""

    server: Relay

    def handle(self) -> None:
        with suppress(OSError), self.server.connect() as behind:
            others = {self.request: behind, behind: self.request}
            while True:
                for one in select.select([*others], [], [])[0]:
                    if not (data := one.recv(65_536)):
                        return
                    others[one].sendall(data)


@contextmanager
def relay(webs: Sequence[Web]) -> Iterator[Address]:
    server = Relay(webs)
    with listening(server):
        yield Address(f"http://127.0.0.1:{server.server_address[1]}")


class Nginx(Process):
    """Debian's, with the configuration of docs/deployment.md, but without TLS."""

    patience = 30

    def __init__(self, webs: Sequence[Web]) -> None:
        program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
        if program is None:
            pytest.skip("Debian's nginx is not installed: the documented proxy can't be tried.")
        self.port = free_port()
        self.folder = machine.FOLDER / f"nginx-{next(self._numbers)}"
        self.folder.mkdir()
        (self.folder / "nginx.conf").write_text(self._configuration([web.port for web in webs]))
        super().__init__("nginx", program, "-c", self.folder / "nginx.conf", "-e", "stderr")

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _configuration(self, ports: Sequence[int]) -> str:
        [documented] = CONFIGURATION.findall(DOCUMENT.read_text())
        plain = re.sub(r"^ *ssl_.*\n", "", documented, flags=re.MULTILINE)
        servers = "".join(f"    server 127.0.0.1:{port};\n" for port in ports)
        plain, upstreams = re.subn(r"( +server 127.*\n)+", servers, plain)
        plain, listens = re.subn(r"listen 443 ssl;", f"listen 127.0.0.1:{self.port};", plain)
        assert upstreams == listens == 1
        as_root = "" if os.geteuid() else "user root;\n"
        places = "".join(f"{one}_temp_path {self.folder / one};\n" for one in PLACES)
        return (
            f"{as_root}daemon off;\npid {self.folder / 'pid'};\nevents {{}}\n"
            f"http {{\naccess_log off;\n{places}{plain}}}\n"
        )


@contextmanager
def nginx(webs: Sequence[Web]) -> Iterator[Address]:
    process = Nginx(webs)
    try:
        yield Address(f"http://127.0.0.1:{process.start().port}")
    finally:
        process.end()
