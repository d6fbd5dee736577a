"""Bells over real sockets: of the people who follow, only those whom a change concerns are told."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.services import reassign_request, withdraw_request
from procedures.services import start_run
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import group
from tests.processes import Redis, Web
from tests.runs import answer
from tests.sockets import Page, page

INBOX = {"stream": "inbox", "seq": 0}
NONE, ONE = INBOX | {"requests": 0, "sessions": 0}, INBOX | {"requests": 1, "sessions": 1}


@pytest.fixture
def granted(alice: User, bob: User, carol: User, dave: User) -> None:
    for name, role in (("finance", "answer"), ("operators", "operate"), ("support", "start")):
        grant("question", group(name), role)


class Desk:
    """The open page of each of several people."""

    def __init__(self, pages: dict[str, Page]) -> None:
        self.pages = pages

    def follow(self, stream: str) -> None:
        for one in self.pages.values():
            one.follow(stream)
            one.hear()

    def heard(self, *names: str) -> dict[str, Any]:
        """Wait for the frame of each of these; return the frames, and all that others heard."""
        frames = {name: self.pages[name].hear() for name in names}
        # By an answer to a question of theirs: whatever was sent before it has arrived then.
        return frames | {
            name: heard
            for name, one in self.pages.items()
            if name not in names and (heard := one.heard_before_an_answer())
        }


@pytest.fixture
def desk(granted: None, running_web: Web, admin_user: User) -> Iterator[Desk]:
    people = User.objects.all()
    with ExitStack() as stack:
        pages = [stack.enter_context(page(running_web, one)) for one in people]
        yield Desk({one.username: socket for one, socket in zip(people, pages, strict=True)})


def test_a_request_rings_for_those_whom_it_asks(
    desk: Desk, alice: User, bob: User, dave: User
) -> None:
    desk.follow("inbox")

    asked = request_of(run_until_it_waits("question", by=alice))
    assert desk.heard("bob", "admin") == {"bob": ONE, "admin": ONE}
    reassign_request(asked.pk, to="@carol", by=dave, reason="Away.")
    assert desk.heard("bob", "carol", "admin") == {"bob": NONE, "carol": ONE, "admin": ONE}
    reassign_request(asked.pk, to="finance", by=dave, reason="Back.")
    assert desk.heard("bob", "carol", "admin") == {"bob": ONE, "carol": NONE, "admin": ONE}
    answer(asked, by=bob)
    assert desk.heard("bob", "admin") == {"bob": NONE, "admin": NONE}


def test_it_rings_without_redis_too(
    desk: Desk, alice: User, bob: User, dave: User, redis_server: Redis
) -> None:
    desk.follow("inbox")
    redis_server.stop()

    asked = request_of(run_until_it_waits("question", by=alice))
    assert desk.heard("bob", "admin") == {"bob": ONE, "admin": ONE}
    reassign_request(asked.pk, to="@carol", by=dave, reason="Away.")
    assert desk.heard("bob", "carol", "admin") == {"bob": NONE, "carol": ONE, "admin": ONE}
    reassign_request(asked.pk, to="@alice", by=dave, reason="Away, too.")
    heard = desk.heard("alice", "carol", "admin")
    assert heard == {"alice": ONE, "carol": NONE, "admin": ONE}
    withdraw_request(asked.pk, by=dave, reason="Not needed.")
    assert desk.heard("alice", "admin") == {"alice": NONE, "admin": NONE}


def test_who_leaves_a_group_is_told_and_nobody_else(desk: Desk, alice: User, bob: User) -> None:
    run_until_it_waits("question", by=alice)
    desk.follow("inbox")

    bob.groups.clear()

    assert desk.heard("bob") == {"bob": NONE}


def test_a_run_rings_for_those_who_may_see_it(
    desk: Desk, alice: User, bob: User, dave: User
) -> None:
    desk.follow("runs")

    run = start_run("question", {}, by=alice)[0]

    frame = {"stream": "runs", "seq": 0, "runs": [str(run.pk)]}
    assert desk.heard("alice", "dave", "admin") == dict.fromkeys(("alice", "dave", "admin"), frame)


def test_a_run_rings_without_redis_too(desk: Desk, alice: User, redis_server: Redis) -> None:
    desk.follow("runs")
    redis_server.stop()

    asked = request_of(run_until_it_waits("question", by=alice))

    told = ("alice", "bob", "dave", "admin")
    frame = {"stream": "runs", "seq": 0, "runs": [str(asked.wait.run_id)]}
    assert desk.heard(*told) == dict.fromkeys(told, frame)
