"""People who are asked and don't look get one mail, whatever happens to clocks and workers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.signals import pre_save
from django.test import Client
from pytest_django import Settings

from chat.models import HumanRequest, Notification, Presence
from chat.services import (
    Answer,
    note_presence,
    plan_notifications,
    reassign_request,
    respond,
    send_notification,
)
from dashboard.channels.letter import letter_about
from procedures.conf import conf
from procedures.models import Run
from procedures.models.clock import clock as product_clock
from tests.calls import assign_too, grant, request_of, run_until_it_waits
from tests.configured import configure
from tests.conftest import StartClock, StartWorker, create_person
from tests.processes import Web, wait_until
from tests.runs import start, wait_for_request
from tests.sockets import page
from tests.towers import MINUTE, pass_time

FOLDER = conf.LOCAL_DIR / "mail"


@pytest.fixture(autouse=True)
def addresses(db: None, alice: User, bob: User, carol: User) -> None:
    for user in (alice, bob, carol):
        user.email = f"{user.username}@sign.example"
        user.save()


@pytest.fixture
def run(alice: User, support: Group, finance: Group) -> Run:
    """Asks finance, where bob is."""
    grant("question", support, "start")
    grant("question", finance, "answer")
    return run_until_it_waits("question", by=alice)


def outbox() -> list[EmailMessage]:
    return list(getattr(mail, "outbox", []))


def mailed() -> list[str]:
    return sorted(address for message in outbox() for address in message.to)


def test_who_is_asked_gets_one_mail_and_nobody_else_does(run: Run) -> None:
    for _ in range(3):
        pass_time()

    (message,) = outbox()
    assert message.to == ["bob@sign.example"]
    assert message.subject == "Please answer: Question"
    assert f"{conf.SITE_URL}/requests/{request_of(run).pk}\n" in message.body
    assert "alice started “Question”" in message.body
    assert "  order: 7\n" in message.body
    assert "The request stays open until somebody answers." in message.body
    assert Notification.objects.get().sent_at


def test_nothing_is_mailed_before_the_minute_is_over(run: Run) -> None:
    pass_time(MINUTE - timedelta(seconds=5))

    assert not Notification.objects.exists()


def test_what_is_answered_is_not_mailed(run: Run, bob: User) -> None:
    respond(request_of(run).pk, Answer(value=True), by=bob)

    pass_time()

    assert not Notification.objects.exists()


def test_what_is_answered_while_the_mail_is_on_its_way_is_not_sent(run: Run, bob: User) -> None:
    product_clock.ahead += MINUTE
    plan_notifications()
    respond(request_of(run).pk, Answer(value=True), by=bob)

    send_notification(Notification.objects.get().pk)

    assert not outbox()
    note = Notification.objects.get().note
    assert note == "The request was closed before this notification was sent."


def test_who_looks_is_mailed_only_after_looking_away(run: Run, bob: User) -> None:
    product_clock.ahead += MINUTE / 2
    note_presence(bob)
    pass_time(MINUTE / 2)
    assert not Notification.objects.exists()

    pass_time()
    assert mailed() == ["bob@sign.example"]


def test_reading_a_page_is_no_sign_and_a_post_is_one(run: Run, bob: User, client: Client) -> None:
    client.force_login(bob)

    client.get("/")
    client.get(f"/requests/{request_of(run).pk}")
    assert not Presence.objects.exists()

    client.post(f"/requests/{request_of(run).pk}/response", {"value": "nonsense"})
    assert Presence.objects.get().user == bob


def test_who_is_asked_instead_is_mailed_too(run: Run, carol: User, admin_user: User) -> None:
    pass_time()
    reassign_request(request_of(run).pk, to="@carol", by=admin_user, reason="Bob is away.")

    pass_time()

    assert mailed() == ["bob@sign.example", "carol@sign.example"]


@pytest.mark.parametrize("change", [{"is_active": False}, {"email": ""}])
def test_who_cannot_be_reached_is_not_mailed(run: Run, bob: User, change: dict[str, Any]) -> None:
    User.objects.filter(pk=bob.pk).update(**change)

    pass_time()

    assert not outbox()


def test_users_groups_and_holders_of_a_permission_but_no_superusers_are_asked_once_each(
    run: Run, finance: Group, bob: User, alice: User, carol: User, admin_user: User
) -> None:
    request = request_of(run)
    for user in (carol, admin_user):
        user.user_permissions.add(Permission.objects.get(codename="view_run"))
    assign_too(request, permission="countersign_procedures.view_run")
    assign_too(request, permission="nonsense")
    assign_too(request, user=bob)
    assign_too(request, user=alice)

    pass_time()

    assert mailed() == ["alice@sign.example", "bob@sign.example", "carol@sign.example"]


def test_a_mail_that_cannot_be_sent_is_tried_again(run: Run, settings: Settings) -> None:
    backend = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    pass_time()
    assert "ConnectionRefusedError" in Notification.objects.get().note

    settings.EMAIL_BACKEND = backend
    pass_time(MINUTE * 5)

    assert mailed() == ["bob@sign.example"]
    assert not Notification.objects.get().note


def test_an_address_that_would_add_a_header_is_given_up(run: Run, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(email="bob@sign.example\nBcc: all@sign.example")

    for hours in range(12):
        pass_time(MINUTE * 60 * hours)

    assert not outbox()
    assert not Notification.objects.filter(next_try_at__isnull=False).exists()


def test_a_prompt_adds_no_header_and_names_no_end(run: Run, bob: User) -> None:
    request = request_of(run)
    request.prompt = "Pay?\r\nBcc: all@sign.example\u202e" + " long" * 100
    request.wait.run.procedure.title = "Pay\r\nBcc: all@sign.example\u202e"

    letter = letter_about(request, to=bob)

    assert letter.subject == r"Please answer: Pay Bcc: all@sign.example\u202e"
    assert "\r" not in letter.text
    assert "\nBcc" not in letter.text


def test_it_says_what_silence_does_and_until_when(alice: User, finance: Group) -> None:
    run = run_until_it_waits("one_of_each", kind="told")

    text = letter_about(request_of(run), to=alice).text

    assert "If nobody answers in time, that counts as “Reject”. The deadline is" in " ".join(
        text.split()
    )
    assert "parts 1.b: 2.50\n" in text
    assert "The system started" in text


def test_a_review_tells_how_long_the_text_is(alice: User) -> None:
    run = run_until_it_waits("one_of_each", kind="review")

    assert "There is a text to review (2 lines)." in letter_about(request_of(run), to=alice).text


@pytest.mark.parametrize(
    ("model", "is_served"),
    [(HumanRequest, Q(notify_at=None)), (Notification, Q(next_try_at__gt=F("planned_at")))],
)
def test_a_row_that_cannot_be_saved_keeps_no_other_waiting(
    model: Any, is_served: Q, run: Run, alice: User, carol: User, caplog: pytest.LogCaptureFixture
) -> None:
    assign_too(request_of(run_until_it_waits("question", by=alice)), user=carol)
    tried: list[Any] = []

    def refuse(instance: Any, **_: object) -> None:
        tried.append(instance)
        if instance == tried[0]:
            raise ValueError("not to be saved")

    pre_save.connect(refuse, sender=model)
    try:
        for _ in range(2):
            product_clock.ahead += MINUTE
            plan_notifications()
    finally:
        pre_save.disconnect(refuse, sender=model)

    served = set(model.objects.filter(is_served))
    assert tried[0] not in served
    assert tried[1] in served
    assert caplog.messages[0].endswith(": a periodic task failed.")
    assert str(tried[0].pk) in caplog.messages[0]


def test_a_site_without_a_mail_server_plans_nothing(
    settings: Settings, alice: User, finance: Group
) -> None:
    configure(settings, SENDS_MAIL=False)

    run = run_until_it_waits("one_of_each", kind="told")

    assert request_of(run).notify_at is None


@pytest.mark.django_db(transaction=True)
def test_many_clocks_and_workers_send_one_mail(run: Run) -> None:
    product_clock.ahead += MINUTE
    barrier = Barrier(4)

    def work(_: int) -> None:
        barrier.wait()
        plan_notifications()
        for pk in Notification.objects.values_list("pk", flat=True):
            send_notification(pk)
        connection.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))

    assert mailed() == ["bob@sign.example"]


@pytest.mark.django_db(transaction=True)
def test_two_clocks_and_a_killed_worker_send_one_mail(
    worker: StartWorker, clock: StartClock, alice: User, bob: User, support: Group
) -> None:
    grant("question", support, "start")
    product = worker(NOTIFY_AFTER_SECONDS="2")
    run = start("question", by=alice)
    request = wait_for_request(run)
    assign_too(request, user=bob)
    product.kill()
    clock(NOTIFY_AFTER_SECONDS="2"), clock(NOTIFY_AFTER_SECONDS="2")
    wait_until(Notification.objects.exists, what="a mail to be planned")

    worker(NOTIFY_AFTER_SECONDS="2")

    wait_until(lambda: Notification.objects.get().sent_at, timeout=40, what="the mail to be sent")
    assert len(letters_about(request)) == 1


def letters_about(request: HumanRequest) -> list[str]:
    texts = [path.read_text() for path in FOLDER.glob("*.log")]
    return [text for text in texts if f"/requests/{request.pk}" in text]


@pytest.mark.django_db(transaction=True)
def test_an_open_page_is_a_sign_of_somebody_looking(running_web: Web) -> None:
    erin = create_person("erin")
    with page(running_web, erin) as opened:
        opened.follow("inbox")

        wait_until(lambda: Presence.objects.filter(user=erin).exists(), what="erin to be noted")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows")
@pytest.mark.django_db(transaction=True)
def test_a_request_that_somebody_holds_keeps_no_other_mail_waiting(run: Run, alice: User) -> None:
    other = run_until_it_waits("question", by=alice)
    held, done = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            HumanRequest.objects.select_for_update().get(pk=request_of(run).pk)
            held.set()
            done.wait()
        connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(hold)
        held.wait()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '5s'")
            pass_time()
            assert [planned.request for planned in Notification.objects.all()] == [
                request_of(other)
            ]
        finally:
            done.set()
            connection.close()
