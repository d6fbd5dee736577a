"""The cost of a message, and its places in lists, in a session with many members."""

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from chat.feed import newest_messages
from chat.models import FeedEntry, Member, Message, Session
from chat.models.feed import MOST_FED
from chat.services import post_message
from procedures.models.clock import clock

pytestmark = pytest.mark.django_db(transaction=True)
FEW, MANY = 10, 1_000


def people(count: int) -> list[User]:
    names = [f"person-{number:04}" for number in range(count)]
    User.objects.bulk_create(User(username=name) for name in names)
    return list(User.objects.filter(username__in=names).order_by("username"))


def talk(members: list[User], title: str = "Talk") -> Session:
    session = Session.new(title, at=clock.now())
    session.save(force_insert=True)
    # A crowd as `join` makes it; the others don't change what happens then.
    for person in members[: MOST_FED + 1]:
        Member.join(session, person, at=clock.now())
    others = [Member.new(session, one, at=clock.now()) for one in members[MOST_FED + 1 :]]
    for one in others:
        one.in_crowd = True
    Member.objects.bulk_create(others)
    return session


def rows_written() -> int:
    """Return the number of rows that this transaction, or SQLite's connection, has written."""
    if connection.vendor == "sqlite":
        return int(connection.connection.total_changes)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
        )
        return int(cursor.fetchone()[0])


def merge_search_indexes() -> None:
    """Merge SQLite's search indexes, which otherwise merge themselves in any later statement."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%USING fts5%'")
            for (name,) in cursor.fetchall():
                optimize = f"INSERT INTO {name}({name}) VALUES ('optimize')"  # noqa: S608 (own names)
                cursor.execute(optimize)


def cost_of_message(session: Session, by: User) -> tuple[int, int]:
    """Return the rows and the statements of a message."""
    with transaction.atomic():
        before = rows_written()
        with CaptureQueriesContext(connection) as captured:
            post_message(session, "Hello", by=by)
        return rows_written() - before, len(captured)


def test_a_message_writes_as_much_to_a_thousand_members_as_to_ten() -> None:
    members = people(MANY)
    few, many = talk(members[:FEW]), talk(members)
    # The first message also makes the entries that the second one changes.
    for session in (few, many):
        post_message(session, "First", by=members[0])
    merge_search_indexes()

    assert cost_of_message(many, members[0]) == cost_of_message(few, members[0])


def test_a_session_of_a_crowd_is_listed_once_in_its_place_until_somebody_leaves() -> None:
    members = people(MOST_FED + 2)
    *crowd, late = members
    small = talk(members[:1], "Small")
    first = post_message(small, "Alone", by=members[0])
    large = talk(crowd, "Large")
    second = post_message(large, "To all", by=members[1])
    third = post_message(small, "Alone again", by=members[0])

    assert [one.pk for one in newest_messages(members[0], most=5)] == [third.pk, second.pk]
    assert newest_messages(late, most=5) == []

    Member.join(large, late, at=clock.now())
    fourth = post_message(large, "To you, too", by=members[0])

    assert [one.pk for one in newest_messages(late, most=5)] == [fourth.pk]
    [page] = newest_messages(members[0], most=1)
    rest = newest_messages(members[0], before=page.pk, most=5)
    assert [page.pk, *(one.pk for one in rest)] == [fourth.pk, third.pk]

    Member.objects.filter(session=large, user=late).delete()

    assert newest_messages(late, most=5) == []
    assert first.pk not in {one.pk for one in newest_messages(members[0], most=5)}


def test_nobody_in_a_crowd_has_entries_of_their_own() -> None:
    members = people(MOST_FED + 1)
    session = talk(members[:-1])
    post_message(session, "Few", by=members[0])
    fed = FeedEntry.objects.filter(session=session, audience__startswith="member:")
    assert fed.count() == MOST_FED

    Member.join(session, members[-1], at=clock.now())
    post_message(session, "Many", by=members[0])

    assert not fed.exists()
    assert Member.objects.filter(session=session, in_crowd=True).count() == MOST_FED + 1
    newest = Message.objects.filter(session=session).latest("seq")
    for person in members:
        assert [one.pk for one in newest_messages(person, most=5)] == [newest.pk]
