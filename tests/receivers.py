"""A program on loopback that receives webhooks, checks them, and can break while it does."""

import hashlib
import hmac
import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.listeners import listening

BREAK = "break"
"""A fault: the receiver keeps the message, and breaks before it says so."""


@dataclass
class Receiver:
    """Each fault happens to one message, in order: a status, or `BREAK`."""

    url: str = ""
    faults: list[int | str] = field(default_factory=list)
    sent: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def events(self) -> dict[str, dict[str, Any]]:
        """The events by `webhook-id`: what arrives twice counts once."""
        return {headers["webhook-id"]: json.loads(body) for headers, body in self.sent}

    def is_signed(self, number: int, secret: str) -> bool:
        """Whether a message is signed with the secret, by the rule of Standard Webhooks."""
        headers, body = self.sent[number]
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mark = hmac.digest(b64decode(secret.removeprefix("whsec_")), content, hashlib.sha256)
        given = headers["webhook-signature"].split()
        return any(b64decode(one.removeprefix("v1,")) == mark for one in given)


class Door(BaseHTTPRequestHandler):
    """One message to the receiver."""

    server: "Listener"

    def do_POST(self) -> None:
        kept = self.server.kept
        fault = kept.faults.pop(0) if kept.faults else 204
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kept.sent.append(({name.lower(): value for name, value in self.headers.items()}, body))
        if fault == BREAK:
            return  # the connection ends before the message is acknowledged
        self.send_response(int(fault))
        if int(fault) // 100 == 3:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


class Listener(ThreadingHTTPServer):
    """The socket on which a receiver listens."""

    kept: Receiver


@contextmanager
def receiving() -> Iterator[Receiver]:
    listener = Listener(("127.0.0.1", 0), Door)
    kept = listener.kept = Receiver(f"http://127.0.0.1:{listener.server_port}/hook?key=a-b-c")
    with listening(listener):
        yield kept
