"""The chat: what is said is kept once, what is meant as an answer answers, nothing is swallowed."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from chat.models import HumanRequest, Member, Message, Session
from chat.services import open_session, post_message
from dashboard.live.frames import frames
from dashboard.live.streams import Stream
from dashboard.live.views import WHOLE
from procedures.models.clock import clock
from tests.calls import run_until_it_waits
from tests.pages import HTMX, ask, ask_in, browser, grant_to_both, queries_of, shown, writes
from tests.runs import answer

pytestmark = pytest.mark.usefixtures("bob")


def say(
    client: Client,
    session: Session,
    text: str,
    *,
    to: HumanRequest | None = None,
    key: str = "",
    htmx: bool = True,
    **more: str,
) -> Any:
    fields = {"text": text, "client_key": key, "request": to.pk if to else "", **more}
    return client.post(f"/chat/{session.pk}/messages", fields, headers=HTMX if htmx else {})


def said(session: Session) -> list[str]:
    messages = session.messages.filter(kind=Message.Kind.PERSON)
    return list(messages.values_list("text", flat=True))


def take_part(user: User, session: Session) -> None:
    Member.join(session, user, at=clock.now())


def test_who_takes_part_reads_the_transcript(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)
    path = f"/chat/{request.session_id}"

    for_alice, for_bob = shown(browser(alice).get(path)), shown(browser(bob).get(path))

    for text in (for_alice, for_bob):
        assert f'id="transcript-{request.session_id}"' in text
        assert f'stream="session:{request.session_id}"' in text
        assert f'stream="run:{request.wait.run_id}" form="card"' in text
        assert "Pay 31.20 €?" in text
    assert "Keep the money</button>" in for_bob
    assert "Keep the money</button>" not in for_alice
    assert "1 request for you" in for_bob


def test_a_stranger_finds_no_session(alice: User, carol: User) -> None:
    session, client = ask("approval", by=alice).session, browser(carol)

    for path in ("", "/beside", "/replying"):
        assert client.get(f"/chat/{session.pk}{path}").status_code == 404
    assert say(client, session, "Hello").status_code == 404
    assert str(session.pk) not in shown(client.get("/chat"))
    assert said(session) == []


def test_who_is_removed_while_they_write_is_told_and_writes_nothing(alice: User, bob: User) -> None:
    session, _ = open_session("Plans", by=alice, members=["bob"])

    def remove(execute: Any, sql: str, *more: Any) -> Any:
        if "last_seq = last_seq + 1" in sql:
            Member.objects.filter(user=bob).delete()
        return execute(sql, *more)

    with connection.execute_wrapper(remove):
        refused = say(browser(bob), session, "Too late")

    assert refused.status_code == 403
    assert said(session) == []


def test_the_list_has_the_newest_first_and_marks_what_waits(alice: User, bob: User) -> None:
    first, second = ask("approval", by=alice).session, ask("text", by=alice).session
    take_part(bob, first)
    say(browser(alice), first, "Please look at this.")

    text = shown(browser(bob).get("/chat"))

    assert text.index(str(first.pk)) < text.index(str(second.pk))
    assert "<bdi>alice</bdi>: <bdi>Please look at this.</bdi>" in text
    assert text.count("Waiting for you</span>") == 2


def test_a_message_is_kept_and_numbered(alice: User, bob: User) -> None:
    session = ask("approval", by=alice).session
    before = session.last_seq

    sent = say(browser(bob), session, "  Why so much?\r\nIs it broken? ", key="k1")

    session.refresh_from_db()
    message = session.messages.latest("seq")
    assert sent.status_code == 200
    assert "Why so much?" in shown(sent)
    assert (message.text, message.author) == ("Why so much?\nIs it broken?", bob)
    assert session.last_seq == before + 1
    assert session.events.get(seq=session.last_seq).object == str(message.pk)
    assert "Why so much?" in shown(browser(alice).get(f"/chat/{session.pk}"))


def test_a_message_sent_again_is_one(alice: User, bob: User) -> None:
    session = ask("approval", by=alice).session
    client = browser(bob)

    for _ in range(3):
        assert say(client, session, "Once", key="k1").status_code == 200
    say(client, session, "Twice", key="k2")
    say(browser(alice), session, "Hers", key="k1")

    assert said(session) == ["Once", "Twice", "Hers"]


@pytest.mark.parametrize("htmx", [True, False])
def test_another_message_with_the_key_of_an_earlier_one_is_not_taken_for_it(
    alice: User, *, htmx: bool
) -> None:
    """It happens after the Back button, or if the response to the first was lost."""
    session = ask("approval", by=alice).session
    client = browser(alice)
    say(client, session, "Once", key="k1", htmx=htmx)

    refused = say(client, session, "Once more", key="k1", htmx=htmx)
    key = str(refused.context["client_key"])
    say(client, session, "Once more", key=key, htmx=htmx)

    assert refused.status_code == 422
    assert "This form has already sent another message." in shown(refused)
    assert "Once more</textarea>" in shown(refused)
    assert said(session) == ["Once", "Once more"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("  ", "Write something first."),
        ("x" * 10_001, "the limit is 10,000"),
        ("a\0b", "can&#x27;t be stored"),
    ],
)
def test_what_cannot_be_kept_is_said(alice: User, text: str, sentence: str) -> None:
    session = ask("approval", by=alice).session

    refusal = say(browser(alice), session, text)

    assert refusal.status_code == 422
    assert sentence in shown(refusal)
    assert text.strip() in shown(refusal)
    assert said(session) == []


def test_long_transcripts_page_by_key(alice: User) -> None:
    session = ask("approval", by=alice).session
    for count in range(120):
        post_message(session, f"no {count}.", by=alice)
    client = browser(alice)

    last = client.get(f"/chat/{session.pk}")
    earlier = client.get(f"/chat/{session.pk}?before={last.context['earlier']}")

    assert [message.text for message in last.context["transcript"]][::99] == ["no 20.", "no 119."]
    assert earlier.context["transcript"][-1].text == "no 19."
    assert earlier.context["earlier"] is None
    assert "session-stream" in shown(last)
    assert 'id="session-stream"' not in shown(earlier)


def test_a_link_leads_to_a_question_far_up_in_a_long_chat(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)
    session, client = request.session, browser(bob)
    for count in range(130):
        post_message(session, f"no {count}.", by=bob)
    link = f"/chat/{session.pk}?request={request.pk}"

    opened, latest = client.get(link), client.get(f"/chat/{session.pk}")

    assert link in shown(client.get(f"/requests/{request.pk}"))
    assert f'id="request-{request.pk}"' in shown(opened)
    assert len(opened.context["transcript"]) > 20
    assert f'<article class="request" id="request-{request.pk}"' not in shown(latest)


def test_a_link_to_a_question_among_the_last_messages_opens_these(alice: User) -> None:
    request = ask("approval", by=alice)

    opened = browser(alice).get(f"/chat/{request.session_id}?request={request.pk}")

    assert opened.context["is_latest"]
    assert 'id="session-stream"' in shown(opened)


def test_the_order_is_that_of_the_commits_live_and_after_a_reload(alice: User, bob: User) -> None:
    """Ids tell when somebody began to write; another may have been kept meanwhile."""
    session, now = ask("approval", by=alice).session, clock.now()
    after = session.last_seq
    slow, fast = (
        Message(kind=Message.Kind.PERSON, author=author, text=text, at=now)
        for author, text in ((alice, "slow to come"), (bob, "kept first"))
    )
    for message in (fast, slow):
        message.add_to(session.pk)

    page = browser(alice).get(f"/chat/{session.pk}")
    pushed = frames(Stream("session", session.pk), "page", [WHOLE], after=after)

    assert slow.pk < fast.pk
    assert [message.text for message in page.context["transcript"]][-2:] == [fast.text, slow.text]
    assert [
        fast.text in pushed[0].content["html"],
        slow.text in pushed[1].content["html"],
    ] == [True, True]
    assert page.context["rows"][0].text == slow.text


def test_who_answered_is_among_the_people_once(alice: User, bob: User, carol: User) -> None:
    request = ask("approval", by=alice)
    answer(request, by=bob)
    post_message(request.session, "Thanks.", by=bob)

    beside = shown(browser(alice).get(f"/chat/{request.session_id}/beside")).split(">Members<")[1]

    assert beside.index("<li><bdi>alice</bdi> ") < beside.index("<li><bdi>bob</bdi> ")
    assert beside.count("<li>") == 2


def test_titles_tell_sessions_apart(alice: User) -> None:
    grant_to_both("named_refund")
    for order in ("A-1", "A-2"):
        run_until_it_waits("named_refund", by=alice, amount="5", order=order)

    text = shown(browser(alice).get("/chat"))

    assert "Refund 5.00 € for A-1" in text
    assert "Refund 5.00 € for A-2" in text
    assert Session.objects.filter(title="Refund 5.00 € for A-1").exists()


def test_an_open_question_is_loaded_once_for_transcript_composer_and_lists(
    alice: User, bob: User
) -> None:
    session = ask("approval", by=alice).session
    ask_in(session, "text", by=alice)
    client = browser(bob)

    said = queries_of(client, f"/chat/{session.pk}")
    above = queries_of(client, f"/chat/{session.pk}?before=1")
    text = shown(client.get(f"/chat/{session.pk}?before=1"))

    for read in (said, above):
        assert sum("SELECT" in one and '"evidence_digest"' in one for one in read) == 1, "answers"
    # Above, the questions are in the composer only, and loaded for it, as are the lists beside.
    assert len(above) <= len(said) + 3
    assert "2 requests for you" in text
    assert text.count("data-hint=") == 2


def test_looking_changes_nothing_and_costs_the_same(alice: User, bob: User, support: Group) -> None:
    session, client = ask("approval", by=alice).session, browser(bob)
    paths = [f"/chat/{session.pk}", "/chat", f"/chat/{session.pk}/beside"]
    before = [len(queries_of(client, path)) for path in paths]

    for _ in range(5):
        ask_in(session, "approval", by=alice)
        say(browser(alice), session, "More", key=str(uuid4()))

    after = [queries_of(client, path) for path in paths]
    assert [len(queries) for queries in after] == before
    assert not any(writes(queries) for queries in after)
