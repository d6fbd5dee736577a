"""Administrators have notifications sent again that were given up, and no others."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.models import Notification
from chat.models.notification import MOST_TRIES
from procedures.models import Act
from procedures.models.clock import clock
from tests.calls import request_of, run_until_it_waits
from tests.conftest import make_staff
from tests.pages import browser, grant_to_both, shown

LIST = "/admin/countersign_chat/notification/"
Status = Notification.Status


@pytest.fixture
def mails(alice: User, bob: User) -> dict[str, Notification]:
    grant_to_both("question")
    asked, now = request_of(run_until_it_waits("question", by=alice)), clock.now()
    return {
        status: Notification.objects.create(
            channel="mail",
            request=asked,
            recipient=user,
            planned_at=now,
            status=status,
            tries=MOST_TRIES,
            note="SMTPError: full",
        )
        for status, user in ((Status.FAILED, bob), (Status.SENT, alice))
    }


def send_again(client: Client, mails: dict[str, Notification]) -> str:
    keys = [one.pk for one in mails.values()]
    sent = {"action": "send_again", "_selected_action": keys}
    return shown(client.post(LIST, sent, follow=True))


def test_only_what_failed_is_sent_again(
    admin_client: Client, mails: dict[str, Notification]
) -> None:
    assert "1 notification will be sent again." in send_again(admin_client, mails)

    failed, sent = mails[Status.FAILED], mails[Status.SENT]
    failed.refresh_from_db()
    sent.refresh_from_db()
    assert (failed.status, failed.tries) == (Status.PLANNED, 0)
    assert list(Notification.objects.due(clock.now())) == [failed]
    assert (sent.status, sent.tries) == (Status.SENT, MOST_TRIES)
    assert Act.objects.about(failed).get().words == "Send again."
    assert "0 notifications" in send_again(admin_client, mails)


def test_staff_without_the_permission_send_nothing_again(
    carol: User, mails: dict[str, Notification]
) -> None:
    send_again(browser(make_staff(carol, "view_notification")), mails)

    assert not Notification.objects.filter(status=Status.PLANNED).exists()
