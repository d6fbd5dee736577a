"""The live stream over real sockets."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from chat.models import HumanRequest
from chat.services import Answer, respond
from procedures import services
from procedures.models import Grant, Procedure, Run
from tests.conftest import group as group_of
from tests.processes import Redis, Web, Worker, wait_until

PATIENCE = 10


class Page:
    """A page with a socket, as a browser's."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def follow(self, stream: str, *, form: str = "data", after: int = 0) -> None:
        self.say(follow=stream, form=form, after=after)

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def hear(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.socket.recv(timeout=PATIENCE))
        return frame

    def hear_until(self, seq: int) -> list[int]:
        """The numbers of the frames up to that one, each once."""
        seen: list[int] = []
        while not seen or seen[-1] < seq:
            number = self.hear()["seq"]
            if number not in seen:
                seen.append(number)
        return seen


@contextmanager
def page(web: Web, user: User | None, *, origin: str | None = None) -> Iterator[Page]:
    cookie = f"{settings.SESSION_COOKIE_NAME}={session_of(user)}" if user else ""
    address = web.url.replace("http:", "ws:") + "/live"
    headers = {"Cookie": cookie} if cookie else {}
    site = Origin(origin or web.url)
    with connect(address, origin=site, additional_headers=headers) as socket:
        yield Page(socket)


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def run(running_web: Web, alice: User, bob: User, dave: User) -> Run:
    """Alice's; it asks finance, of which bob is."""
    procedure = Procedure.objects.get(name="two_questions")
    for group, role in (("support", "start"), ("finance", "answer"), ("operators", "operate")):
        Grant.objects.create(procedure=procedure, group=group_of(group), role=role)
    return services.start_run(procedure.name, {}, by=alice)[0]


def test_every_event_comes_once_and_in_order(
    run: Run, alice: User, running_web: Web, running_worker: Worker
) -> None:
    with page(running_web, alice) as alices:
        alices.follow(f"run:{run.pk}")
        wait_until(lambda: HumanRequest.objects.open().exists())
        run.refresh_from_db()
        assert alices.hear_until(run.head_seq) == list(range(1, run.head_seq + 1))


def test_a_cursor_brings_only_what_follows_it(
    run: Run, alice: User, running_web: Web, running_worker: Worker
) -> None:
    wait_until(lambda: HumanRequest.objects.open().exists())
    with page(running_web, alice) as alices:
        alices.follow(f"run:{run.pk}", after=1)
        assert alices.hear()["seq"] == 2


def test_changes_come_without_redis_too(
    run: Run, alice: User, running_web: Web, running_worker: Worker, redis_server: Redis
) -> None:
    wait_until(lambda: HumanRequest.objects.open().exists())
    with page(running_web, alice) as alices:
        alices.follow("inbox")
        assert alices.hear()["stream"] == "inbox"
        redis_server.stop()
        request = HumanRequest.objects.open().get()
        respond(request.pk, Answer(value=True), by=User.objects.get(username="bob"))
        assert alices.hear()["stream"] == "inbox"


def test_a_stranger_follows_nothing(run: Run, carol: User, running_web: Web) -> None:
    with page(running_web, carol) as carols:
        carols.follow(f"run:{run.pk}")
        assert "denied" in carols.hear()
        carols.say(range=f"run:{run.pk}", after=0)
        assert "denied" in carols.hear()


def test_nobody_follows_without_signing_in(running_web: Web) -> None:
    with page(running_web, None) as nobodys, pytest.raises(ConnectionClosed) as closed:
        nobodys.hear()
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 4401


def test_another_sites_page_opens_no_socket(alice: User, running_web: Web) -> None:
    with pytest.raises(InvalidStatus), page(running_web, alice, origin="http://elsewhere.example"):
        pass


def test_who_leaves_the_group_loses_the_stream(run: Run, dave: User, running_web: Web) -> None:
    with page(running_web, dave) as daves:
        daves.follow(f"run:{run.pk}")
        assert daves.hear()["seq"] == 1
        dave.groups.clear()
        assert "denied" in daves.hear()


def test_what_cannot_be_understood_is_answered(alice: User, running_web: Web) -> None:
    with page(running_web, alice) as alices:
        for text in ("nonsense", "[]", "{}", '{"follow": "runs:1"}', '{"follow": "run:x"}'):
            alices.socket.send(text)
            assert "error" in alices.hear()
