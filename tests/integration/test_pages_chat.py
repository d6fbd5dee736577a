"""The chat: what is said is kept once, what is meant as an answer answers, nothing is swallowed."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from chat.models import HumanRequest, Member, Message, Session
from chat.services import post_message
from dashboard.live.frames import frames
from dashboard.live.streams import Stream
from dashboard.live.views import WHOLE
from procedures.models.clock import clock
from tests.calls import grant, request_of, run_until_it_waits
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


def test_the_list_has_the_newest_first_and_marks_what_waits(alice: User, bob: User) -> None:
    first, second = ask("approval", by=alice).session, ask("text", by=alice).session
    take_part(bob, first)
    say(browser(alice), first, "Please look at this.")

    text = shown(browser(bob).get("/chat"))

    assert text.index(str(first.pk)) < text.index(str(second.pk))
    assert "alice: Please look at this." in text
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


@pytest.mark.parametrize(
    ("kind", "text", "outcome"),
    [
        ("approval", "pay 31.20 €", "approved"),
        ("approval", "Keep the money.", "rejected"),
        ("choice", "Bread", "answered"),
        ("many", "a, C", "answered"),
        ("text", "Snow white", "answered"),
        ("text", "ok", "answered"),
        ("whole", "12", "answered"),
    ],
)
def test_the_authors_own_words_answer_at_once(
    alice: User, bob: User, kind: str, text: str, outcome: str
) -> None:
    request = ask(kind, by=alice)

    echo = say(browser(bob), request.session, text, to=request)

    request.refresh_from_db()
    assert request.outcome == outcome
    assert request.responses.get().channel == "chat"
    assert said(request.session) == [text]
    assert f"Your message answered “{request.prompt}”" in shown(echo)
    assert "in the chat" in shown(browser(alice).get(f"/requests/{request.pk}"))


@pytest.mark.parametrize(
    ("kind", "text", "meaning", "outcome"),
    [
        ("approval", "yes", "Pay 31.20 €", "approved"),
        ("approval", " OK! ", "Pay 31.20 €", "approved"),
        ("approval", "n", "Keep the money", "rejected"),
        ("review", "approve", "Approve", "approved"),
        ("review", "no", "Reject", "rejected"),
        ("boolean", "y", "Yes", "answered"),
        ("choice", "1", "Apples", "answered"),
        ("choice", "a", "Apples", "answered"),
        ("many", "1, b", "a, b", "answered"),
        ("problem", "done nothing yet", "Resolve: done nothing yet", "answered"),
    ],
)
def test_other_words_answer_when_they_are_sent_again_below_what_they_mean(
    alice: User, bob: User, kind: str, text: str, meaning: str, outcome: str
) -> None:
    grant("one_of_each", bob.groups.get(), "operate")
    request, client = ask(kind, by=alice), browser(bob)

    echo = say(client, request.session, text, to=request)

    assert echo.status_code == 422
    assert f"to answer “{request.prompt}” with <strong>{meaning}</strong>" in shown(echo)
    assert f'<option value="{request.pk}"' in shown(echo)
    assert (said(request.session), HumanRequest.objects.get().is_open) == ([], True)

    say(client, request.session, text, to=request, confirms=echo.context["echo"].token)

    assert HumanRequest.objects.get().outcome == outcome
    assert said(request.session) == [text.strip()]


def test_an_echo_confirms_what_it_has_shown_and_nothing_else(alice: User, bob: User) -> None:
    request, client = ask("approval", by=alice), browser(bob)
    other = ask_in(request.session, "approval", by=alice)
    yes = say(client, request.session, "yes", to=request).context["echo"].token

    refused = [
        say(client, request.session, "no", to=request, confirms=yes),
        say(client, request.session, "yes", to=other, confirms=yes),
    ]
    HumanRequest.objects.filter(pk=request.pk).update(version=2)
    refused.append(say(client, request.session, "yes", to=request, confirms=yes))

    assert [answer.status_code for answer in refused] == [422, 422, 422]
    assert HumanRequest.objects.open().count() == 2
    assert say(client, request.session, "ok", to=other, confirms=refused[1].context["echo"].token)
    assert HumanRequest.objects.open().get() == request


def test_the_echo_keeps_the_question_chosen_among_several(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)
    ask_in(request.session, "text", by=alice)

    echo = shown(say(browser(bob), request.session, "ok", to=request))

    assert f'<option value="{request.pk}"' in echo
    assert "selected" in echo.split(f'<option value="{request.pk}"')[1].split(">")[0]
    assert '<option value="">' in echo
    assert " ok</textarea>" in echo


def test_without_javascript_the_echo_is_a_page_with_the_words_in_it(alice: User, bob: User) -> None:
    request, client = ask("approval", by=alice), browser(bob)

    page = say(client, request.session, "ok", to=request, htmx=False)

    assert page.status_code == 422
    assert "Send it again to answer" in shown(page)
    token = page.context["echo"].token
    assert f'name="confirms" value="{token}"' in shown(page)
    assert say(client, request.session, "ok", to=request, htmx=False, confirms=token).url
    assert HumanRequest.objects.get().outcome == "approved"


def test_the_echo_of_a_long_answer_is_short(alice: User, bob: User) -> None:
    request = ask("text", by=alice)

    echo = shown(say(browser(bob), request.session, "very " * 100 + "long", to=request))

    assert f"Your message answered “{request.prompt}”: very very" in echo
    assert "very long" not in echo.split("composer__told")[1].split("</p>")[0]


def test_other_words_are_a_message_and_that_is_said(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)

    echo = say(browser(bob), request.session, "Why so much?", to=request)

    request.refresh_from_db()
    assert request.is_open
    assert said(request.session) == ["Why so much?"]
    assert "Your message didn&#x27;t answer “Pay 31.20 €?”. Answer yes or no." in shown(echo)


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("approval", "yes, no, or a message"),
        ("review", "yes, no, or a message"),
        ("boolean", "yes, no, or a message"),
        ("choice", "an option or its number"),
        ("whole", "your answer"),
    ],
)
def test_the_composer_hints_at_what_answers(alice: User, bob: User, kind: str, hint: str) -> None:
    request = ask(kind, by=alice)

    assert f'placeholder="{hint}"' in shown(browser(bob).get(f"/chat/{request.session_id}"))
    assert 'placeholder="Write a message"' in shown(
        browser(alice).get(f"/chat/{request.session_id}")
    )


def test_talking_freely_answers_nothing(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)

    echo = say(browser(bob), request.session, "yes")

    request.refresh_from_db()
    assert request.is_open
    assert "Your message answered" not in shown(echo)


def test_words_answer_the_question_that_was_named_and_no_other(alice: User, bob: User) -> None:
    grant_to_both("two_questions")
    first = request_of(run_until_it_waits("two_questions", by=alice))
    answer(first, by=bob)

    echo = say(browser(bob), first.session, "no", to=first)
    elsewhere = say(browser(bob), first.session, "yes", to=ask("approval", by=alice))

    assert "bob has already answered this" in shown(echo)
    assert elsewhere.status_code == 404
    assert said(first.session) == ["no"]
    assert first.session.requests.filter(outcome="rejected").count() == 0


def test_who_is_not_asked_only_talks(alice: User) -> None:
    request = ask("approval", by=alice)

    echo = say(browser(alice), request.session, "yes", to=request)

    request.refresh_from_db()
    assert request.is_open
    assert "This request isn&#x27;t assigned to you" in shown(echo)


def test_a_retry_of_an_answer_is_one_message_and_one_response(alice: User, bob: User) -> None:
    request, client = ask("approval", by=alice), browser(bob)

    token = say(client, request.session, "yes", to=request).context["echo"].token
    echoes = [
        say(client, request.session, "yes", to=request, key="k", confirms=token) for _ in range(2)
    ]

    assert all("Your message answered" in shown(echo) for echo in echoes)
    assert said(request.session) == ["yes"]
    assert request.responses.count() == 1


def test_without_javascript_the_page_comes_back_and_says_what_happened(
    alice: User, bob: User
) -> None:
    request, client = ask("approval", by=alice), browser(bob)

    away = say(client, request.session, "hm", to=request, htmx=False)

    assert away.status_code == 302
    assert away.url == f"/chat/{request.session_id}#latest"
    assert "Your message didn&#x27;t answer" in shown(client.get(away.url))


def test_with_several_open_questions_nobody_is_answered_by_chance(alice: User, bob: User) -> None:
    request = ask("approval", by=alice)
    ask_in(request.session, "text", by=alice)

    strip = shown(browser(bob).get(f"/chat/{request.session_id}/replying"))

    assert "2 requests for you" in strip
    assert '<option value="" selected>No request' in strip
    assert "· 1 of 2" in strip


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

    beside = shown(browser(alice).get(f"/chat/{request.session_id}/beside")).split(">People<")[1]

    assert beside.index("<li>alice ") < beside.index("<li>bob ")
    assert beside.count("<li>") == 2


def test_titles_tell_sessions_apart(alice: User) -> None:
    session = ask("approval", by=alice).session

    assert session.title.startswith("One of each · ")
    assert session.title != "One of each · "


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
