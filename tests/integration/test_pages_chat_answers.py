"""A message in a chat session answers the question that waits there."""

from functools import partial

import pytest
from django.contrib.auth.models import User

from chat.models import HumanRequest
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import group
from tests.integration.test_pages_chat import said, say
from tests.pages import ask, ask_in, browser, grant_to_both, shown
from tests.runs import answer

pytestmark = pytest.mark.usefixtures("bob")


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
        ("told", "yes", "Approve", "approved"),
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

    told = say(client, request.session, text, to=request, confirms=echo.context["echo"].token)

    assert f"Your message answered “{request.prompt}”: {meaning}" in shown(told)
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
    assert "very long" not in echo.split("composer__feedback")[1].split("</p>")[0]


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
        ("data", "“Send”, “Request changes”, “Drop it”, or a message"),
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


@pytest.mark.parametrize("htmx", [True, False])
def test_a_message_asks_back_where_the_request_allows_it(
    alice: User, bob: User, *, htmx: bool
) -> None:
    session = ask("approval", by=alice).session
    grant("revised", group("finance"), "answer")
    request = request_of(run_until_it_waits("revised"))
    client, asked = browser(bob), partial(say, asks_back="true", htmx=htmx)

    other = asked(client, session, "Why?", to=session.requests.get())
    free = asked(client, session, "Why?")
    page = shown(client.get(f"/chat/{request.session_id}"))
    told = asked(client, request.session, "yes", to=request)

    assert [(one.status_code, "Why?</textarea>" in shown(one)) for one in (other, free)] == [
        (422, True)
    ] * 2
    assert said(session) == []
    assert 'name="asks_back"' in page
    assert "data-asks-back" in page
    shown_after = told if htmx else client.get(f"/chat/{request.session_id}")
    assert f"You sent “{request.prompt}” back." in shown(shown_after)
    assert said(request.session) == ["yes"]
    request.refresh_from_db()
    assert request.outcome == "changes_requested"
    assert request.responses.get().comment == "yes"
