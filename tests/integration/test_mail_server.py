"""Mails at a real mail server, which may refuse them or break."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat.models import HumanRequest, Notification
from chat.services import Answer, respond
from procedures.services import complaints
from tests.pages import ask, browser
from tests.smtp import BREAK, REFUSE, MailServer, part, serving_mail
from tests.towers import MINUTE, pass_time

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Settings, bob: User) -> Iterator[MailServer]:
    """Bob's mail server; what he is asked by others is mailed to him alone."""
    User.objects.filter(pk=bob.pk).update(email="bob@sign.example")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with serving_mail() as found:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", found.port
        yield found


def test_a_mail_is_text_and_html_about_the_same(server: MailServer, asked: HumanRequest) -> None:
    pass_time()

    [mail] = server.mails
    assert mail.get_content_type() == "multipart/alternative"
    assert mail["To"] == "bob@sign.example"
    for kind in ("text/plain", "text/html"):
        assert f"/requests/{asked.pk}" in part(mail, kind)
        assert asked.prompt in part(mail, kind)


def test_a_server_that_fails_twice_delivers_one_mail(
    server: MailServer, asked: HumanRequest
) -> None:
    """It refuses once, and once it keeps the mail and breaks before it says so."""
    server.faults = [REFUSE, BREAK]
    told = list[str]()

    for minutes in (1, 5, 10, 10):
        pass_time(MINUTE * minutes)
        told += [one.message for one in complaints() if one.part == "notifications"]

    [failing] = told  # after the second failure, and until the mail is delivered
    assert failing.startswith("1 notification by mail has been waiting for delivery since ")
    assert failing.endswith(
        " UTC (SMTPServerDisconnected). It will be tried again. Check EMAIL_URL; the admin shows"
        " each error."
    )
    assert len(server.mails) == 2
    [(message_id, _mail)] = server.inbox.items()
    assert str(asked.pk) in message_id
    assert {str(mail["Date"]) for mail in server.mails} == {str(server.mails[0]["Date"])}
    row = Notification.objects.get(channel="mail")
    assert (row.status, row.tries) == ("sent", 3)


def test_a_digest_that_breaks_is_one_mail_too(
    server: MailServer, asked: HumanRequest, alice: User
) -> None:
    others = [ask("approval", by=alice) for _ in range(19)]
    server.faults = [BREAK, REFUSE]

    for minutes in (1, 5, 10, 10):
        pass_time(MINUTE * minutes)

    assert len(server.mails) == 2
    [digest] = server.inbox.values()
    assert digest["Subject"] == "20 requests are waiting for your answer"
    for one in (asked, *others):
        assert part(digest, "text/html").count(f'/requests/{one.pk}"') == 1


def test_what_is_answered_before_the_second_try_is_not_mailed_again(
    server: MailServer, asked: HumanRequest, bob: User
) -> None:
    server.faults = [REFUSE]
    pass_time()
    respond(asked.pk, Answer(value=True), by=bob)

    pass_time(MINUTE * 5)

    assert server.mails == []


def test_the_link_in_a_mail_shows_the_question_then_what_was_decided_and_what_comes_next(
    server: MailServer, asked: HumanRequest, alice: User, bob: User
) -> None:
    pass_time()
    [link] = {
        word for word in part(server.mails[0], "text/plain").split() if word.endswith(str(asked.pk))
    }
    path = link[link.index("/requests/") :]
    other = ask("approval", by=alice)
    client = browser(bob)

    assert "What comes next" not in client.get(path).content.decode()
    respond(asked.pk, Answer(value=True), by=bob)
    page = client.get(path).content.decode()

    assert "by bob" in page
    assert "What comes next" in page
    assert f"/requests/{other.pk}" in page
    respond(other.pk, Answer(value=True), by=bob)
    assert "Nothing else is waiting for you." in client.get(path).content.decode()
