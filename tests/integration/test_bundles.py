"""Notifications due for a person at the same time are sent as one message, where a channel can."""

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail

from chat.models import HumanRequest, Notification
from chat.services import Answer, claim_request, respond
from procedures.models.clock import clock
from tests.conftest import create_person
from tests.pages import ask
from tests.towers import MINUTE, Tower, pass_time

pytestmark = pytest.mark.usefixtures("pagers")


@pytest.fixture
def three(asked: HumanRequest, alice: User) -> list[HumanRequest]:
    return [asked, ask("choice", by=alice), ask("approval", by=alice)]


def test_what_is_due_at_the_same_time_is_one_message(
    tower: Tower, three: list[HumanRequest], bob: User
) -> None:
    User.objects.filter(pk=bob.pk).update(email="bob@sign.example")

    for _ in range(3):
        pass_time()

    [page], [letter] = tower.pages, mail.outbox
    assert letter.subject == "3 requests are waiting for your answer"
    for one in three:
        assert str(one.pk) in page["text"]
        assert letter.body.count(f"/requests/{one.pk}\n") == 1
    sent = Notification.objects.filter(channel="pager", status="sent")
    assert (sent.count(), sent.values("bundle").distinct().count()) == (3, 1)
    assert page["key"] == f"{sent[0].bundle}.{bob.pk}"


def test_a_second_try_leaves_out_what_is_closed_and_tells_of_nothing_new(
    tower: Tower, three: list[HumanRequest], alice: User, bob: User
) -> None:
    tower.status = 503
    pass_time()
    respond(three[0].pk, Answer(value=True), by=bob)
    later = ask("approval", by=alice)

    tower.status = 200
    pass_time()

    first, *others = tower.pages
    again = [page for page in others if page["key"] == first["key"]][-1]
    assert [str(one.pk) in again["text"] for one in [*three, later]] == [False, True, True, False]
    told = Notification.objects.get(channel="pager", request=three[0])
    assert told.status == "dropped"
    assert told.note == "The request was closed before this notification was sent."
    assert str(later.pk) in next(page for page in others if page["key"] != first["key"])["text"]


def test_a_mail_lists_so_many_and_counts_the_others(alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(email="bob@sign.example")
    for _ in range(22):
        ask("approval", by=alice)

    pass_time()

    [letter] = mail.outbox
    assert letter.subject == "22 requests are waiting for your answer"
    assert letter.body.count("/requests/") == 20
    assert "2 more requests are waiting in your inbox:\nhttp" in letter.body


def test_what_waits_for_a_claim_to_end_keeps_nothing_else_from_being_sent(
    tower: Tower, asked: HumanRequest, alice: User, bob: User, finance: Group
) -> None:
    claim_request(asked.pk, by=create_person("vera", finance))
    # As many as are put off before a message is full, each as if it was planned before the claim.
    now = clock.now()
    about = {"request": asked, "channel": "pager", "recipient": bob}
    Notification.objects.bulk_create(
        Notification(planned_at=now, next_try_at=now, round=number, **about) for number in range(55)
    )
    newer = ask("approval", by=alice)

    pass_time()

    assert f"{newer.pk}.{bob.pk}" in {page["key"] for page in tower.pages}
    put_off = Notification.objects.filter(**about)
    assert put_off.filter(next_try_at__isnull=False, tries=0).count() == 55
    assert not put_off.sendable(clock.now()).exists()
    assert put_off.sendable(clock.now() + MINUTE).count() == 55
