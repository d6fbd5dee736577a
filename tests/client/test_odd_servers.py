"""Servers that aren't Countersign sites, or answer nonsense: always an error of the package."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from countersign_client import (
    Client,
    ConflictError,
    InvalidError,
    RefusedError,
    UnreadableError,
)
from countersign_client.doorbells import Doorbell
from countersign_client.errors import error_of
from countersign_client.reading import value_as
from countersign_client.results.runs import OpenRequest

ASKED = {
    "id": "7",
    "key": "approve",
    "kind": "approval",
    "prompt": "Pay?",
    "assigned": ["finance"],
    "due_at": "2026-11-30T12:00:00Z",
}


@contextmanager
def serving(body: bytes, **headers: str) -> Iterator[Client]:
    """Have a client of a server that answers each request with this body."""

    class Odd(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Odd) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            with Client(f"http://127.0.0.1:{server.server_port}", "token") as client:
                yield client
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"7", b'{"id": "\xff"}', b"[" * 100_000])
def test_a_page_of_something_else_is_unreadable(body: bytes) -> None:
    with serving(body) as client:
        with pytest.raises(UnreadableError):
            client.get_run("7")
        with pytest.raises(UnreadableError):
            client.list_inbox()


def test_a_response_that_cannot_be_decoded_is_unreadable() -> None:
    with (
        serving(b"not gzip", Content_Encoding="gzip") as client,
        pytest.raises(UnreadableError, match="can't be decoded"),
    ):
        client.get_run("7")


@pytest.mark.parametrize("odd", [{"due_at": "soon"}, {"due_at": 7}, {"assigned": "finance"}])
def test_a_time_or_a_list_that_is_none_is_unreadable(odd: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError, match="has an unexpected type"):
        value_as(OpenRequest, {**ASKED, **odd})
    assert value_as(OpenRequest, ASKED).assigned == ("finance",)


def test_an_error_with_an_odd_body_is_still_that_error() -> None:
    late = error_of(409, b'{"detail": "Late.", "answered_by": 5, "answered_at": "soon"}')
    wrong = error_of(422, b'{"detail": "Wrong.", "faults": [1, {"field": "a", "message": "b"}]}')

    assert isinstance(late, ConflictError)
    assert (str(late), late.answered_by, late.answered_at) == ("Late.", "", None)
    assert isinstance(wrong, InvalidError)
    assert [one.path for one in wrong.faults] == ["a"]
    assert str(error_of(422, b'{"detail": "Wrong.", "faults": "none"}')) == "Wrong."
    assert isinstance(error_of(400, b"[" * 100_000), RefusedError)


@pytest.mark.parametrize(
    "heard", ["<html>", "7", "[" * 100_000, '{"stream": "run:7", "frames": 7}', '{"frames": [7]}']
)
def test_a_message_that_cannot_be_read_says_to_look(heard: str) -> None:
    assert Doorbell("run:7", 3).rings(heard)
    assert Doorbell("run:7", 3).rings('{"stream": "run:7", "frames": [{"seq": "four"}]}')


@pytest.mark.parametrize(("address", "token"), [("http://[::1", "token"), ("http://a", None)])
def test_an_address_or_token_that_is_none_is_refused(address: str, token: Any) -> None:
    with pytest.raises(ValueError, match=r"^Give the "):
        Client(address, token)
