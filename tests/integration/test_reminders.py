"""Reminders and escalations while nobody answers, each of them once."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail

from chat.models import HumanRequest
from chat.services import (
    Answer,
    claim_request,
    delegate,
    plan_notifications,
    release_request,
    remind_people,
    respond,
    send_notification,
)
from dashboard.live.concerned import RunNews
from procedures.models import Run
from procedures.models.clock import clock
from procedures.services.ledger import examine
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import create_person, group

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bob", "dave", "managers")]
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def managers(finance: Group) -> User:
    for name in ("hurried", "reminded_often"):
        grant(name, finance, "answer")
    return create_person("mona", group("managers"))


@pytest.fixture
def hurried(managers: User) -> HumanRequest:
    assert managers.groups.exists()
    return request_of(run_until_it_waits("hurried"))


def let_pass(length: timedelta) -> None:
    clock.ahead += length
    remind_people()


def mailed(request: HumanRequest) -> list[str]:
    """Let a minute pass, and return the people who get a mail then, in order of their names."""
    clock.ahead += 2 * MINUTE
    plan_notifications()
    before = len(mail.outbox)
    for one in request.notifications.filter(sent_at=None):
        send_notification(one.pk)
    return sorted(one.to[0].partition("@")[0] for one in mail.outbox[before:])


def with_address(user: User) -> User:
    user.email = f"{user.username}@example.org"
    user.save()
    return user


def told(request: HumanRequest) -> list[tuple[str, object]]:
    return [
        (one.kind, one.content.get("number"))
        for one in request.events.order_by("seq")
        if one.kind in {"reminded", "escalated"}
    ]


def test_a_request_says_by_when_it_is_wanted(hurried: HumanRequest) -> None:
    assert hurried.due_at == hurried.opened_at + HOUR
    assert hurried.next_at == hurried.opened_at + 30 * MINUTE


def test_each_reminder_and_each_escalation_happens_once(hurried: HumanRequest) -> None:
    let_pass(29 * MINUTE)
    assert told(hurried) == []
    let_pass(2 * MINUTE)
    remind_people()
    assert told(hurried) == [("reminded", 1)]

    let_pass(30 * MINUTE)
    let_pass(HOUR)
    let_pass(HOUR)
    let_pass(10 * HOUR)

    assert told(hurried) == [
        ("reminded", 1),
        ("escalated", 1),
        ("reminded", 2),
        ("escalated", 2),
    ]
    hurried.refresh_from_db()
    assert hurried.next_at is None
    assert examine(hurried.wait.run).faults == []


def test_of_missed_reminders_only_the_last_is_sent(hurried: HumanRequest) -> None:
    let_pass(4 * HOUR)

    assert told(hurried) == [("escalated", 1), ("reminded", 2), ("escalated", 2)]


def test_others_are_asked_too_and_the_note_says_why(
    hurried: HumanRequest, managers: User, bob: User
) -> None:
    let_pass(61 * MINUTE)

    hurried.refresh_from_db()
    assert [str(one) for one in hurried.assignments.all()] == ["finance", "managers"]
    assert hurried.note == "Nobody answered within 1 hour. Also asked: managers."
    assert hurried.asks(managers)
    assert hurried.asks(bob)
    respond(hurried.pk, Answer(value=True), by=managers)
    assert examine(Run.objects.get(pk=hurried.wait.run_id)).faults == []


def test_home_pages_are_told_of_an_escalation_even_without_redis(
    hurried: HumanRequest, bob: User
) -> None:
    news = RunNews()
    news.read((), [bob])
    let_pass(31 * MINUTE)
    assert not news.read((), [bob]).seen, "a reminder changes no list"

    let_pass(30 * MINUTE)

    assert news.read((), [bob]).seen == {bob.pk: {hurried.wait.run_id}}


def test_an_escalation_releases_a_claim(hurried: HumanRequest, managers: User, bob: User) -> None:
    claim_request(hurried.pk, by=bob)

    let_pass(61 * MINUTE)

    hurried.refresh_from_db()
    assert hurried.claimed_by is None
    respond(hurried.pk, Answer(value=True), by=managers)


def test_nobody_is_reminded_of_what_is_answered(hurried: HumanRequest, bob: User) -> None:
    respond(hurried.pk, Answer(value=True), by=bob)

    let_pass(4 * HOUR)

    assert told(hurried) == []


def test_a_reminder_repeats_until_somebody_answers() -> None:
    request = request_of(run_until_it_waits("reminded_often"))

    for _ in range(3):
        let_pass(61 * MINUTE)
    let_pass(5 * HOUR)

    assert told(request) == [("reminded", number) for number in (1, 2, 3, 8)]


def test_each_reminder_is_another_mail(hurried: HumanRequest, bob: User) -> None:
    bob.email = "bob@example.org"
    bob.save()
    sent: list[str] = []
    for length in (2 * MINUTE, 30 * MINUTE, 2 * HOUR):
        let_pass(length)
        clock.ahead += 2 * MINUTE
        plan_notifications()
        plan_notifications()
        for one in hurried.notifications.filter(sent_at=None, recipient=bob):
            send_notification(one.pk)
            sent.append(one.key)

    assert len(mail.outbox) == len(sent) == len(set(sent)) == 3
    subjects = [one.subject for one in mail.outbox]
    reminder = "Reminder, please answer: Hurried"
    assert subjects == ["Please answer: Hurried", reminder, reminder]
    assert "There may be a reminder." in " ".join(str(mail.outbox[0].body).split())


def test_whoever_has_voted_is_not_reminded(finance: Group, bob: User) -> None:
    with_address(bob)
    for name in ("vera", "victor"):
        with_address(create_person(name, finance))
    request = request_of(run_until_it_waits("reminded_often", quorum=2))
    assert mailed(request) == ["bob", "vera", "victor"]

    respond(request.pk, Answer(value=True), by=bob)
    let_pass(HOUR)

    assert mailed(request) == ["vera", "victor"]


def test_while_somebody_has_claimed_it_nobody_else_is_reminded(
    hurried: HumanRequest, managers: User, finance: Group, bob: User, carol: User
) -> None:
    with_address(bob)
    with_address(carol)
    with_address(managers)
    vera = with_address(create_person("vera", finance))
    delegate(by=vera, to=carol, until=clock.now() + 10 * HOUR)
    assert mailed(hurried) == ["bob", "carol", "vera"]

    claim_request(hurried.pk, by=vera)
    let_pass(30 * MINUTE)
    assert mailed(hurried) == ["carol", "vera"]

    release_request(hurried.pk, by=vera)
    assert mailed(hurried) == ["bob"]
    let_pass(30 * MINUTE)
    assert mailed(hurried) == ["mona"]


def test_whether_a_claim_still_counts_is_checked_every_ten_minutes(
    hurried: HumanRequest, finance: Group, bob: User
) -> None:
    with_address(bob)
    vera = with_address(create_person("vera", finance))
    claim_request(hurried.pk, by=vera)
    assert mailed(hurried) == ["vera"]

    User.objects.filter(pk=vera.pk).update(is_active=False)
    assert mailed(hurried) == []
    clock.ahead += 7 * MINUTE
    assert mailed(hurried) == ["bob"]


def test_a_mail_on_its_way_waits_for_a_claim_to_end(
    hurried: HumanRequest, finance: Group, bob: User
) -> None:
    with_address(bob)
    vera = with_address(create_person("vera", finance))
    clock.ahead += 2 * MINUTE
    plan_notifications()
    claim_request(hurried.pk, by=vera)

    assert mailed(hurried) == ["vera"]
    release_request(hurried.pk, by=vera)
    assert mailed(hurried) == ["bob"]


def test_no_mail_on_its_way_reaches_whoever_has_voted_meanwhile(bob: User) -> None:
    with_address(bob)
    request = request_of(run_until_it_waits("reminded_often", quorum=2))
    clock.ahead += 2 * MINUTE
    plan_notifications()

    respond(request.pk, Answer(value=True), by=bob)

    assert mailed(request) == []
    assert request.notifications.get().note == "This person has voted already."
