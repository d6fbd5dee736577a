"""A program on loopback that receives webhooks, checks them, and can break while it does."""

import hashlib
import hmac
import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.listeners import serving


@dataclass
class Receiver:
    """Each fault happens to one message, in order: a status, or `BREAK`."""

    usual: ClassVar[int] = 204
    url: str = ""
    faults: list[int | str] = field(default_factory=list)
    sent: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def keep(self, path: str, headers: dict[str, str], body: bytes, fault: int | str) -> None:
        self.sent.append((headers, body))

    @property
    def events(self) -> dict[str, dict[str, Any]]:
        """The events by `webhook-id`: what arrives twice counts once."""
        return {headers["webhook-id"]: json.loads(body) for headers, body in self.sent}

    def is_signed(self, number: int, secret: str) -> bool:
        """Return True if a message is signed with the secret, by the rule of Standard Webhooks."""
        headers, body = self.sent[number]
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mark = hmac.digest(b64decode(secret.removeprefix("whsec_")), content, hashlib.sha256)
        given = headers["webhook-signature"].split()
        return any(b64decode(one.removeprefix("v1,")) == mark for one in given)


@contextmanager
def receiving() -> Iterator[Receiver]:
    with serving(Receiver()) as (kept, address):
        kept.url = f"{address}/hook?key=a-b-c"
        yield kept
