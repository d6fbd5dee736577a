"""Sessions that people open: titles, members, and the entries that tell of each change."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.access import titles_for
from chat.feed import newest_messages
from chat.models import FeedEntry, HumanResponse, Member, Message, Session, SharedRun
from chat.parts import find_part
from chat.services import (
    LastMemberError,
    NotMemberError,
    RemovalDeniedError,
    invite,
    open_session,
    post_message,
    remove_member,
    rename_session,
    start_in_session,
)
from dashboard.live.frames import frames
from dashboard.live.streams import Stream
from dashboard.live.views import WHOLE
from dashboard.overview.cards import cards_in, listed_from
from dashboard.pages.beside import beside
from dashboard.pages.taking_part import ReadSession
from procedures import access
from procedures.engine.errors import InputError
from procedures.models.clock import clock
from procedures.run_lists import RunList
from procedures.services.ledger import examine_site
from tests.calls import caller, grant
from tests.conftest import create_person, group
from tests.pages import ask, ask_in, browser, queries_of, shown
from tests.runs import answer


def member(session: Session, user: User) -> Member:
    return Member.objects.get(session=session, user=user)


def lines(session: Session) -> list[tuple[str, str, str | None, str]]:
    """The lines of the transcript: kind, author, person and text."""
    told = session.messages.order_by("seq")
    return list(told.values_list("kind", "author__username", "person__username", "text"))


def faults() -> list[str]:
    return list(map(str, examine_site()))


def test_a_session_without_a_run_has_its_opener_members_and_first_message(
    alice: User, bob: User
) -> None:
    session, is_new = open_session(
        " Returns\tof May ", by=alice, members=["@bob", "alice"], text="Hello", client_key="k"
    )
    again = open_session("Returns of May", by=alice, client_key="k")
    other, is_other = open_session("Another", by=bob, client_key="k")

    assert (is_new, again, is_other) == (True, (session, False), True)
    assert lines(session) == [
        ("opened", "alice", None, "Returns of May"),
        ("invited", "alice", "bob", ""),
        ("person", "alice", None, "Hello"),
    ]
    session.refresh_from_db()
    assert (session.last_seq, session.said, session.title) == (3, 3, "Returns of May")
    for user in (alice, bob):
        assert titles_for(user, [session.pk]) == {session.pk: "Returns of May"}
        assert session.pk in {one.session_id for one in newest_messages(user, most=9)}
    assert "invited bob" in shown(browser(alice).get(f"/chat/{session.pk}"))
    assert [one.session_id for one in newest_messages(alice, most=9)] == [session.pk]
    assert {other.title, session.title} == {"Another", "Returns of May"}
    assert faults() == []


@pytest.mark.parametrize(
    ("title", "members", "field"),
    [
        ("  ", [], "title"),
        ("x" * 201, [], "title"),
        ("Plans", ["nobody"], "members"),
        ("Plans", ["gone"], "members"),
        ("Plans", [f"person{n}" for n in range(51)], "members"),
    ],
)
def test_what_cannot_be_a_session_is_refused_whole(
    alice: User, title: str, members: list[str], field: str
) -> None:
    User.objects.create(username="gone", is_active=False)

    with pytest.raises(InputError) as refused:
        open_session(title, by=alice, members=members)

    assert [fault.field for fault in refused.value.faults] == [field]
    assert not Session.objects.exists()


def test_hidden_characters_of_a_title_are_shown(alice: User) -> None:
    session, _ = open_session("Pay\u202e\0 now \ud800", by=alice)

    assert session.title == r"Pay\u202e␀ now \ud800"


def test_a_member_renames_the_session_and_open_pages_learn_it(alice: User, bob: User) -> None:
    session = ask("approval", by=alice).session
    before, given = session.title, session.last_seq

    with pytest.raises(NotMemberError):
        rename_session(session.pk, "Mine", by=bob)
    rename_session(session.pk, "March", by=alice)
    rename_session(session.pk, "March", by=alice)

    assert lines(session)[-1] == ("renamed", "alice", None, "March")
    assert Session.objects.get().last_seq == given + 1
    [frame] = frames(Stream("session", session.pk), "page", [WHOLE], after=given)
    assert 'id="session-title"><bdi>March</bdi></h1>' in frame.content["html"]
    assert "changed the title to “March”" in frame.content["html"]
    # What people write is for members: who only sees the run reads the run's name.
    assert titles_for(alice, [session.pk])[session.pk] == "March"
    assert titles_for(bob, [session.pk])[session.pk] == before
    assert "March" not in shown(browser(bob).get(f"/chat/{session.pk}"))


def test_an_invited_person_sees_the_runs_and_a_removed_one_does_not(
    alice: User, carol: User
) -> None:
    request = ask("approval", by=alice)
    session, run = request.session, request.wait.run
    post_message(session, "Between us", by=alice)
    assert find_part(carol, session.pk) is None

    with pytest.raises(NotMemberError):
        invite(session.pk, carol, by=carol)
    joined, is_new = invite(session.pk, carol, by=alice)
    assert (joined.user, is_new) == (carol, True)
    assert invite(session.pk, carol, by=alice) == (joined, False)
    assert "Between us" in shown(browser(carol).get(f"/chat/{session.pk}"))
    assert access.visible_runs(carol).filter(pk=run.pk).exists()
    assert RunList(carol, "").newest(9) == [run.pk]
    assert SharedRun.objects.filter(user=carol).exists()

    assert remove_member(session.pk, joined.pk, by=alice)
    assert not remove_member(session.pk, joined.pk, by=alice)
    assert lines(session)[-2:] == [
        ("invited", "alice", "carol", ""),
        ("removed", "alice", "carol", ""),
    ]
    assert browser(carol).get(f"/chat/{session.pk}").status_code == 404
    assert RunList(carol, "").newest(9) == newest_messages(carol, most=9) == []
    assert not SharedRun.objects.filter(user=carol).exists()
    assert not FeedEntry.objects.filter(audience=f"member:{carol.pk}").exists()
    with pytest.raises(NotMemberError):
        post_message(session, "One more word", by=carol)


def test_the_longest_member_and_operators_of_its_runs_may_remove_others(
    alice: User, bob: User, carol: User, dave: User
) -> None:
    session, _ = open_session("Plans", by=alice, members=["bob", "carol", "dave"])

    for by in (bob, dave):
        with pytest.raises(RemovalDeniedError):
            remove_member(session.pk, member(session, carol).pk, by=by)
    grant("named_refund", group("support"), "start")
    grant("named_refund", group("operators"), "operate")
    start_in_session(session, "named_refund", {"amount": "1"}, by=alice)
    remove_member(session.pk, member(session, carol).pk, by=dave)
    remove_member(session.pk, member(session, alice).pk, by=alice)
    remove_member(session.pk, member(session, dave).pk, by=bob)

    assert [line[:3] for line in lines(session)[-3:]] == [
        ("removed", "dave", "carol"),
        ("left", "alice", None),
        ("removed", "bob", "dave"),
    ]
    assert Member.objects.get().user == bob
    assert faults() == []


def test_the_last_member_leaves_only_knowingly(alice: User) -> None:
    session, _ = open_session("Plans", by=alice)
    mine = member(session, alice).pk

    with pytest.raises(LastMemberError, match="nobody can find or read"):
        remove_member(session.pk, mine, by=alice)
    assert remove_member(session.pk, mine, by=alice, is_confirmed=True)

    assert lines(session)[-1][:2] == ("left", "alice")
    assert find_part(alice, session.pk) is None


def test_verification_tells_of_members_put_back_or_taken_out_by_sql(
    alice: User, bob: User, carol: User
) -> None:
    session, _ = open_session("Plans", by=alice, members=["bob", "carol"])
    kept = Member.objects.filter(user=carol).values().get()
    remove_member(session.pk, kept["id"], by=alice)
    assert faults() == []

    Member.objects.create(**kept)
    Member.objects.filter(user=bob).delete()
    Session.objects.update(is_private=True)

    told = "\n".join(faults())
    assert f"Member {carol.pk} of chat session {session.pk}: the person has left" in told
    assert f"Member {bob.pk} of chat session {session.pk}: the field user was changed" in told
    assert "the field is_private was changed" in told


def test_a_session_of_ten_thousand_messages_costs_no_more_statements(
    alice: User, bob: User
) -> None:
    session, _ = open_session("Long", by=alice, members=["bob"])
    post_message(session, "First", by=bob)
    client = browser(alice)
    add_messages(session, 200, by=alice)
    latest, earlier = (
        len(queries_of(client, f"/chat/{session.pk}{query}")) for query in ("", "?before=3")
    )
    add_messages(session, 9_800, by=alice)

    assert len(queries_of(client, f"/chat/{session.pk}")) <= latest
    for query in ("?before=5000", "?before=60"):
        assert len(queries_of(client, f"/chat/{session.pk}{query}")) <= earlier


def add_messages(session: Session, count: int, *, by: User) -> None:
    last = session.messages.latest("seq")
    first, end = last.seq + 1, last.seq + 1 + count
    Message.objects.bulk_create(
        Message(session=session, seq=seq, kind="person", author=by, text=f"no {seq}.", at=last.at)
        for seq in range(first, end)
    )
    Session.objects.filter(pk=session.pk).update(last_seq=end - 1, said=end - 1)


@pytest.mark.parametrize("reader", ["alice", "bob"])
def test_the_lists_beside_a_transcript_are_the_same_if_it_has_read_everything(
    alice: User, bob: User, carol: User, admin_user: User, reader: str
) -> None:
    session = ask("approval", by=alice).session
    answered = ask_in(session, "text", by=alice)
    answer(ask_in(session, "told", by=alice), by=bob)
    HumanResponse.objects.filter(request=answered).delete()
    post_message(session, "Who pays?", by=alice)
    post_message(session, "The admin does.", by=admin_user, reply_to=session.messages.cards()[0])
    invite(session.pk, carol, by=alice)
    part = find_part(User.objects.get(username=reader), session.pk)
    assert part
    messages = list(part.messages.for_transcript().order_by("seq"))
    cards, now = cards_in(messages), clock.now()

    read = beside(
        part, now=now, read=ReadSession(messages, is_all=True, listed=listed_from(cards.values()))
    )

    assert read == beside(part, now=now)
    assert (len(read["runs"]), len(read["open_requests"])) == (1, 2)
    assert "admin" in {name for name, *_ in read["people"]}
    assert [words for _, words in read["writers"]] == ["To admin"]


def test_the_admin_shows_a_session_without_a_run(alice: User, bob: User, admin_user: User) -> None:
    session, _ = open_session("Plans", by=alice, members=["bob"])
    client = browser(admin_user)

    assert "Plans" in shown(client.get("/admin/countersign_chat/session/"))
    for message in session.messages.all():
        path = f"/admin/countersign_chat/message/{message.pk}/change/"
        assert client.get(path).status_code == 200
    assert "Plans" in shown(client.get(f"/admin/countersign_chat/session/{session.pk}/change/"))


def rows_beside(session: Session) -> dict[str, list[tuple[object, ...]]]:
    """The rows of a session for the lists of people, in the order in which they were said."""
    newest = dict(session.messages.values_list("pk", "seq"))
    entries = FeedEntry.objects.filter(session=session).order_by("audience")
    marks = session.read_marks.order_by("user")
    return {
        "lines": list(lines(session)),
        "members": list(session.members.order_by("pk").values_list("user", "in_crowd")),
        "feed": [(one.audience, newest[one.newest], one.seq) for one in entries],
        "marks": list(marks.values_list("user", "seq", "mentioned")),
        "changes": list(session.events.order_by("seq").values_list("seq", "kind")),
    }


@pytest.mark.parametrize("count", [2, 7])
def test_people_who_are_invited_with_the_opening_have_what_those_invited_later_have(
    alice: User, count: int
) -> None:
    people = [create_person(f"person{n}") for n in range(count)]

    together, _ = open_session("Plans", by=alice, members=[one.username for one in people])
    apart, _ = open_session("Plans", by=alice)
    for one in people:
        invite(apart.pk, one, by=alice)

    assert rows_beside(together) == rows_beside(apart)
    assert faults() == []


def test_an_opening_costs_as_many_statements_for_fifty_people_as_for_ten(alice: User) -> None:
    names = [create_person(f"person{n}").username for n in range(50)]
    open_session("First", by=alice, members=names[:1])  # what is read and prepared once

    counts = []
    for most in (10, 50):
        with CaptureQueriesContext(connection) as captured:
            open_session("Plans", by=alice, members=names[:most], text="Hello")
        counts.append(len(captured))

    assert counts[0] == counts[1] < 30
    crowd, _ = open_session("Crowd", by=alice, members=names)
    for path in (f"/chat/{crowd.pk}", f"/chat/{crowd.pk}/beside"):
        text = shown(browser(alice).get(path))
        assert "<bdi>person0</bdi>" in text
        assert "<bdi>person49</bdi>" not in text
        assert "These are the first 50 of 51." in text


def test_the_account_of_an_invited_person_can_be_deleted_and_its_name_stays(
    alice: User, carol: User, dave: User
) -> None:
    session, _ = open_session("Plans", by=alice, members=["carol", "dave"])
    remove_member(session.pk, member(session, dave).pk, by=alice)

    for person in (carol, dave):
        person.delete()

    page = shown(browser(alice).get(f"/chat/{session.pk}"))
    told = caller(alice).get(f"/api/sessions/{session.pk}/messages?after=0").json()["items"]
    assert [(one["kind"], one["person"], one["text"]) for one in told] == [
        ("opened", None, "Plans"),
        ("invited", "carol", ""),
        ("invited", "dave", ""),
        ("removed", "dave", ""),
    ]
    assert all(f"invited {name}" in page for name in ("carol", "dave"))
    assert "removed dave" in page
    assert faults() == []
