"""The pages that open a session and show its members and settings, as plain forms."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.models import Member, Message, Session
from chat.services import invite, known_people, open_session, set_private
from tests.conftest import create_person, group
from tests.pages import ask, browser, queries_of, shown


def post(client: Client, path: str, **fields: str) -> Any:
    return client.post(path, fields, follow=True)


@pytest.fixture
def session(alice: User) -> Session:
    return open_session("Returns", by=alice)[0]


def test_new_opens_a_session_once_with_its_members_and_first_message(
    alice: User, bob: User
) -> None:
    client = browser(alice)
    assert 'href="/chat/new"' in shown(client.get("/chat"))
    key = client.get("/chat/new").context["client_key"]
    fields = {"title": "אבג returns", "members": "@bob, alice", "text": "Hello", "client_key": key}

    made = [post(client, "/chat/new", is_private="yes", **fields) for _ in range(2)]
    changed = post(client, "/chat/new", **fields | {"text": "Hello again"})

    assert changed.status_code == 422
    assert "This form has already opened another session." in shown(changed)
    assert "Hello again</textarea>" in shown(changed)
    assert changed.context["client_key"] != key
    session = Session.objects.get()
    assert [one.redirect_chain[-1][0] for one in made] == [f"/chat/{session.pk}"] * 2
    assert (session.title, session.is_private) == ("אבג returns", True)
    assert [one.user for one in session.members.all()] == [alice, bob]
    page = shown(browser(bob).get(f"/chat/{session.pk}"))
    assert "Hello" in page
    assert "<bdi>אבג returns</bdi></h1>" in page
    assert 'id="session-privacy" title=' in page


def test_what_a_new_session_lacks_is_said_beside_what_was_typed(alice: User) -> None:
    refused = post(browser(alice), "/chat/new", title=" ", members="nobody", text="Typed")
    unknown = post(browser(alice), "/chat/new", title="Plans", members="nobody", text="Typed")

    assert (refused.status_code, unknown.status_code) == (422, 422)
    assert "Write what the session is about." in shown(refused)
    assert "No active user is called “nobody”. Enter exact user names." in shown(unknown)
    assert "Typed</textarea>" in shown(unknown)
    assert not Session.objects.exists()


def test_members_are_invited_removed_and_leave(alice: User, carol: User, session: Session) -> None:
    path, hers = f"/chat/{session.pk}/members", browser(alice)
    assert f'href="{path}"' in shown(hers.get(f"/chat/{session.pk}"))

    assert "No active user is called “nobody”. Enter the exact" in shown(
        post(hers, path, user="nobody")
    )
    assert "carol is a member now." in shown(post(hers, path, user="@carol"))
    assert "carol was a member already." in shown(post(hers, path, user="carol"))
    theirs, member = browser(carol), Member.objects.get(user=carol)
    alices = Member.objects.get(user=alice)
    assert "Remove<" not in shown(theirs.get(path))
    assert theirs.post(f"{path}/{alices.pk}/removal").status_code == 403
    assert "Remove<" in shown(hers.get(path))
    post(hers, f"{path}/{member.pk}/removal")
    assert theirs.get(path).status_code == 404

    invite(session.pk, carol, by=alice)
    member = Member.objects.get(user=carol)
    assert "You have left the session." in shown(post(theirs, f"{path}/{member.pk}/removal"))
    assert post(hers, f"{path}/{alices.pk}/removal").status_code == 409
    page = shown(hers.get(path))
    assert "You are the last member." in page
    post(hers, f"{path}/{alices.pk}/removal", confirm="yes")
    assert not Member.objects.exists()


def test_title_and_privacy_are_changed_by_members(alice: User, bob: User, admin_user: User) -> None:
    session = ask("approval", by=alice).session
    path, hers = f"/chat/{session.pk}", browser(alice)

    assert "Write what the session is about." in shown(post(hers, f"{path}/title", title=" "))
    post(hers, f"{path}/title", title="March")
    post(hers, f"{path}/privacy", is_private="yes")

    session.refresh_from_db()
    assert (session.title, session.is_private) == ("March", True)
    assert "made the session private" in shown(hers.get(path))
    for user in (bob, admin_user):
        for method, end in (("get", "/members"), ("post", "/title"), ("post", "/privacy")):
            assert getattr(browser(user), method)(f"{path}{end}").status_code == 404
    post(hers, f"{path}/privacy", is_private="no")
    assert browser(bob).get(f"{path}/members").status_code == 404
    page = shown(browser(admin_user).get(f"{path}/members"))
    assert "alice" in page
    assert "Make it private" not in page
    assert browser(admin_user).post(f"{path}/title", {"title": "Root's"}).status_code == 302


def test_details_tell_members_from_others_who_take_part(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)
    session = request.session
    client = browser(bob)
    client.post(f"/chat/{session.pk}/messages", {"text": "About it", "request": ""})

    assert Message.objects.filter(author=bob).exists()
    page = shown(browser(alice).get(f"/chat/{session.pk}/beside"))
    members, others = page.split("Others who take part")
    assert "<bdi>alice</bdi>" in members.split("Members</h2>")[1]
    assert "<bdi>bob</bdi>" in others
    assert "Members</h2>" not in shown(client.get(f"/chat/{session.pk}/beside"))


def test_only_people_of_the_same_groups_and_sessions_are_suggested(
    alice: User, bob: User, carol: User, session: Session
) -> None:
    create_person("ann", group("support"))
    create_person("left", group("support"))
    User.objects.filter(username="left").update(is_active=False)

    assert known_people(alice) == ["ann"]
    invite(session.pk, bob, by=alice)
    assert known_people(alice) == ["ann", "bob"]
    assert '<option value="bob">' in shown(browser(alice).get("/chat/new"))
    assert known_people(carol) == []


def test_pages_of_a_session_cost_as_much_with_many_members(alice: User, session: Session) -> None:
    client, path = browser(alice), f"/chat/{session.pk}"
    set_private(session.pk, is_private=True, by=alice)
    few = [len(queries_of(client, f"{path}{end}")) for end in ("", "/beside", "/members")]

    for number in range(30):
        invite(session.pk, create_person(f"person{number}", group("support")), by=alice)

    many = [len(queries_of(client, f"{path}{end}")) for end in ("", "/beside", "/members")]
    assert many <= few


def test_the_middle_of_a_long_series_of_lines_is_folded_unless_a_link_leads_there(
    alice: User, session: Session
) -> None:
    client, path = browser(alice), f"/chat/{session.pk}"
    people = [create_person(f"guest{number}") for number in range(9)]
    for person in people[:5]:
        invite(session.pk, person, by=alice)
    assert "transcript__fold" not in shown(client.get(path))
    for person in people[5:]:
        invite(session.pk, person, by=alice)

    page = shown(client.get(path))
    before, _, rest = page.partition('<details class="transcript__fold">')
    folded, _, after = rest.partition("</details>")
    middle = session.messages.order_by("seq")[5]
    linked = shown(client.get(f"{path}?message={middle.pk}"))

    assert folded.startswith("<summary>Show 6 more lines</summary>")
    counts = [part.count("message--line") for part in (before, folded, after)]
    assert counts == [2, 6, 2]
    assert "transcript__fold" not in linked
