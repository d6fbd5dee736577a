"""A server that keeps the messages which channels deliver, or refuses them; and the time for it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chat.models import Notification
from chat.services import plan_notifications, send_notification
from procedures.models.clock import clock
from tests.listeners import listening

MINUTE = timedelta(minutes=1)


@dataclass
class Tower:
    """It answers each message with its status, and keeps it."""

    url: str = ""
    status: int = 200
    pages: list[dict[str, str]] = field(default_factory=list)

    def take(self, page: dict[str, str]) -> int:
        self.pages.append(page)
        return self.status


@contextmanager
def serving() -> Iterator[Tower]:
    tower = Tower()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(tower.take(json.loads(body)))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    tower.url = f"http://127.0.0.1:{server.server_port}/"
    with listening(server):
        yield tower


def pass_time(length: timedelta = MINUTE) -> None:
    """Do the work of clock and workers after so much time."""
    clock.ahead += length
    plan_notifications()
    for pk in Notification.objects.values_list("pk", flat=True):
        send_notification(pk)
