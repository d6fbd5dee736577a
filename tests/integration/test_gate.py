"""The rights of many open sockets, asked at once; and readers that don't keep up."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as SignedIn
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.doorbell import CHANNEL, RIGHTS, SIGHT
from chat.models import Delegation, Member, Presence, Session
from chat.services import (
    delegate,
    note_presences,
    post_message,
    reassign_request,
    revoke_delegation,
)
from dashboard.live.credentials import Credential, Credentials
from dashboard.live.gate import SOONEST, Gate
from dashboard.live.outbox import MOST_QUEUED, Outbox
from dashboard.live.rights import ask
from dashboard.live.sign_ins import SignIns, is_session_key
from dashboard.live.socket import QUEUED, READY
from dashboard.live.streams import INBOX, Stream
from dashboard.models import ApiToken, SignIn
from dashboard.models.token import digest_of
from procedures.conf import conf
from procedures.models import Grant
from procedures.models.clock import clock
from procedures.services import start_run
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import create_person, group
from tests.live_page import LivePage, own_hub
from tests.processes import Redis, wait_until
from tests.sockets import session_of

pytestmark = pytest.mark.django_db(transaction=True)


def people_with_a_session(count: int) -> list[tuple[str, Session]]:
    """People with a session and a run each, of whom every other sees the session in part."""
    found = []
    for number in range(count):
        person = create_person(f"person{number}")
        run, _ = start_run("two_steps", {}, by=None)
        session = Session.objects.get(messages__run=run)
        if number % 2:
            Member.objects.create(session=session, user=person, joined_at=clock.now())
        else:
            type(run).objects.filter(pk=run.pk).update(started_by=person)
        found.append((session_of(person), session))
    return found


def test_the_check_of_a_hundred_takes_as_many_statements_as_that_of_two() -> None:
    people = people_with_a_session(30)

    def check(some: list[tuple[str, Session]]) -> tuple[int, int]:
        streams = {
            Credential("sign-in", key): {Stream("session", session.pk), Stream("run", run), INBOX}
            for key, session in some
            for run in session.messages.values_list("run", flat=True)[:1]
        }
        with CaptureQueriesContext(connection) as asked:
            answer = ask(Credentials(), streams, new={INBOX})
        return len(asked), len(answer.views)

    few, many = check(people[:2]), check(people)

    assert few[0] == many[0] <= 15
    assert (few[1], many[1]) == (6, 90)


def test_two_people_follow_two_streams_of_one_run(alice: User, dave: User) -> None:
    grant("two_steps", group("operators"), "see")
    grant("two_steps", group("support"), "start")
    run, _ = start_run("two_steps", {}, by=alice)
    journal, text = Stream("run", run.pk), Stream("text", run.pk)
    of_alice, of_dave = (Credential("sign-in", session_of(one)) for one in (alice, dave))

    for asked in (
        {of_dave: {journal}, of_alice: {journal, text}},
        {of_alice: {text}, of_dave: {journal}},
        {of_dave: {text}, of_alice: {journal}},
    ):
        answer = ask(Credentials(), asked)

        pairs = {(holder, one) for holder, streams in asked.items() for one in streams}
        users = answer.holders.users
        assert answer.views.keys() == {(users[holder].pk, one) for holder, one in pairs}


def test_the_tokens_of_a_hundred_programs_are_one_parameter(dave: User) -> None:
    tokens = [ApiToken.create_for(dave) for _ in range(3)]
    known = [Credential("token", digest_of(token)) for token in tokens]
    unknown = [Credential("token", digest_of(str(number))) for number in range(97)]
    sent = list[int]()

    def count(execute: Callable[..., Any], sql: str, params: Any, *rest: Any) -> Any:
        sent.extend([len(params)] if params else [])
        return execute(sql, params, *rest)

    with connection.execute_wrapper(count):
        few, many = Credentials().read(known), Credentials().read(known + unknown)
        ApiToken.objects.among(one.key for one in known).note_use()
        ApiToken.objects.among(one.key for one in known + unknown).note_use()

    assert few.users.keys() == many.users.keys() == {*known}
    assert len(many.refusals) == len(unknown)
    assert ApiToken.objects.exclude(last_used_at=None).count() == len(known)
    assert (sent[0], sent[2]) == (sent[1], sent[3])


def test_a_changed_or_strange_session_signs_nobody_in(alice: User) -> None:
    sign_ins, key = SignIns(), session_of(alice)
    assert sign_ins.read([key]) == {key: alice}

    SignedIn.objects.filter(pk=key).update(session_data="forged")

    assert sign_ins.read([key]) == {}
    assert not any(map(is_session_key, ["", "a\0b", "a" * 41, "ä", "a b"]))


def test_presence_of_all_is_written_in_one_statement(alice: User, bob: User) -> None:
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            note_presences([alice.pk, bob.pk])
        assert sum("INSERT" in one["sql"] for one in asked.captured_queries) == 1
        assert len(asked) <= 4  # with BEGIN, COMMIT and, on PostgreSQL, the time

    assert Presence.objects.count() == 2


def test_a_slow_reader_is_told_how_far_the_stream_is(admin_user: User) -> None:
    session = request_of(run_until_it_waits("question")).session
    for number in range(20):
        post_message(session, f"{number} " + "x" * 4000, by=admin_user)
    session.refresh_from_db()
    key, name = session_of(admin_user), f"session:{session.pk}"

    async def read() -> tuple[dict[str, object], list[object]]:
        async with own_hub() as hub:
            page = LivePage(key)
            page.say(follow=name, form="page")
            assert (await page.hear())["seq"] == 1
            page.stop_reading()
            [socket] = hub.sockets
            [followed] = socket.following.values()
            while not socket.lost:
                page.say(range=name, after=0)
                for state in (READY, QUEUED):
                    while followed.state == state:  # noqa: ASYNC110 (the hub tells nobody)
                        await asyncio.sleep(0)
            page.read_on()
            told = await page.hear()
            while "head" not in told:
                told = await page.hear()
            page.say(range=name, after=session.last_seq - 2)
            return told, [(await page.hear())["seq"] for _ in range(2)]

    told, heard = asyncio.run(read())

    assert told == {"stream": name, "head": session.last_seq}
    assert heard == [session.last_seq - 1, session.last_seq]


def test_changes_of_rights_ring_for_a_check(redis_server: Redis, dave: User) -> None:
    session_of(dave)
    request, root = request_of(run_until_it_waits("question")), User.objects.create_superuser("r")
    until = clock.now() + timedelta(days=1)
    reassign = partial(reassign_request, to="@dave", by=root, reason="Not theirs.")
    changes: list[tuple[str, Callable[[], object]]] = [
        (RIGHTS, lambda: grant("question", group("operators"), "see")),
        (RIGHTS, lambda: Grant.objects.filter(group=group("operators")).delete()),
        (RIGHTS, dave.groups.clear),
        (RIGHTS, lambda: SignIn.objects.filter(user=dave).end()),
        (SIGHT, lambda: delegate(by=dave, to=root, until=until)),
        (SIGHT, lambda: revoke_delegation(Delegation.objects.get().pk, by=dave)),
        (SIGHT, lambda: reassign(request.pk)),
    ]
    with redis.Redis.from_url(conf.REDIS_URL) as client, client.pubsub() as heard:
        heard.subscribe(CHANNEL)

        def is_rung(name: str) -> bool:
            return f'"{name}"' in str(heard.get_message(timeout=1))

        for name, change in changes:
            change()
            wait_until(partial(is_rung, name), what=name)


def test_rights_that_change_during_a_check_are_checked_again_soon() -> None:
    class Changing:
        """Sockets whose rights change as soon as the gate has begun to read them."""

        gate: Gate
        is_announced = False

        @property
        def sockets(self) -> set[Any]:
            if not self.is_announced:
                self.gate.hurry()
            self.is_announced = True
            return set()

    async def pause_after_a_check() -> float:
        streams: Any = Changing()
        gate = streams.gate = Gate(streams)
        began = gate.check_at
        while gate.check_at <= began:  # noqa: ASYNC110 (each turn of the loop)
            await asyncio.sleep(0)
        pause = gate.check_at - time.monotonic()
        await gate.close()
        return pause

    assert asyncio.run(pause_after_a_check()) <= SOONEST


def test_an_outbox_stops_where_the_servers_buffer_is_full() -> None:
    async def send_slowly() -> tuple[list[str], list[bool], list[str]]:
        sent, rooms = list[str](), list[str]()

        async def send(event: Any) -> None:
            sent.append(event["text"])

        outbox = Outbox(send)
        outbox.on_room = lambda: rooms.append("room")
        outbox.pauseProducing()
        taken = [outbox.put("a" * MOST_QUEUED), outbox.put("b")]
        await asyncio.sleep(0)
        assert sent == []
        outbox.resumeProducing()
        while not rooms:  # noqa: ASYNC110 (the outbox calls)
            await asyncio.sleep(0)
        taken.append(outbox.put("c"))
        await asyncio.sleep(0)
        return [text[0] for text in sent], taken, rooms

    assert asyncio.run(send_slowly()) == (["a", "c"], [True, False, True], ["room"])
