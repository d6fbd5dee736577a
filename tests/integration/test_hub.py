"""Frames that the hub hands to followers who come and go while it reads."""

import asyncio
import json
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.db import connection

from dashboard.live.consumer import LiveConsumer
from dashboard.live.hub import Hub
from dashboard.live.streams import Stream
from dashboard.live.views import WHOLE, View
from procedures.models import Run
from procedures.services import cancel_run, start_run

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 30


class Reader:
    """Somebody who follows, until the stream is taken away or left."""

    def __init__(self, view: View | None = WHOLE) -> None:
        self.sees, self.heard = view, list[str]()
        self.has_heard = asyncio.Event()

    user: User | None = None

    def hand(self, text: str) -> None:
        self.heard.append(text)
        self.has_heard.set()

    def view(self, _: Stream) -> View | None:
        return self.sees


@pytest.fixture
def run() -> Run:
    return start_run("two_steps", {}, by=None)[0]


def test_a_stream_that_is_taken_away_while_it_is_begun_brings_nothing(run: Run) -> None:
    stays, gone = Reader(), Reader(None)

    async def follow() -> None:
        hub = Hub()
        try:
            for reader in (stays, gone):
                await hub.follow(reader, Stream("run", run.pk), "data", after=0)
        finally:
            await hub.close()

    asyncio.run(follow())

    assert len(stays.heard) == 1
    assert gone.heard == []


def test_a_stream_that_is_taken_away_later_brings_nothing_more(run: Run, admin_user: User) -> None:
    stays, leaves = Reader(), Reader()

    async def follow() -> None:
        hub, stream = Hub(), Stream("run", run.pk)
        try:
            for reader in (stays, leaves):
                await hub.follow(reader, stream, "data", after=1)
            leaves.sees = None
            await asyncio.to_thread(cancel, run, admin_user)
            await asyncio.wait_for(stays.has_heard.wait(), PATIENCE)
        finally:
            await hub.close()

    asyncio.run(follow())

    assert leaves.heard == []


def test_a_socket_that_its_server_gives_up_is_handed_nothing_more(
    run: Run, admin_user: User
) -> None:
    handed: list[str] = []

    class Socket(LiveConsumer):
        """A page's socket that notes the frames it is handed."""

        def hand(self, text: str) -> None:
            handed.append(text)
            super().hand(text)

    async def follow() -> tuple[int, int]:
        stream, stays, loop = Stream("run", run.pk), Reader(), asyncio.get_running_loop()
        scope = {"type": "websocket", "user": admin_user, "session": None}
        socket: Any = ApplicationCommunicator(Socket.as_asgi(), scope)  # type: ignore[no-untyped-call]
        await socket.send_input({"type": "websocket.connect"})
        follow = json.dumps({"follow": str(stream)})
        await socket.send_input({"type": "websocket.receive", "text": follow})
        while (await socket.receive_output(PATIENCE))["type"] != "websocket.send":
            pass
        hub = LiveConsumer.hubs[loop]
        try:
            await hub.follow(stays, stream, "data", after=len(handed))
            before = len(handed)
            socket.stop()
            await socket.wait(PATIENCE)
            await asyncio.to_thread(cancel, run, admin_user)
            await asyncio.wait_for(stays.has_heard.wait(), PATIENCE)
        finally:
            await LiveConsumer.hubs.pop(loop).close()
        return before, len(asyncio.all_tasks())

    assert asyncio.run(follow()) == (1, 1)
    assert len(handed) == 1


def cancel(run: Run, by: User) -> None:
    try:
        cancel_run(run.pk, by=by, reason="Nobody needs it.")
    finally:
        connection.close()
