"""A push service on loopback with a browser behind it; it can refuse a message, or break."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any, ClassVar

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.auth.models import User
from django.test import Client
from py_vapid import Vapid02

from tests.listeners import BREAK, serving
from tests.pages import browser

SECRET = b"sixteen bytes !!"
MOST_SECONDS = 3


def text_of(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


@dataclass
class PushService:
    """Each fault happens to one message, in order: a status, or `BREAK`."""

    usual: ClassVar[int] = 201
    url: str = ""
    faults: list[int | str] = field(default_factory=list)
    sent: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """The path, the headers and the body of each message."""
    meeting: Barrier | None = None
    """If set, no message is answered before as many have arrived as meet there."""
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def keep(self, path: str, headers: dict[str, str], body: bytes, fault: int | str) -> None:
        if self.meeting:
            self.meeting.wait(MOST_SECONDS)
        if fault in {BREAK, self.usual}:
            self.sent.append((path, headers, body))

    @property
    def form(self) -> dict[str, str]:
        """The fields of its subscription that the browser sends."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "endpoint": self.url,
            "public_key": text_of(point),
            "secret": text_of(SECRET),
        }

    @property
    def shown(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The notifications in browsers, by path and topic; a repeated one is shown once."""
        return {(path, headers["topic"]): self.read(body) for path, headers, body in self.sent}

    def read(self, body: bytes) -> dict[str, Any]:
        """Open a message as the browser does."""
        opened = http_ece.decrypt(
            body, private_key=self.key, auth_secret=SECRET, version="aes128gcm"
        )
        content: dict[str, Any] = json.loads(opened)
        return content

    def signed_by(self, number: int) -> tuple[str, dict[str, Any]]:
        """The key by which a message is rightly signed, and what is signed."""
        _path, headers, _body = self.sent[number]
        assert Vapid02.verify(headers["authorization"])
        token, _, key = headers["authorization"].removeprefix("vapid t=").partition(",k=")
        claims = token.split(".")[1]
        return key, json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))


@contextmanager
def serving_pushes() -> Iterator[PushService]:
    with serving(PushService()) as (kept, address):
        kept.url = f"{address}/push/desk"
        yield kept


def switch_on(user: User, service: PushService, **changes: str) -> Client:
    """Switch notifications on in a new browser; return that browser."""
    client = browser(user)
    response = client.post("/profile/browsers", {**service.form, **changes})
    assert response.status_code == 302
    return client
