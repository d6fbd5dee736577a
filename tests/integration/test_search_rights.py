"""A search finds what somebody may see and nothing else, whatever the kind of text."""

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from chat import services
from chat.models import Member, Message, Searchable, Session
from chat.services import (
    Answer,
    TextFilter,
    invite,
    open_session,
    post_message,
    remove_member,
    rename_session,
    search_texts,
    set_private,
    undo_response,
)
from procedures.models import Grant, Run
from tests.calls import caller, grant, request_of, respond, run_until_it_waits
from tests.pages import browser, shown

Kind = Searchable.Kind
WORDS = {
    Kind.RUN: "bronze",
    Kind.NOTICE: "copper",
    Kind.REQUEST: "silver",
    Kind.ANSWER: "golden",
    Kind.PERSON: "marble",
    Kind.SESSION: "quartz",
}
RUNS = {Kind.RUN, Kind.NOTICE, Kind.REQUEST, Kind.ANSWER}


@pytest.fixture
def session(alice: User, bob: User, finance: Group, support: Group) -> Session:
    """A session with a text of each kind: alice started its run, and finance was asked."""
    grant("question", finance, "answer")
    grant("question", support, "start")
    run = run_until_it_waits("question", by=alice)
    respond(caller(bob), request_of(run), value=True, comment="A golden rule")
    session = Message.objects.get(run=run, kind="run").session
    notice = Message(kind=Message.Kind.NOTICE, run=run, text="a copper wire", at=timezone.now())
    notice.add_to(session.pk)
    post_message(session, "Marbles", by=alice)
    for kind in (Kind.RUN, Kind.REQUEST):
        keep = Searchable.new(kind, WORDS[kind], at=notice.at)
        Searchable.objects.filter(kind=kind).update(
            text=keep.text, folded=keep.folded, grams=keep.grams
        )
    Session.objects.filter(pk=session.pk).update(title="Quartz")
    session.refresh_from_db()
    Searchable.keep_title(session)
    return session


def found(user: User) -> set[str]:
    """The kinds of texts that somebody finds by their words, by each way of searching."""
    hits = {
        kind: [hit.kind for hit in search_texts(user, TextFilter(word), most=5).hits]
        for kind, word in WORDS.items()
    }
    assert all(kinds in ([], [kind]) for kind, kinds in hits.items())
    kinds = {str(kind) for kind, kinds in hits.items() if kinds}
    for kind in (Kind.RUN, Kind.PERSON):
        told = caller(user).get("/api/search", {"q": WORDS[kind]}).json()
        assert ([item["kind"] for item in told["items"]] == [kind]) == (kind in kinds)
        assert told["next"] is None
    return kinds


def test_each_sort_of_person_finds_what_they_may_see(
    session: Session, alice: User, bob: User, carol: User, dave: User, finance: Group
) -> None:
    everything = {str(kind) for kind in WORDS}
    assert found(alice) == everything
    assert found(User.objects.create_superuser("root")) == everything
    # Somebody who was asked sees the run and, as it opened the session, its title.
    assert found(bob) == RUNS | {Kind.SESSION}
    assert found(carol) == set()

    Member.join(session, carol, at=timezone.now())
    assert found(carol) == everything
    Member.objects.filter(user=carol).delete()
    assert found(carol) == set()

    auditors = Group.objects.create(name="auditors")
    carol.groups.add(auditors)
    Grant.objects.create(procedure=Run.objects.get().procedure, group=auditors, role="see")
    assert found(User.objects.get(pk=carol.pk)) == RUNS | {Kind.SESSION}
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert not search_texts(User.objects.get(pk=alice.pk), TextFilter("marble"), most=5).hits


def test_a_private_session_is_found_by_its_members_alone(
    session: Session, alice: User, bob: User, carol: User
) -> None:
    everything, root = {str(kind) for kind in WORDS}, User.objects.create_superuser("root")

    set_private(session.pk, is_private=True, by=alice)

    assert found(alice) == everything
    assert found(bob) == found(carol) == found(root) == set()
    member, _ = invite(session.pk, carol, by=alice)
    assert found(carol) == everything
    remove_member(session.pk, member.pk, by=carol)
    assert found(carol) == set()


def test_a_session_is_found_by_the_title_that_it_has_now(alice: User, carol: User) -> None:
    session, _ = open_session("Lost parcels", by=alice)
    rename_session(session.pk, "Broken crates", by=alice)

    def kinds(user: User, word: str) -> list[str]:
        return [hit.kind for hit in search_texts(user, TextFilter(word), most=5).hits]

    assert [kinds(alice, word) for word in ("parcel", "crate")] == [[], ["session"]]
    assert [kinds(carol, word) for word in ("parcel", "crate")] == [[], []]
    [hit] = search_texts(alice, TextFilter("crate"), most=5).hits
    opened = Message.objects.get(session=session, kind=Message.Kind.OPENED)
    assert (hit.title, hit.message) == ("Broken crates", opened.pk)
    page = shown(browser(alice).get("/search", {"q": "crate", "in": "sessions"}))
    assert f'href="/chat/{session.pk}?message={opened.pk}#message-{opened.pk}"' in page


def test_an_answer_that_was_undone_is_not_found(
    alice: User, bob: User, finance: Group, support: Group
) -> None:
    grant("undoable", finance, "answer")
    grant("undoable", support, "start")
    request = request_of(run_until_it_waits("undoable", by=alice))
    answer = Answer(value=True, comment="A golden rule", channel="page")
    services.respond(request.pk, answer, by=bob)
    assert len(search_texts(bob, TextFilter("golden"), most=5).hits) == 1

    undo_response(request.pk, by=bob)

    assert search_texts(bob, TextFilter("golden"), most=5).hits == []
