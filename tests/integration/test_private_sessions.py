"""Private sessions: only members find them, by any door; their runs have rules of their own."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from chat.access import messages_in, titles_for, visible_messages, visible_sessions
from chat.feed import newest_messages
from chat.models import HumanRequest, Message, Session
from chat.parts import find_part
from chat.services import (
    NotMemberError,
    invite,
    open_session,
    post_message,
    reassign_request,
    set_private,
)
from chat.services.messages import reply
from dashboard.live.frames import frames
from dashboard.live.rights import views_for
from dashboard.live.streams import Stream, allowed
from procedures.run_lists import RunList
from procedures.services import restart_run
from procedures.viewers import People
from tests.calls import grant
from tests.conftest import create_person, group
from tests.pages import ask, browser, shown

TITLE, WORDS = "Severance of carl", "Not in front of the others"


@pytest.fixture
def request_(alice: User, bob: User, dave: User, admin_user: User) -> HumanRequest:
    """A question in a private session of alice; bob answers, dave operates the procedure."""
    grant("one_of_each", group("operators"), "operate")
    request = ask("approval", by=alice)
    session = request.session
    session.rename(TITLE)
    to_run = session.messages.get(kind="run")
    post_message(session, WORDS, by=alice, reply_to=to_run)
    post_message(session, "A question", by=bob, reply_to=to_run)
    set_private(session.pk, is_private=True, by=alice)
    return HumanRequest.objects.select_related("session").get(pk=request.pk)


@pytest.fixture
def others(request_: HumanRequest, bob: User, dave: User, admin_user: User) -> list[User]:
    """Somebody who is asked, an operator, and a superuser."""
    return [bob, dave, admin_user]


def texts(user: User, request: HumanRequest) -> Iterator[str]:
    """The content of somebody's pages, lists and searches."""
    client, run = browser(user), request.wait.run_id
    for path in (
        *("/", "/overview", "/inbox/", "/chat", "/chat/rows", "/runs", "/search?q=Severance"),
        *("/search/results?q=carl", f"/search/results?q={request.session_id}"),
        *(f"/runs/{run}", f"/runs/{run}/journal", f"/requests/{request.pk}"),
        *("/api/runs", f"/api/runs/{run}", f"/api/requests/{request.pk}", "/api/inbox"),
    ):
        answer = client.get(path)
        assert answer.status_code == 200, path
        yield shown(answer)


def test_who_is_no_member_finds_nothing_of_it_anywhere(
    request_: HumanRequest, others: list[User], alice: User
) -> None:
    session = request_.session
    for user in others:
        for text in texts(user, request_):
            assert TITLE not in text
            assert WORDS not in text
            assert f"/chat/{session.pk}" not in text
        client = browser(user)
        for path in ("", "/beside", "/replying", "?before=9"):
            assert client.get(f"/chat/{session.pk}{path}").status_code == 404
        assert client.post(f"/chat/{session.pk}/messages", {"text": "Hi"}).status_code == 404
        for form in ("data", "page"):
            live = client.get(f"/live/range?stream=session:{session.pk}&form={form}")
            assert live.status_code in {403, 404}
        for message in session.messages.all():
            assert client.get(f"/messages/{message.pk}").status_code == 404

    assert sum(TITLE in text for text in texts(alice, request_)) >= 3
    assert f"Private: </span>{TITLE}</span>" in shown(browser(alice).get("/chat"))
    assert WORDS in shown(browser(alice).get(f"/chat/{session.pk}"))


def test_the_rules_over_rows_agree_with_each_other(
    request_: HumanRequest, others: list[User], alice: User
) -> None:
    session, stream = request_.session, Stream("session", request_.session_id)
    people = [*others, alice]
    views = views_for(People(people), {stream: {one.pk for one in people}})

    for user in people:
        sees = user == alice
        assert (find_part(user, session.pk) is not None) == sees
        assert visible_sessions(user).filter(pk=session.pk).exists() == sees
        assert visible_messages(user).filter(session=session).exists() == sees
        assert messages_in(session, user).exists() == sees
        assert (session.pk in titles_for(user, [session.pk])) == sees
        assert (stream in allowed(user, [stream])) == sees
        assert ((user.pk, stream) in views) == sees
        assert [one.session_id for one in newest_messages(user, most=9)] == [session.pk] * sees


def test_its_runs_and_requests_are_where_they_were(
    request_: HumanRequest, bob: User, dave: User
) -> None:
    run = request_.wait.run
    assert RunList(dave, "").newest(9) == [run.pk]
    page = shown(browser(bob).get(f"/requests/{request_.pk}"))
    assert "Keep the money</button>" in page
    assert "Open it in the chat" not in page

    reassign_request(request_.pk, to="@bob", by=dave, reason="He knows.")
    assert reply(request_, "Keep the money", by=bob).response

    assert newest_messages(bob, most=9) == newest_messages(dave, most=9) == []


def test_a_run_made_from_one_in_it_by_an_outsider_has_a_session_of_its_own(
    request_: HumanRequest, dave: User
) -> None:
    grant("one_of_each", group("operators"), "start")
    restarted, _ = restart_run(request_.wait.run_id, by=dave, reason="Again.")

    card = Message.objects.get(run=restarted, kind="run")
    assert card.session_id != request_.session_id
    assert TITLE not in card.session.title


def test_a_public_session_is_found_again_where_it_was(
    request_: HumanRequest, others: list[User], alice: User
) -> None:
    session = request_.session
    with pytest.raises(NotMemberError):
        set_private(session.pk, is_private=False, by=others[-1])

    set_private(session.pk, is_private=False, by=alice)
    set_private(session.pk, is_private=False, by=alice)

    last = session.messages.order_by("-seq").values_list("kind", flat=True)
    assert list(last[:2]) == ["public", "private"]
    for user in others:
        newest = newest_messages(user, most=9)
        assert [one.session_id for one in newest] == [session.pk]
        assert newest[0].kind == ("public" if user.is_superuser else "person")
        assert TITLE in titles_for(user, [session.pk])[session.pk] or not user.is_superuser
    assert WORDS in shown(browser(others[0]).get(f"/chat/{session.pk}"))


def test_members_of_a_private_crowd_find_it(alice: User, admin_user: User) -> None:
    names = [create_person(f"person{n}", group("support")).username for n in range(7)]
    session, _ = open_session("Plans", by=alice, members=names[:6], is_private=True)
    invite(session.pk, User.objects.get(username=names[6]), by=alice)
    message = post_message(session, "To all", by=alice)

    for name in names:
        found = newest_messages(User.objects.get(username=name), most=9)
        assert [one.pk for one in found if one.session_id == session.pk] == [message.pk]
    assert session.pk not in {one.session_id for one in newest_messages(admin_user, most=9)}
    set_private(session.pk, is_private=False, by=alice)
    assert session.pk in {one.session_id for one in newest_messages(admin_user, most=9)}


def test_followers_of_the_run_get_only_numbers_after_the_session_became_private(
    alice: User, bob: User
) -> None:
    session: Session = ask("approval", by=alice).session
    stream = Stream("session", session.pk)
    assert allowed(bob, [stream])

    set_private(session.pk, is_private=True, by=alice)

    assert allowed(bob, [stream]) == {}
    [frame] = frames(stream, "data", [allowed(alice, [stream])[stream]], after=session.last_seq)
    assert frame.content["kind"] == "message"
