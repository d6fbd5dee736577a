"""The part of a body that reaches Django."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from pytest_django import Settings

from dashboard.http.access_log import Receive, Scope, Send
from dashboard.http.body_limit import BodyLimit
from procedures.inputs import MEGABYTE
from tests.configured import configure


class Reader:
    """An application that reads its body as Django does, and answers when it was whole."""

    def __init__(self) -> None:
        self.size = 0
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls += 1
        more = True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            self.size += len(event["body"])
            more = event["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})


@pytest.fixture(autouse=True)
def one_megabyte(settings: Settings) -> None:
    """Set the limit to one megabyte; one more is allowed for the text around the file."""
    configure(settings, MAX_UPLOAD_MB=1)


def post(reader: Reader, chunks: Iterable[bytes], path: str = "/api/runs", **headers: str) -> Any:
    """The status and the body of what is sent back."""
    bodies = iter([*chunks, b""])
    sent: list[Any] = []

    async def receive() -> Any:
        body = next(bodies)
        return {"type": "http.request", "body": body, "more_body": bool(body)}

    async def send(event: Any) -> None:
        sent.append(event)

    named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope = {"type": "http", "path": path, "headers": named}
    asyncio.run(BodyLimit(reader)(scope, receive, send))
    return sent[0]["status"], b"".join(event.get("body", b"") for event in sent)


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    reader = Reader()

    assert post(reader, [], content_length=str(3 * MEGABYTE)) == (
        413,
        b'{"detail": "The request is 3.0 MB; the limit is 1 MB."}',
    )
    assert reader.calls == 0


def test_a_body_that_does_not_say_is_read_until_it_is_too_large() -> None:
    reader = Reader()

    status, body = post(reader, [b"x" * MEGABYTE] * 9)

    assert (status, body[:12]) == (413, b'{"detail": "')
    assert reader.size == 2 * MEGABYTE


def test_outside_the_api_the_refusal_is_a_page() -> None:
    status, body = post(Reader(), [], "/sign-in", content_length=str(3 * MEGABYTE))

    assert (status, b"<!doctype html>" in body) == (413, True)
    assert b"The request is 3.0 MB; the limit is 1 MB." in body


def test_what_is_allowed_arrives_whole() -> None:
    reader = Reader()

    assert post(reader, [b"x" * MEGABYTE] * 2, content_length=str(2 * MEGABYTE)) == (200, b"")
    assert reader.size == 2 * MEGABYTE


def test_a_refusal_has_the_headers_of_every_answer() -> None:
    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event)

    headers = [(b"content-length", b"99999999")]
    scope = {"type": "http", "path": "/sign-in", "headers": headers}
    asyncio.run(BodyLimit(Reader())(scope, _nothing, send))

    named = dict(sent[0]["headers"])
    assert named[b"x-content-type-options"] == b"nosniff"
    assert named[b"x-frame-options"] == b"DENY"
    assert b"default-src 'self'" in named[b"content-security-policy"]


async def _nothing() -> Any:
    return {"type": "http.disconnect"}
