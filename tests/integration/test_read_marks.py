"""Read marks only move forward, and count only what a person may see."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.access import AccessCache
from chat.models import Member, Message, ReadMark, Session
from chat.services import invite, post_message
from chat.unread import MOST_COUNTED, READERS, followed, mark_read, readers_of, unread_in, unread_of
from procedures.models.clock import clock
from tests.conftest import StartWeb
from tests.pages import HTMX, ask, ask_in, browser, queries_of, shown, writes
from tests.processes import Redis, Web
from tests.sockets import Page, page
from tests.talks import begin_talk


@pytest.fixture
def talk(alice: User, carol: User) -> Session:
    """Alice and carol talk; nobody has read anything."""
    return begin_talk(alice, carol)


def counted(user: User, *sessions: Session) -> list[int | None]:
    """Return the number of new messages in each session; None if the person doesn't follow it."""
    found = followed(user, [one.pk for one in sessions], AccessCache(user))
    return [found[one.pk].unread if one.pk in found else None for one in sessions]


def read(user: User, session: Session, seq: int) -> int:
    return browser(user).post(f"/chat/{session.pk}/reading", {"seq": seq}, headers=HTMX).status_code


def mark_of(user: User, session: Session) -> int:
    return ReadMark.objects.get(session=session, user=user).seq


def newest(session: Session) -> int:
    return session.messages.latest("seq").seq


def test_a_mark_moves_forward_only_and_not_past_the_end(
    talk: Session, alice: User, carol: User
) -> None:
    for text in ("One", "Two", "Three"):
        post_message(talk, text, by=alice)
    end = newest(talk)

    assert [read(carol, talk, seq) for seq in (end - 1, 1, end - 1)] == [204] * 3
    assert mark_of(carol, talk) == end - 1
    assert counted(carol, talk) == [1]
    assert read(carol, talk, 10**15) == 204
    assert mark_of(carol, talk) == end
    assert counted(carol, talk) == [0]


def test_only_a_post_marks_as_read_and_only_who_sees_the_session(
    talk: Session, alice: User, carol: User, bob: User
) -> None:
    post_message(talk, "Hello", by=alice)
    path = f"/chat/{talk.pk}"

    assert not writes(queries_of(browser(carol), path))
    assert browser(carol).get(f"{path}/reading").status_code == 405
    assert read(bob, talk, 1) == 404
    for wrong in ("", "x", "1e9", str(2**70)):
        client = browser(carol)
        assert client.post(f"{path}/reading", {"seq": wrong}, headers=HTMX).status_code == 400
    assert not ReadMark.objects.filter(session=talk, user__in=[bob, carol]).exclude(seq=0).exists()
    # Without scripts, the button below "New" leads back to the end of the session.
    sent = browser(carol).post(f"{path}/reading", {"seq": newest(talk)})
    assert sent.headers["Location"] == f"{path}#latest"


def test_ones_own_messages_are_never_new_and_writing_marks_as_read(
    talk: Session, alice: User, carol: User
) -> None:
    post_message(talk, "Hello", by=alice)
    browser(carol).post(f"/chat/{talk.pk}/messages", {"text": "Yes?", "request": ""})
    post_message(talk, "By a program of hers", by=alice)

    assert counted(carol, talk) == [1]
    assert counted(alice, talk) == [1]
    assert mark_of(carol, talk) == newest(talk) - 1


def test_the_list_shows_what_is_new_and_the_transcript_where_reading_stopped(
    talk: Session, alice: User, carol: User
) -> None:
    post_message(talk, "Read", by=alice)
    read(carol, talk, newest(talk))
    assert 'transcript__new" data-day' not in shown(browser(carol).get(f"/chat/{talk.pk}"))
    first = post_message(talk, "First new", by=alice)
    post_message(talk, "Second new", by=alice)

    rows = shown(browser(carol).get("/chat"))
    transcript = shown(browser(carol).get(f"/chat/{talk.pk}"))

    assert '2<span class="unseen"> new messages</span>' in rows
    assert "session-row__unread" not in shown(browser(alice).get("/chat"))
    line = transcript.index('transcript__new" data-day')
    assert transcript.index("Read</div>") < line < transcript.index(f"message-{first.pk}")
    # The session that is open is being read.
    assert "session-row__unread" not in transcript
    for number in range(MOST_COUNTED):
        post_message(talk, f"Message {number}", by=alice)
    assert '99+<span class="unseen"> new messages</span>' in shown(browser(carol).get("/chat"))


def test_who_is_no_member_counts_only_what_they_may_see(
    alice: User, bob: User, carol: User
) -> None:
    """Bob is asked by one run; what alice and carol tell each other isn't his."""
    session = ask("approval", by=alice).session
    Member.join(session, carol, at=clock.now())
    assert counted(bob, session) == [None]
    read(bob, session, newest(session))
    post_message(session, "Between us", by=alice)
    assert counted(bob, session) == [0]
    asked = ask_in(session, "text", by=alice)
    about = Message.objects.get(request=asked)
    post_message(session, "What do you mean?", by=carol, reply_to=about)

    assert counted(bob, session) == [2]
    assert counted(carol, session) == [2]


def test_members_are_shown_who_has_read_and_others_are_not(
    talk: Session, alice: User, bob: User, carol: User, dave: User
) -> None:
    post_message(talk, "Hello", by=alice)
    mark_read(talk.pk, by=carol, seq=newest(talk))
    # A mark of somebody who is no member, or not any more, names nobody.
    mark_read(talk.pk, by=bob, seq=newest(talk))

    # Nor has alice read anything, or dave, who was invited afterwards.
    Member.join(talk, dave, at=clock.now())
    assert [name for _, name, _ in readers_of(talk.pk).named] == ["carol"]
    assert "carol" in shown(browser(alice).get(f"/chat/{talk.pk}")).split("readers=")[1]
    asked = ask("approval", by=alice).session
    assert "readers=" not in shown(browser(bob).get(f"/chat/{asked.pk}"))


def test_a_new_member_begins_at_the_end(talk: Session, alice: User, bob: User) -> None:
    post_message(talk, "Before", by=alice)
    Member.join(talk, bob, at=clock.now())
    post_message(talk, "After", by=alice)

    assert counted(bob, talk) == [1]


def test_whoever_is_invited_finds_the_session_marked(talk: Session, alice: User, bob: User) -> None:
    post_message(talk, "Before", by=alice)

    invite(talk.pk, bob, by=alice)

    assert unread_of([bob.pk]) == {bob.pk: {talk.pk: newest(talk)}}
    assert counted(bob, talk) == [1]


def test_of_a_crowd_the_readers_are_only_counted(talk: Session, alice: User) -> None:
    names = [f"reader-{number}" for number in range(READERS)]
    User.objects.bulk_create(User(username=name) for name in names)
    for user in User.objects.filter(username__in=names):
        Member.join(talk, user, at=clock.now())
    post_message(talk, "Hello", by=alice)
    end = newest(talk)
    for user in User.objects.filter(username__in=names):
        mark_read(talk.pk, by=user, seq=end)
    assert len(readers_of(talk.pk).named) == READERS
    mark_read(talk.pk, by=alice, seq=end)

    assert readers_of(talk.pk).named == ()
    assert readers_of(talk.pk).count == READERS + 1


def test_what_is_new_for_many_people_takes_as_many_statements_as_for_one(
    talk: Session, alice: User, bob: User, carol: User, dave: User
) -> None:
    others = [begin_talk(alice, carol, bob, dave) for _ in range(3)]
    crowd = begin_talk(alice, *[_person(number) for number in range(9)], bob)
    for session in (talk, *others, crowd):
        post_message(session, "Hello", by=alice)
    mark_read(others[0].pk, by=bob, seq=newest(others[0]))
    people = [alice.pk, bob.pk, carol.pk, dave.pk]

    with CaptureQueriesContext(connection) as for_all:
        found = unread_of(people)
    with CaptureQueriesContext(connection) as for_one:
        unread_of([bob.pk])

    assert len(for_all) == len(for_one) == 2
    assert found[alice.pk] == {}
    assert found[bob.pk].keys() == {others[1].pk, others[2].pk, crowd.pk}
    assert found[carol.pk].keys() == {talk.pk, *(one.pk for one in others)}
    # The list agrees.
    for user in (alice, bob, carol, dave):
        listed = followed(user, [one.pk for one in (talk, *others, crowd)], AccessCache(user))
        assert {key for key, one in listed.items() if one.unread} == found[user.pk].keys()
    assert unread_in([crowd.pk], people)[bob.pk] == {crowd.pk: newest(crowd)}
    Member.objects.filter(session=crowd, user=bob).delete()
    assert crowd.pk not in unread_of([bob.pk])[bob.pk]


def test_the_list_takes_the_same_statements_for_any_number_of_sessions(
    alice: User, carol: User
) -> None:
    client = browser(carol)
    post_message(begin_talk(alice, carol), "Hello", by=alice)
    few = len(queries_of(client, "/chat"))
    for _ in range(12):
        post_message(begin_talk(alice, carol), "Hello", by=alice)

    assert len(queries_of(client, "/chat")) == few


@contextmanager
def chat_of(web: Web, user: User) -> Iterator[Page]:
    """Follow what is new for somebody, after the first frame."""
    with page(web, user) as found:
        found.follow("chat", form="page")
        assert found.hear()["stream"] == "chat"
        yield found


@pytest.mark.django_db(transaction=True)
def test_those_concerned_hear_what_is_new_and_nobody_else(
    running_web: Web, alice: User, bob: User, carol: User, redis_server: Redis
) -> None:
    session = begin_talk(alice, carol)
    with chat_of(running_web, carol) as carols, chat_of(running_web, bob) as bobs:
        post_message(session, "Hello", by=alice)
        told = carols.hear()
        assert (told["unread"], told["sessions"]) == (1, {str(session.pk): newest(session)})
        # In another window, or on the phone.
        assert read(carol, session, newest(session)) == 204
        assert carols.hear()["unread"] == 0
        redis_server.stop()
        post_message(session, "Without Redis", by=alice)
        assert carols.hear()["unread"] == 1
        assert bobs.heard_before_an_answer() == []


@pytest.mark.django_db(transaction=True)
def test_open_pages_of_members_hear_who_has_read(
    running_web: Web, web: StartWeb, alice: User, bob: User, carol: User
) -> None:
    """Bob sees a part of the session, and is told nothing of who reads.

    Carol reads by another process than the one that serves alice's page.
    """
    session = ask("approval", by=alice).session
    Member.join(session, carol, at=clock.now())
    post_message(session, "Welcome", by=alice)
    session.refresh_from_db()
    stream, end = f"session:{session.pk}", newest(session)
    with page(running_web, alice) as alices, page(web(), bob) as bobs:
        for one in (alices, bobs):
            one.follow(stream, form="page", after=session.last_seq)
            one.follow("chat", form="page")
            assert one.hear()["stream"] == "chat"
            assert one.newest == {stream: session.last_seq}
        assert read(carol, session, end) == 204
        while "readers" not in (told := alices.hear_together())["together"]:
            pass
        assert told["stream"] == stream
        assert [carol.pk, "carol", end] in told["together"]["readers"]["named"]
        assert bobs.heard_before_an_answer() == []
        assert not bobs.has_heard_together


def _person(number: int) -> User:
    return User.objects.create(username=f"person-{number}")
