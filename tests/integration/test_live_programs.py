"""Programs follow the live stream with the tokens of the API, over real sockets."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError

import pytest
from django.contrib.auth.models import Group, User
from pytest_django import Settings
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from chat.models import Member, Presence
from chat.services import post_message
from dashboard.http.throttle import Attempt
from dashboard.models import ApiToken, Scope
from dashboard.models.token import ApiTokenQuerySet
from procedures.models import Run
from procedures.models.clock import clock
from procedures.services import cancel_run
from tests.calls import grant, request_of, run_until_it_waits
from tests.configured import configure
from tests.conftest import create_person, group
from tests.documents import Page as Document
from tests.live_page import LivePage, own_hub
from tests.processes import Redis, Web, wait_until
from tests.sockets import Page, program, session_of
from tests.talks import begin_talk

DRAWN = {"run": ("page", "card"), "session": ("page",), "inbox": ("page", "cards")}
DOCUMENT = Path(__file__).parents[2] / "docs/live.md"
UNKNOWN, TOO_NARROW = 4401, 4403
PATIENCE = 60


@pytest.fixture
def run(transactional_db: None, operators: Group) -> Run:
    """Operators see it, such as dave."""
    grant("question", operators, "see", "operate")
    return run_until_it_waits("question")


def end_of(one: Page) -> tuple[int, str]:
    """The code that a socket is closed with, and the words that come before it."""
    words = ""
    try:
        while True:
            words = one.hear().get("error", words)
    except ConnectionClosed as closed:
        return (closed.rcvd.code if closed.rcvd else 0), words


def test_only_a_token_that_may_read_follows_anything(
    run: Run, dave: User, running_web: Web
) -> None:
    for scope in Scope:
        with program(running_web, ApiToken.create_for(dave, scopes=[scope])) as daves:
            if scope == Scope.READ:
                daves.follow(f"run:{run.pk}")
                assert daves.hear_until(run.head_seq) == list(range(1, run.head_seq + 1))
            else:
                code, words = end_of(daves)
                assert code == TOO_NARROW
                assert f"needs the scope read. The token has: {scope}." in words


def test_a_program_gets_data_of_what_its_user_may_see_and_nothing_drawn(
    run: Run, dave: User, carol: User, running_web: Web
) -> None:
    token = ApiToken.create_for(dave)
    names = {"run": f"run:{run.pk}", "session": f"session:{request_of(run).session_id}"}
    with program(running_web, token) as daves:
        for kind in ("run", "session", "inbox", "runs"):
            daves.follow(names.get(kind, kind))
            assert "html" not in (heard := daves.hear())
            assert "denied" not in heard
        daves.heard_before_an_answer()
        for kind, forms in DRAWN.items():
            for form in forms:
                daves.follow(names.get(kind, kind), form=form)
                assert f"as 'data', not as '{form}'" in daves.hear_error()
        wait_until(lambda: ApiToken.objects.filter(last_used_at__isnull=False).exists())
    with program(running_web, ApiToken.create_for(carol, scopes=Scope)) as carols:
        carols.follow(names["run"])
        assert "denied" in carols.hear()
    # Nobody looks at a program's socket: dave is still sent mail.
    assert not Presence.objects.exists()


def test_a_program_that_reconnects_with_its_cursor_misses_nothing(
    run: Run, dave: User, running_web: Web
) -> None:
    session = request_of(run).session
    token, stream = ApiToken.create_for(dave), f"session:{session.pk}"
    with program(running_web, token) as daves:
        daves.follow(stream)
        first = daves.hear_until(1)
    for number in range(3):
        member = create_person(f"p{number}")
        Member.join(session, member, at=clock.now())
        post_message(session, f"{number}", by=member)
    with program(running_web, token) as daves:
        daves.follow(stream, after=first[-1])
        session.refresh_from_db()
        head = session.last_seq
        assert daves.hear_until(head) == list(range(2, head + 1))


def test_the_example_of_the_document_waits_and_says_why_it_cannot(
    run: Run, dave: User, carol: User, running_web: Web
) -> None:
    """It waits until the run ends: here the run has ended already."""
    wait = Document(DOCUMENT).definitions["wait_for_end"]
    site = running_web.url.replace("http:", "ws:")
    cancel_run(run.pk, by=dave, reason="Nobody needs it.")

    assert wait(site, ApiToken.create_for(dave), str(run.pk)) == "run.cancelled"
    with pytest.raises(LookupError, match="don't have access"):
        wait(site, ApiToken.create_for(carol), str(run.pk))
    # Whichever it notices first.
    with pytest.raises((LookupError, ConnectionClosed), match=r"needs the scope read|4403"):
        wait(site, ApiToken.create_for(dave, scopes=[Scope.START]), str(run.pk))


def test_the_example_of_the_document_asks_for_what_it_was_not_sent() -> None:
    """The site seems to have been unable to check rights for a moment: nothing more would come."""
    asked = list[dict[str, object]]()

    def answer(socket: ServerConnection) -> None:
        asked.append(json.loads(socket.recv()))
        if len(asked) > 1:
            socket.send('{"error": "It reconnects instead."}')
            return
        socket.send('{"stream": "run:7", "frames": [{"seq": 1, "kind": "run.started"}]}')
        socket.send('{"stream": "run:7", "head": 2}')
        asked.append(json.loads(socket.recv(timeout=PATIENCE)))
        socket.send('{"stream": "run:7", "frames": [{"seq": 2, "kind": "run.succeeded"}]}')

    with serve(answer, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        wait = Document(DOCUMENT).definitions["wait_for_end"]
        site = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        try:
            assert wait(site, "token", "7") == "run.succeeded"
        finally:
            server.shutdown()
            thread.join()
    assert asked[1] == {"range": "run:7", "after": 1}


@pytest.mark.django_db(transaction=True)
def test_the_chat_client_of_the_document_writes_searches_and_follows(
    alice: User, bob: User, running_web: Web
) -> None:
    talk = begin_talk(alice, bob, title="Parcels")
    token = ApiToken.create_for(alice, scopes=[Scope.READ, Scope.ANSWER])
    chat = Document(DOCUMENT).definitions["Chat"](running_web.url, token)

    first = chat.post(str(talk.pk), "Where is 1187?")
    followed = chat.follow(str(talk.pk))

    assert next(followed)["id"] == first["id"]
    post_message(talk, "At the door", by=bob)
    assert next(followed)["text"] == "At the door"
    followed.close()
    assert [one["id"] for one in chat.sessions()] == [str(talk.pk)]
    assert [hit["message_id"] for hit in chat.search("1187")] == [first["id"]]
    with pytest.raises(HTTPError):
        chat.post(str(talk.pk), " ")


def test_a_programs_socket_ends_with_its_token(
    run: Run, admin_user: User, running_web: Web
) -> None:
    def tokens(name: str) -> ApiTokenQuerySet:
        return ApiToken.objects.filter(user__username=name)

    def leave() -> None:
        user = User.objects.get(username="deactivated")
        user.is_active = False
        user.save()

    def change_password() -> None:
        user = User.objects.get(username="new_password")
        user.set_password("something else entirely")
        user.save()

    soon = clock.now() + timedelta(seconds=1)
    ways: dict[str, Callable[[], object]] = {
        "revoked": lambda: tokens("revoked").revoke(),
        "revoked_by_sql": lambda: tokens("revoked_by_sql").update(revoked_at=clock.now()),
        "expired": lambda: tokens("expired").update(expires_at=soon),
        "narrowed": lambda: tokens("narrowed").update(scopes=["answer"]),
        "deactivated": leave,
        "new_password": change_password,
    }
    pages = {}
    with contextlib.ExitStack() as stack:
        for name in (*ways, "stays"):
            user = create_person(name, group("operators"))
            opened = program(running_web, ApiToken.create_for(user))
            pages[name] = stack.enter_context(opened)
            pages[name].follow(f"run:{run.pk}")
            pages[name].hear_until(run.head_seq)
        for end in ways.values():
            end()
        ends = {name: end_of(pages[name]) for name in ways}
        cancel_run(run.pk, by=admin_user, reason="Nobody needs it.")
        while pages["stays"].hear().get("kind") != "run.cancelled":
            pass
    assert {name: code for name, (code, _) in ends.items()} == dict.fromkeys(ways, UNKNOWN) | {
        "narrowed": TOO_NARROW
    }
    assert "expired or been revoked" in ends["revoked"][1]


def test_a_cookie_needs_the_sites_origin_whatever_is_sent_beside_it(
    dave: User, running_web: Web
) -> None:
    """A browser sends a name and password of its own accord, but never a token."""
    address = running_web.url.replace("http:", "ws:") + "/live"
    cookie = f"sessionid={session_of(dave)}"
    for other in ("Basic ZGF2ZTpkYXZl", "Bearer ", "Bearer"):
        headers = {"Cookie": cookie, "Authorization": other}
        with pytest.raises(InvalidStatus), connect(address, additional_headers=headers):
            pass


def test_unknown_tokens_count_against_their_address(
    dave: User, redis_server: Redis, transactional_db: None, settings: Settings
) -> None:
    """A cookie beside such a token changes nothing."""
    configure(settings, ATTEMPTS_PER_ADDRESS="1 per 15 minutes")
    key, token = session_of(dave), ApiToken.create_for(dave)
    attempt = Attempt("192.0.2.7", "API token")

    async def guess() -> tuple[list[dict[str, object]], dict[str, object]]:
        async with own_hub():
            guesser = LivePage(key, token="guessed")
            told = [await guesser.hear(), await guesser.hear()]
            await asyncio.to_thread(wait_until, attempt.is_over, what="the guess to count")
            known = LivePage(token=token)
            known.say(follow="runs")
            return told, await known.hear()

    told, heard = asyncio.run(guess())

    assert "unknown" in str(told[0]["error"])
    assert told[1] == {"closed": UNKNOWN}
    assert heard["stream"] == "runs"
