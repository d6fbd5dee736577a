"""Mails to people who are asked and not looking: one each, apart from the run's work.

The clock plans a mail as a row and then calls the workers; it also finds mails whose message was
lost. Each mail has a stable id: if a worker dies between the mail server's reply and its own note,
the copy that another worker sends can be recognized as a duplicate.
"""

import logging
from datetime import datetime
from smtplib import SMTPException

from django.db import transaction
from django.db.models import QuerySet

from chat.channels import MAIL, channels
from chat.models import HumanRequest, Mail, Message
from chat.services.assignments import assign, people_of
from chat.services.presence import LOOKING, not_looking
from procedures import dispatch
from procedures.conf import conf
from procedures.engine.kinds.question_options import OPERATORS
from procedures.models.clock import clock
from procedures.users import User, has_address

logger = logging.getLogger(__name__)
TASK = "countersign.send_mail"
LARGEST_PASS = 200
GRAVE = ("error", "critical")
"""The levels of an alert that is mailed."""
FAULTS = (SMTPException, OSError, ValueError)
"""Errors of the server, of the network, and of an address or header no mail can have."""


def mail_time(opened_at: datetime) -> datetime | None:
    """Return the time to check who needs a mail, or None if the site sends none."""
    return opened_at + conf.MAIL_AFTER if sends_mail() else None


def sends_mail() -> bool:
    return conf.SENDS_MAIL and MAIL in channels


def find_mails() -> None:
    """Plan the mails that are due and ring for unsent ones, every few seconds. Two are harmless."""
    now = clock.now()
    due = HumanRequest.objects.open().filter(mail_at__lte=now).order_by("mail_at")
    for request in due[:LARGEST_PASS]:
        _plan(request)
    for mail in Mail.objects.stale(now).order_by("ring_at")[:LARGEST_PASS]:
        _ring_again(mail)


@transaction.atomic
def _plan(request: HumanRequest) -> None:
    """Plan a mail for each person who is asked and not looking.

    Check again later for the others.
    """
    now = clock.now()
    due = HumanRequest.objects.open().filter(mail_at__lte=now)
    # Two clocks never wait for each other, nor plan one person twice: who finds the row locked
    # leaves it to the other.
    found = due.select_for_update(skip_locked=True).filter(pk=request.pk).first()
    if found is None:
        return
    # Each person once, also after the request was reassigned back to them.
    asked = list(people_asked(found).exclude(mails__request=found))
    absent = not_looking(asked, now)
    for user in absent:
        _ring(Mail.objects.create(request=found, user=user, created_at=now, ring_at=now), now)
    found.mail_at = now + LOOKING if len(absent) < len(asked) else None
    found.save(update_fields=["mail_at"])


@transaction.atomic
def _ring_again(mail: Mail) -> None:
    now = clock.now()
    stale = Mail.objects.stale(now).select_for_update(skip_locked=True)
    if found := stale.filter(pk=mail.pk).first():
        _ring(found, now)


def _ring(mail: Mail, now: datetime) -> None:
    # Before the message, in one commit: if the message is lost the clock finds the row again.
    mail.ring_again(at=now)
    dispatch.send_later(TASK, mail.pk)


def people_asked(request: HumanRequest) -> QuerySet[User]:
    """Return the people with an address whom the request names, directly or otherwise."""
    return people_of(request.assignments.all()).filter(has_address())


def plan_alert(alert: Message, *, now: datetime) -> None:
    """Plan a mail to each operator of the run's procedure about a grave alert."""
    assert alert.run
    if alert.level not in GRAVE or not sends_mail():
        return
    asked, _ = assign(OPERATORS, alert.run.procedure_id)
    for user in people_of(asked).filter(has_address()):
        _ring(Mail.objects.create(alert=alert, user=user, created_at=now, ring_at=now), now)


def drop_unsent(*, before: datetime) -> None:
    """Drop unsent mails from before a moment; their requests still wait in the inboxes."""
    for mail in Mail.objects.filter(ring_at__isnull=False, created_at__lte=before):
        mail.drop("It may have been sent by the site that this one is a copy of.")
    HumanRequest.objects.open().filter(opened_at__lte=before).update(mail_at=None)


def send_mail(mail_id: int) -> None:
    """Send a planned mail, unless another worker does. Calling it twice is harmless."""
    mail = _hold(mail_id)
    if mail is None:
        return
    try:
        # Outside any transaction: a mail server may take minutes, and the row is held by its own
        # time instead of a lock.
        channels[MAIL](mail)
    except FAULTS as error:
        mail.fail(f"{type(error).__name__}: {error}", at=clock.now())
        logger.warning("Mail %s to %s could not be sent: %s", mail.pk, mail.user, mail.note)
    else:
        # After it was taken over: a worker that dies in between has it sent twice rather than
        # never, and its id shows that it is one.
        mail.note_sent(at=clock.now())
        logger.info("Mailed %s about “%s”", mail.user, mail.request or mail.alert)


@transaction.atomic
def _hold(mail_id: int) -> Mail | None:
    now = clock.now()
    mail = Mail.objects.sendable(now).select_for_update().filter(pk=mail_id).first()
    if mail is None:
        return None
    if why := _is_needless(mail):
        mail.drop(why)
        return None
    mail.hold(now=now)
    return mail


def _is_needless(mail: Mail) -> str:
    if mail.request is None:
        return ""
    if not mail.request.is_open:
        return "It was closed before."
    if not people_asked(mail.request).filter(pk=mail.user.pk).exists():
        return "They are not asked any more."
    return ""
