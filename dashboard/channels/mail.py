"""Mails by Django's backend, to one person each."""

from email.utils import formatdate

from django.conf import settings
from django.core.mail import EmailMessage

from chat.models import Mail
from dashboard.channels.letter import Letter, letter_about, letter_about_alert
from procedures.users import email_of


def deliver(mail: Mail) -> None:
    """Hand a planned mail to the server; its id is the same each time it is sent."""
    letter = _letter(mail)
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    headers = {
        "Message-ID": f"<{mail.request_id or mail.alert_id}.{mail.user.pk}@{domain}>",
        "Date": formatdate(mail.created_at.timestamp()),
        "Auto-Submitted": "auto-generated",
    }
    EmailMessage(letter.subject, letter.text, to=[email_of(mail.user)], headers=headers).send()


def _letter(mail: Mail) -> Letter:
    if mail.request:
        return letter_about(mail.request, to=mail.user)
    assert mail.alert
    return letter_about_alert(mail.alert, to=mail.user)
