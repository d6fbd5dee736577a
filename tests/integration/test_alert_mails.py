"""The content of mails about alerts, and their recipients."""

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from pytest_django import Settings

from chat.models import Message, Notification
from chat.services import plan_notifications, send_notification
from procedures.conf import conf
from procedures.models import Run
from procedures.runner import advance_run
from procedures.services import start_run
from tests.calls import grant
from tests.configured import configure


@pytest.fixture
def operated(operators: Group, finance: Group, dave: User, bob: User) -> None:
    """Let dave operate; bob only answers, and an operator without an address gets no mail."""
    grant("alarmed", operators, "operate")
    grant("alarmed", finance, "answer")
    for user in (dave, bob):
        user.email = f"{user.username}@sign.example"
        user.save()
    User.objects.create_user("erin").groups.add(operators)


def told(level: str = "critical") -> Run:
    run, _ = start_run("alarmed", {"level": level}, by=None)
    advance_run(run.pk)
    for _ in range(2):
        plan_notifications()
        for pk in Notification.objects.exclude(alert=None).values_list("pk", flat=True):
            send_notification(pk)
    return run


@pytest.mark.usefixtures("operated")
@pytest.mark.parametrize("level", ["error", "critical"])
def test_a_grave_alert_is_mailed_to_the_operators_once(level: str, settings: Settings) -> None:
    run = told(level)

    (letter,) = mail.outbox
    assert letter.to == ["dave@sign.example"]
    assert letter.subject == f"{level.capitalize()} in Alarmed: Somebody was paid twice."
    assert (
        f"sent this alert ({level.capitalize()}):\n\n    Somebody was paid twice.\n" in letter.body
    )
    assert f"{conf.SITE_URL}/runs/{run.pk}\n" in letter.body
    assert Notification.objects.get().alert == Message.objects.get(level=level)


@pytest.mark.usefixtures("operated")
@pytest.mark.parametrize("level", ["info", "warning"])
def test_a_lesser_one_is_not(level: str) -> None:
    told(level)

    assert not Notification.objects.exists()


@pytest.mark.usefixtures("operated")
def test_a_site_that_sends_no_mail_plans_none(settings: Settings) -> None:
    configure(settings, SENDS_MAIL=False)

    told()

    assert not Notification.objects.exists()
