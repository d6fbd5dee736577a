"""A page on a real server that stops to read its socket, beside one that goes on."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from chat.models import Member, Session
from chat.services import post_message
from tests.live_client import Followed, Frame, LiveClient
from tests.processes import Web
from tests.sockets import PATIENCE, page, session_of

MESSAGES = 40
TEXT = "`a` **b** " * 800
"""A message of which a page is sent dozens of kilobytes: all of them don't fit into a socket."""
TURNS = 8
SMALL = 4096
"""The bytes that the slow page's side of the connection keeps for it."""


@pytest.fixture
def talk(alice: User, bob: User) -> Session:
    session = Session.new("Much to read", at=timezone.now())
    session.save(force_insert=True)
    for person in (alice, bob):
        Member.join(session, person, at=timezone.now())
    return session


@contextmanager
def slow_page(web: Web, user: User) -> Iterator[ClientConnection]:
    """A page of which nothing is read but when it hears."""
    here = urlsplit(web.url)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    line.connect((here.hostname, here.port))
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session_of(user)}"}
    address, site = f"ws://{here.netloc}/live", Origin(web.url)
    with connect(
        address,
        sock=line,
        origin=site,
        additional_headers=headers,
        max_queue=1,
        close_timeout=0,
        ping_interval=None,  # as no browser does
        compression=None,
    ) as opened:
        yield opened


def post(session: Session, by: User, count: int) -> int:
    for _ in range(count):
        post_message(session, TEXT, by=by)
    session.refresh_from_db()
    return session.last_seq


class Reader(LiveClient):
    """A page that notes the numbers it applied, and how often it was told that it lacks some."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[int] = []
        self.heads = 0

    def apply(self, followed: Followed, frame: Frame) -> None:
        if frame["seq"] != followed.cursor:
            self.numbers.append(frame["seq"])

    def take(self, text: str | bytes) -> list[str]:
        self.heads += '"head"' in str(text)
        return super().take(text)


@pytest.mark.slow
def test_who_reads_nothing_for_a_while_is_told_so_and_delays_nobody(
    running_web: Web, talk: Session, alice: User, bob: User
) -> None:
    stream, reader = f"session:{talk.pk}", Reader()
    with slow_page(running_web, alice) as slow, page(running_web, bob) as quick:
        slow.send(reader.follow(stream, "page"))
        quick.follow(stream, form="page")
        for _ in range(TURNS):
            # The other page has everything, however much the slow one leaves lying.
            quick.hear_until(post(talk, bob, MESSAGES))

        while reader.streams[stream].cursor < talk.last_seq:
            for message in reader.take(slow.recv(timeout=PATIENCE)):
                slow.send(message)

    assert reader.heads
    assert reader.numbers == list(range(1, talk.last_seq + 1))
