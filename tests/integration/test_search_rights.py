"""A search finds what somebody may see and nothing else, whatever the kind of text."""

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from chat.models import Member, Message, Searchable, Session
from chat.services import TextFilter, post_message, search_texts
from procedures.models import Grant, Run
from tests.calls import caller, grant, request_of, respond, run_until_it_waits

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
