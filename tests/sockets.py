"""Sockets of pages and programs, without the page or the program."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.processes import Site

PATIENCE = 60
"""Seconds: on a busy machine."""


class Page:
    """A page with a socket, as a browser's."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._frames: deque[dict[str, Any]] = deque()
        self._together: deque[dict[str, Any]] = deque()
        self.marks: dict[str, str] = {}
        """The mark in the last frame of each bell that was heard."""
        self.newest: dict[str, int] = {}
        """The newest number of each session when it was followed, as the page was told."""

    def follow(self, stream: str, *, form: str = "data", after: int = 0, mark: str = "") -> None:
        self.say(follow=stream, form=form, after=after, **({"mark": mark} if mark else {}))

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def hear(self, timeout: float = PATIENCE) -> dict[str, Any]:
        """The next frame, with the name of its stream, or the next message without frames.

        What passes without a number, such as who is here, is left to `hear_together`.
        """
        while not self._frames:
            self._receive(timeout)
        frame = self._frames.popleft()
        if "mark" in frame:
            self.marks[frame["stream"]] = frame.pop("mark")
        return frame

    def hear_together(self, timeout: float = PATIENCE) -> dict[str, Any]:
        """The next message that tells who reads, who is here, or who is typing."""
        while not self._together:
            self._receive(timeout)
        return self._together.popleft()

    @property
    def has_heard_together(self) -> bool:
        return bool(self._together)

    def _receive(self, timeout: float) -> None:
        message = json.loads(self.socket.recv(timeout=timeout))
        if "together" in message:
            self._together.append(message)
            return
        if "newest" in message:
            self.newest[message["stream"]] = message["newest"]
            return
        frames = message.pop("frames", [{}])
        self._frames.extend({**message, **frame} for frame in frames)

    def heard_before_an_answer(self) -> list[dict[str, Any]]:
        """Ask something that can't be understood; return what came before the answer."""
        self.socket.send("nonsense")
        heard, _error = self._hear_out()
        return heard

    def hear_error(self) -> str:
        """The next error, whatever comes before it."""
        _heard, error = self._hear_out()
        return error

    def _hear_out(self) -> tuple[list[dict[str, Any]], str]:
        """Return the messages before the next error, and that error."""
        heard: list[dict[str, Any]] = []
        while "error" not in (frame := self.hear()):
            heard.append(frame)
        return heard, str(frame["error"])

    def hear_until(self, seq: int) -> list[int]:
        """The numbers of the frames up to that one, each once."""
        seen: list[int] = []
        while not seen or seen[-1] < seq:
            number = self.hear()["seq"]
            if number not in seen:
                seen.append(number)
        return seen


@contextmanager
def page(web: Site, user: User | None, *, origin: str | None = None) -> Iterator[Page]:
    cookie = f"{settings.SESSION_COOKIE_NAME}={session_of(user)}" if user else ""
    address = web.url.replace("http:", "ws:") + "/live"
    headers = {"Cookie": cookie} if cookie else {}
    site = Origin(origin or web.url)
    with connect(address, origin=site, additional_headers=headers, open_timeout=PATIENCE) as socket:
        yield Page(socket)


@contextmanager
def program(web: Site, token: str) -> Iterator[Page]:
    """Open the socket of a program, which has no cookies and no origin."""
    address = web.url.replace("http:", "ws:") + "/live"
    headers = {"Authorization": f"Bearer {token}"}
    with connect(address, additional_headers=headers, open_timeout=PATIENCE) as socket:
        yield Page(socket)


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value
