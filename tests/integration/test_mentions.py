"""Mentions: whom a name after an @ means, who is notified of it, and who isn't."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail

from chat.access import AccessCache
from chat.mentions import mentions_in, signs_in
from chat.models import Member, Message, Notification, Presence, ReadMark, Session
from chat.services import note_presence, post_message
from chat.services.sessions import set_private
from chat.unread import followed, mark_read, unread_of
from procedures.models.clock import clock
from tests.conftest import create_person
from tests.counting import counted
from tests.pages import HTMX, ask, browser, shown
from tests.talks import begin_talk
from tests.towers import MINUTE, pass_time


@pytest.fixture(autouse=True)
def addresses(db: None, alice: User, bob: User, carol: User, dave: User) -> None:
    for user in (alice, bob, carol, dave):
        user.email = f"{user.username}@sign.example"
        user.save()


@pytest.fixture
def talk(alice: User, bob: User) -> Session:
    return begin_talk(alice, bob, title="Parcels")


def say(user: User, session: Session, text: str, **more: str) -> str:
    """Send a message by the page; return the composer with what it tells."""
    fields = {"text": text, "request": "", **more}
    return shown(browser(user).post(f"/chat/{session.pk}/messages", fields, headers=HTMX))


def mailed() -> list[str]:
    return sorted(address for message in getattr(mail, "outbox", []) for address in message.to)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ana, look", ["ana"]),
        ("(@ana) and @Ana María López: see", ["ana", "Ana María López"]),
        ("@Ana María said", ["Ana María"]),
        ("@ana.b. And @dr. who?", ["ana.b", "dr. who"]),
        ("@ana@example.com, please", ["ana@example.com"]),
        ("今日は @花子 さん、@جميلة", ["花子", "جميلة"]),
        ("@ana twice @ana", ["ana"]),
        ("write to bob@ana or x.@ana or https://x.example/@ana", []),
        ("`@ana` and ```\n@ana\n``` and @ ana and @anatol", []),
        ("`@ana` but @ana", ["ana"]),
        ("@" * 5000 + "ana", []),
    ],
)
def test_the_longest_name_that_fits_is_meant(text: str, names: list[str]) -> None:
    known = ("ana", "ana.b", "Ana María", "Ana María López", "dr. who", "ana@example.com")
    for name in (*known, "花子", "جميلة"):
        create_person(name)

    assert [one.name for one in mentions_in(text)] == names


def test_whoever_is_mentioned_is_told_once_and_finds_it_in_the_list(
    talk: Session, alice: User, bob: User
) -> None:
    say(alice, talk, "@bob, is <b>this</b> so, @bob? I am @alice.")
    message = talk.messages.get()

    assert ReadMark.objects.get(session=talk, user=bob).mentioned == message.seq
    assert followed(bob, [talk.pk], AccessCache(bob))[talk.pk].is_mentioned
    assert "you are mentioned" in shown(browser(bob).get("/chat"))
    transcript = shown(browser(bob).get(f"/chat/{talk.pk}"))
    assert f'<bdi class="mention" data-person="{bob.pk}">@bob</bdi>, is &lt;b&gt;' in transcript
    for _ in range(3):
        pass_time()
    (letter,) = mail.outbox
    assert letter.to == ["bob@sign.example"]
    assert letter.subject == "alice mentioned you in the chat"
    assert "alice mentioned you in “Parcels”" in letter.body
    assert "is <b>this</b> so" in letter.body
    assert f"/chat/{talk.pk}?message={message.pk}#message-{message.pk}\n" in letter.body
    mark_read(talk.pk, by=bob, seq=message.seq)
    assert "you are mentioned" not in shown(browser(bob).get("/chat"))


def test_who_has_read_it_is_not_notified_and_who_looks_only_later(
    talk: Session, alice: User, bob: User, carol: User
) -> None:
    Member.join(talk, carol, at=talk.created_at)
    message = post_message(talk, "@bob @carol", by=alice)
    mark_read(talk.pk, by=bob, seq=message.seq)
    pass_time(MINUTE - timedelta(seconds=5))
    assert mailed() == []
    note_presence(carol)
    pass_time(timedelta(seconds=10))

    assert mailed() == []
    assert Notification.objects.get(recipient=bob).note == "This person has read the message."
    Presence.objects.all().delete()
    pass_time(MINUTE)
    assert mailed() == ["carol@sign.example"]


def test_nobody_is_notified_who_may_not_see_the_message(
    talk: Session, alice: User, carol: User
) -> None:
    told = say(alice, talk, "@carol, hello")

    assert "carol can&#x27;t see this session, and wasn&#x27;t notified." in told
    assert '<button class="button" form="invite-form" name="user" value="carol">' in told
    assert 'class="mention"' not in told
    assert not Notification.objects.exists()
    assert not ReadMark.objects.filter(user=carol).exists()
    fields = {"user": "carol", "back": "chat"}
    invited = browser(alice).post(f"/chat/{talk.pk}/members", fields)
    assert invited.headers["Location"] == f"/chat/{talk.pk}#latest"
    assert Member.objects.filter(session=talk, user=carol).exists()


def test_who_is_mentioned_again_and_again_is_notified_once_an_hour(
    talk: Session, alice: User, bob: User
) -> None:
    messages = [post_message(talk, f"@bob, number {number}", by=alice) for number in range(4)]
    for _ in range(2):
        pass_time()
    assert mailed() == ["bob@sign.example"]
    note = "Another notification tells of an earlier mention that this person hasn't read."
    dropped = Notification.objects.filter(mention__in=messages[1:])
    assert {one.note for one in dropped} == {note}
    # Once he has read them, the next one counts, and so does one after an hour.
    mark_read(talk.pk, by=bob, seq=messages[-1].seq)
    post_message(talk, "@bob, after reading", by=alice)
    pass_time()
    assert len(mailed()) == 2
    pass_time(timedelta(hours=1))
    post_message(talk, "@bob, much later", by=alice)
    pass_time()
    assert len(mailed()) == 3


def test_who_may_not_invite_is_offered_no_button(alice: User, bob: User, carol: User) -> None:
    """Bob is asked by a run in the session, and sees a part of it."""
    session = ask("approval", by=alice).session

    told = say(bob, session, "Ask @carol?")

    assert "Members can invite people." in told
    assert "invite-form" not in told


def test_a_mention_leaves_what_its_reader_has_not_read_before_unread(
    alice: User, bob: User
) -> None:
    """Alice has opened the session, and has no mark so far."""
    session = ask("approval", by=alice).session
    ReadMark.objects.filter(user=alice).delete()
    Member.join(session, bob, at=clock.now())
    before = followed(alice, [session.pk], AccessCache(alice))[session.pk].unread
    assert before > 0

    post_message(session, "@alice", by=bob)

    assert followed(alice, [session.pk], AccessCache(alice))[session.pk].unread == before + 1


def test_the_menu_tells_superusers_and_authors_of_mentions_in_replies_to_them(
    alice: User, bob: User, admin_user: User
) -> None:
    session = ask("approval", by=alice).session
    said = post_message(session, "Bob has a question.", by=bob)

    message = post_message(session, "@bob, which? @admin", by=alice, reply_to=said)

    assert [name for _, name in message.mentions] == ["bob", "admin"]
    told = {session.pk: message.seq}
    assert unread_of([bob.pk, admin_user.pk]) == {bob.pk: told, admin_user.pk: told}


def test_a_thousand_unread_mentions_take_no_statement_of_a_thousand_conditions(
    alice: User, bob: User
) -> None:
    request = ask("approval", by=alice)
    at, about = clock.now(), Message.objects.get(request=request)
    sessions = [Session.new("Many", at=at) for _ in range(1_200)]
    Session.objects.bulk_create(sessions)
    for model in (Message, ReadMark):
        assert model.objects.count() < 100
    Message.objects.bulk_create(
        Message(session=one, seq=1, kind="person", author=alice, reply_to=about, at=at)
        for one in sessions
    )
    ReadMark.objects.bulk_create(
        ReadMark(session=one, user=bob, seq=0, mentioned=1) for one in sessions
    )

    assert len(unread_of([bob.pk])[bob.pk]) == 1_200


def test_thousands_of_signs_in_code_are_read_in_one_pass() -> None:
    text = "`@a` " * 2_000

    assert counted(lambda: signs_in(text))["call"] < 20
    assert signs_in(text) == []
    assert signs_in(text + "@b") == [len(text)]


def test_of_a_private_session_only_members_are_told(
    alice: User, bob: User, admin_user: User
) -> None:
    session = ask("approval", by=alice).session
    about = session.messages.get(request__isnull=False)
    public = post_message(session, "@bob @admin", by=alice, reply_to=about)
    assert sorted(name for _, name in public.mentions) == ["admin", "bob"]
    set_private(session.pk, is_private=True, by=alice)
    assert unread_of([bob.pk])[bob.pk] == {}

    session.refresh_from_db()
    private = post_message(session, "@bob @admin", by=alice, reply_to=about)

    assert private.mentions == []


def test_who_sees_the_run_that_a_message_is_about_can_be_mentioned_without_being_a_member(
    alice: User, bob: User, carol: User
) -> None:
    request = ask("approval", by=alice)
    session, about = request.session, Message.objects.get(request=request)
    post_message(session, "Not for @bob", by=alice)
    assert not ReadMark.objects.filter(user=bob).exists()

    message = post_message(session, "@bob and @carol?", by=alice, reply_to=about)

    assert [name for _, name in message.mentions] == ["bob"]
    assert unread_of([bob.pk])[bob.pk] == {session.pk: message.seq}
    assert "you are mentioned" in shown(browser(bob).get("/chat"))
    # Rights that are lost before the notification is sent, and before the page is drawn, count.
    bob.groups.clear()
    assert unread_of([bob.pk])[bob.pk] == {}
    pass_time()
    assert mailed() == []
    note = "This person can no longer see the message."
    assert Notification.objects.get(mention=message).note == note


def test_notifications_of_mentions_are_switched_off_on_the_profile_page(
    talk: Session, alice: User, bob: User
) -> None:
    client = browser(bob)
    assert 'name="hears_mentions" value="true" checked' in shown(client.get("/profile"))
    client.post("/profile/mentions", {})
    assert 'name="hears_mentions" value="true">' in shown(client.get("/profile"))

    say(alice, talk, "@bob")
    pass_time()

    assert mailed() == []
    assert followed(bob, [talk.pk], AccessCache(bob))[talk.pk].is_mentioned
    client.post("/profile/mentions", {"hears_mentions": "true"})
    say(alice, talk, "@bob, again")
    client.post("/profile/mentions", {})
    pass_time()
    assert mailed() == []


def test_the_composer_offers_only_people_who_can_read_the_message(
    talk: Session, alice: User, bob: User, carol: User, dave: User
) -> None:
    def offered(user: User, session: Session, query: str) -> list[str]:
        found = shown(browser(user).get(f"/chat/{session.pk}/people?q={query}"))
        return [part.partition('"')[0] for part in found.split('data-text="')[1:]]

    assert offered(alice, talk, "") == ["bob"]
    assert offered(alice, talk, "OB") == ["bob"]
    assert offered(alice, talk, "a") == []
    assert offered(alice, talk, "%00%25_") == []
    assert browser(carol).get(f"/chat/{talk.pk}/people?q=a").status_code == 404
    request = ask("approval", by=alice)
    assert offered(alice, request.session, "b") == []
    assert offered(alice, request.session, f"b&request={request.pk}") == ["bob"]
    # Bob isn't a member: whom he may name are those who see the run.
    assert offered(bob, request.session, "") == []
    assert offered(bob, request.session, f"&request={request.pk}") == ["alice"]
