"""The rows read for pages of the chat: as many on a large site as on a small one."""

from collections.abc import Iterable
from copy import copy
from datetime import timedelta
from itertools import product

import pytest
from django.contrib.auth.models import User
from django.db import connection

from bench.feed import analyze
from chat.models import FeedEntry, HumanRequest, Member, Message, Session
from procedures.engine.journal.events import RunStatus
from procedures.models import Run
from procedures.models.clock import clock
from procedures.models.ids import uuid7
from tests.conftest import create_person
from tests.pages import ask
from tests.plans import grown, nodes_of_page, rows_read

pytestmark = [
    pytest.mark.usefixtures("bob"),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite doesn't count its rows"),
]
FEW, MANY = 300, 3_000


def add_sessions(count: int, run: Run, member: User) -> None:
    """More sessions of that member, each with a copy of the run that says something."""
    now = clock.now()
    sessions = [Session(title=f"Session {n}", created_at=now, last_seq=1) for n in range(count)]
    Session.objects.bulk_create(sessions)
    Member.objects.bulk_create(Member(session=one, user=member, joined_at=now) for one in sessions)
    runs = [copy_of(run, member) for _ in sessions]
    Run.objects.bulk_create(runs)
    said = [
        Message(session=one, seq=1, kind="run", run=run, author=member, at=now)
        for one, run in zip(sessions, runs, strict=True)
    ]
    Message.objects.bulk_create(said)
    FeedEntry.objects.bulk_create(
        FeedEntry(session_id=one.session_id, audience=audience, newest=one.pk, seq=1)
        for one in said
        for audience in ("all", "runs", f"member:{member.pk}", f"user:{member.pk}")
    )
    know_the_rows()


def copy_of(run: Run, member: User) -> Run:
    made = copy(run)
    made.pk, made.started_by, made.status = uuid7(), member, RunStatus.SUCCEEDED
    return made


def add_messages(count: int, session: Session, run: Run) -> None:
    """More messages of a run in a session."""
    first, now = session.last_seq + 1, clock.now()
    Message.objects.bulk_create(
        Message(session=session, seq=first + n, kind="notice", run=run, text="Words.", at=now)
        for n in range(count)
    )
    session.last_seq += count
    session.save(update_fields=["last_seq"])
    know_the_rows()


def add_members(count: int, session: Session) -> None:
    """More members of a session, all of whom are one crowd."""
    first, now = User.objects.count(), clock.now()
    people = [User(username=f"person{n}") for n in range(first, first + count)]
    people = User.objects.bulk_create(people)
    Member.objects.bulk_create(
        Member(session=session, user=one, joined_at=now + timedelta(seconds=n), in_crowd=True)
        for n, one in enumerate(people)
    )
    session.members.update(in_crowd=True)
    know_the_rows()


def know_the_rows() -> None:
    analyze()
    with connection.cursor() as cursor:
        # As on a large site, where reading a whole table costs more than a few rows by key.
        cursor.execute("SET random_page_cost = 1")


@pytest.fixture
def request_(alice: User) -> HumanRequest:
    return ask("approval", by=alice)


@pytest.fixture
def root() -> User:
    return User.objects.create(username="root", is_superuser=True)


Read = dict[tuple[User, str], int]


def read_by_each(viewers: Iterable[User], paths: Iterable[str]) -> Read:
    """The rows that are read for each page of each viewer."""
    pages = product(viewers, paths)
    return {(user, path): rows_read(nodes_of_page(user, path)) for user, path in pages}


def test_the_list_reads_as_much_among_many_sessions(
    request_: HumanRequest, alice: User, bob: User, carol: User, root: User
) -> None:
    run = request_.wait.run
    add_sessions(FEW, run, create_person("dora"))
    add_sessions(FEW, run, alice)
    older = FeedEntry.objects.filter(audience="all").order_by("newest")[FEW // 2].newest

    def read() -> Read:
        """Carol may not see the session."""
        lists = ("/chat", "/chat/rows", f"/chat?older={older}")
        own = read_by_each([alice, bob, root], [f"/chat/{request_.session_id}"])
        return own | read_by_each([alice, bob, root, carol], lists)

    few = read()
    add_sessions(MANY, run, alice)

    assert grown(few, read()) == {}


def test_a_session_reads_as_much_with_many_messages(
    request_: HumanRequest, alice: User, bob: User, root: User
) -> None:
    paths = [f"/chat/{request_.session_id}", f"/chat/{request_.session_id}/beside"]
    add_messages(FEW, request_.session, request_.wait.run)
    few = read_by_each([alice, bob, root], paths)

    add_messages(MANY, request_.session, request_.wait.run)

    assert grown(few, read_by_each([alice, bob, root], paths)) == {}


def test_a_session_reads_as_much_with_many_members(request_: HumanRequest, alice: User) -> None:
    paths = [f"/chat/{request_.session_id}", f"/chat/{request_.session_id}/beside"]
    add_members(FEW, request_.session)
    few = read_by_each([alice], paths)

    add_members(MANY, request_.session)

    assert grown(few, read_by_each([alice], paths)) == {}
