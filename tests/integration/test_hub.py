"""Frames that the hub hands to followers who come and go while it reads."""

import asyncio
import time

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import connection

from chat.doorbell import RIGHTS, SIGHT
from dashboard.live.listening import listen
from procedures.models import Run
from procedures.services import cancel_run, start_run
from tests.calls import grant
from tests.live_page import PATIENCE, LivePage, own_hub
from tests.sockets import session_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(operators: Group) -> Run:
    grant("two_steps", operators, "operate")
    return start_run("two_steps", {}, by=None)[0]


def test_a_stream_that_is_not_allowed_brings_nothing(run: Run, dave: User, carol: User) -> None:
    keys = [session_of(dave), session_of(carol)]

    async def follow() -> tuple[dict[str, object], dict[str, object], bool]:
        async with own_hub():
            stays, gone = map(LivePage, keys)
            for page in (gone, stays):
                page.say(follow=f"run:{run.pk}")
            first = await stays.hear(), await gone.hear()
            return *first, gone.has_heard

    heard, denied, has_more = asyncio.run(follow())

    assert heard["seq"] == 1
    assert "denied" in denied
    assert not has_more


@pytest.mark.parametrize(
    ("stream", "name", "is_sooner"),
    [("inbox", SIGHT, False), ("inbox", RIGHTS, True), ("run", SIGHT, True)],
)
def test_only_pages_that_follow_runs_or_sessions_are_checked_after_a_reassignment(
    run: Run, dave: User, stream: str, name: str, *, is_sooner: bool
) -> None:
    key, followed = session_of(dave), f"run:{run.pk}" if stream == "run" else stream

    async def follow() -> bool:
        async with own_hub() as hub:
            page = LivePage(key)
            page.say(follow=followed)
            await page.hear()
            hub.gate.check_at = planned = time.monotonic() + 1_000
            hub.hear([name])
            return hub.gate.check_at < planned

    assert asyncio.run(follow()) == is_sooner


def test_a_stream_that_is_taken_away_later_brings_nothing_more(
    run: Run, admin_user: User, dave: User
) -> None:
    keys = [session_of(admin_user), session_of(dave)]

    async def follow() -> tuple[list[dict[str, object]], bool]:
        async with own_hub() as hub:
            stays, leaves = map(LivePage, keys)
            for page in (stays, leaves):
                page.say(follow=f"run:{run.pk}")
                assert (await page.hear())["seq"] == 1
            await asyncio.to_thread(leave, dave)
            hub.gate.hurry()
            assert "denied" in await leaves.hear()
            await asyncio.to_thread(cancel, run, admin_user)
            return [await stays.hear()], leaves.has_heard

    heard, has_more = asyncio.run(follow())

    assert [frame["seq"] for frame in heard] == [2]
    assert not has_more


def test_a_socket_that_its_server_gives_up_is_handed_nothing_more(
    run: Run, admin_user: User
) -> None:
    key = session_of(admin_user)

    async def follow() -> tuple[bool, int, int]:
        async with own_hub() as hub:
            stays, given_up = LivePage(key), LivePage(key)
            for page in (stays, given_up):
                page.say(follow=f"run:{run.pk}")
                assert (await page.hear())["seq"] == 1
            await given_up.give_up()
            await asyncio.to_thread(cancel, run, admin_user)
            assert (await stays.hear())["seq"] == 2
            left = len(hub.sockets)
            await stays.give_up()
        return given_up.has_heard, left, len(asyncio.all_tasks())

    assert asyncio.run(follow()) == (False, 1, 1)


def leave(user: User) -> None:
    try:
        user.groups.clear()
    finally:
        connection.close()


def cancel(run: Run, by: User) -> None:
    try:
        cancel_run(run.pk, by=by, reason="Nobody needs it.")
    finally:
        connection.close()


def test_a_socket_is_closed_when_its_sign_in_ends(run: Run, dave: User) -> None:
    key = session_of(dave)

    async def follow() -> dict[str, object]:
        async with own_hub() as hub:
            page = LivePage(key)
            page.say(follow=f"run:{run.pk}")
            assert (await page.hear())["seq"] == 1
            await asyncio.to_thread(sign_out, key)
            hub.gate.hurry()
            return await page.hear()

    assert asyncio.run(follow()) == {"closed": 4401}


def sign_out(key: str) -> None:
    try:
        Session.objects.filter(pk=key).delete()
    finally:
        connection.close()


def test_a_listener_ends_whenever_it_is_cancelled() -> None:
    """Also while it connects to Redis, where a cancel may get lost."""

    async def is_ended_after(steps: int) -> bool:
        task = asyncio.create_task(listen(lambda _: None, print))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        ended, _ = await asyncio.wait([task], timeout=PATIENCE)
        return bool(ended)

    async def first_late() -> int | None:
        for steps in range(80):
            if not await is_ended_after(steps):
                return steps
        return None

    assert asyncio.run(first_late()) is None
