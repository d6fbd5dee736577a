"""Many pages that connect at once: those that are current are sent nothing and need no requests."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.backends.signals import connection_created

from chat.models import HumanRequest
from chat.services import withdraw_request
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import create_person
from tests.integration.test_marks import drawn, marks_in
from tests.live_page import LivePage, own_hub
from tests.sockets import session_of

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE, PAGES = 10, 200
MOST_STATEMENTS = 150
"""Far fewer than the pages, each of which asks for two streams."""
BELLS = ("inbox", "runs")
Open = tuple[str, dict[str, str]]
"""The key of a browser's session, and the marks of its page."""


@pytest.fixture
def asked(finance: Group) -> HumanRequest:
    grant("question", finance, "answer", "see")
    return request_of(run_until_it_waits("question"))


@pytest.fixture
def drawn_pages(asked: HumanRequest, finance: Group) -> list[Open]:
    people = [create_person(f"person{number}", finance) for number in range(PEOPLE)]
    return [(session_of(one), marks_in(drawn(one, "/"))) for one in people]


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The statements of all connections that are opened from now on: those of the hub's threads."""
    found: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        found.append(sql)
        return execute(sql, *rest)

    def watch(connection: Any, **_: Any) -> None:
        connection.execute_wrappers.append(note)

    connection_created.connect(watch)
    yield found
    connection_created.disconnect(watch)


def opened(page: Open) -> LivePage:
    """Open a page's socket with its marks."""
    key, marks = page
    socket = LivePage(key)
    for bell in BELLS:
        socket.say(follow=bell, form="page", **({"mark": marks[bell]} if bell in marks else {}))
    return socket


async def greeted(witness: Open) -> LivePage:
    """Open a page without marks; once it has heard both bells, all earlier pages were told, too."""
    socket = opened(witness)
    heard = {(await socket.hear())["stream"] for _ in BELLS}
    assert heard == set(BELLS)
    return socket


def withdraw(asked: HumanRequest, by: User) -> None:
    """Withdraw a request, in a thread of its own."""
    try:
        withdraw_request(asked.pk, by=by, reason="Not needed.")
    finally:
        connection.close()


@pytest.mark.parametrize("count", [PEOPLE, PAGES])
def test_current_pages_connect_without_a_frame_and_by_a_fixed_number_of_statements(
    count: int,
    drawn_pages: list[Open],
    asked: HumanRequest,
    admin_user: User,
    statements: list[str],
) -> None:
    witness: Open = (session_of(admin_user), {})

    async def connect() -> tuple[list[bool], list[dict[str, Any]], int]:
        async with own_hub():
            pages = [opened(drawn_pages[number % PEOPLE]) for number in range(count)]
            await greeted(witness)
            have_heard, used = [page.has_heard for page in pages], len(statements)
            await asyncio.to_thread(withdraw, asked, admin_user)
            return have_heard, [await one.hear() for one in pages], used

    have_heard, heard, used = asyncio.run(connect())

    assert not any(have_heard)
    assert {frame["stream"] for frame in heard} <= set(BELLS)
    assert used <= MOST_STATEMENTS


def test_pages_that_lack_a_change_are_told_when_they_connect_and_the_others_are_not(
    drawn_pages: list[Open], admin_user: User, carol: User
) -> None:
    witness: Open = (session_of(admin_user), {})
    others = session_of(carol), marks_in(drawn(carol, "/"))
    run_until_it_waits("question")

    async def connect() -> tuple[list[set[str]], bool, list[Open]]:
        async with own_hub():
            other, pages = opened(others), [opened(page) for page in drawn_pages]
            found = [[await page.hear() for _ in BELLS] for page in pages]
            await greeted(witness)
            new = [{frame["stream"]: frame["mark"] for frame in frames} for frames in found]
            keys = [key for key, _ in drawn_pages]
            return [set(marks) for marks in new], other.has_heard, list(zip(keys, new, strict=True))

    async def connect_again(pages: list[Open]) -> list[bool]:
        """Come back to another process, with the marks that the frames have brought."""
        async with own_hub():
            sockets = [opened(page) for page in pages]
            await greeted(witness)
            return [socket.has_heard for socket in sockets]

    told, has_other_heard, pages = asyncio.run(connect())

    assert told == [set(BELLS)] * PEOPLE
    assert not has_other_heard
    assert not any(asyncio.run(connect_again(pages)))
