"""Mails sent by Django's mail backend, each to one person."""

from email.utils import formatdate

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from chat.channels import Channel
from chat.models import Notification
from dashboard.channels.letter import (
    Letter,
    letter_about,
    letter_about_alert,
    letter_about_mention,
    letter_about_several,
)
from dashboard.models.preferences import unwilling
from procedures.conf import conf
from procedures.users import User, email_of, has_address


class Mail(Channel):
    """The mail channel: text and HTML, with a link to the page where people answer."""

    name = "mail"
    phrase = _("by e-mail")
    bundles = True

    def is_on(self) -> bool:
        return conf.SENDS_MAIL

    def reachable(self, people: QuerySet[User]) -> QuerySet[User]:
        return people.filter(has_address())

    def mentionable(self, people: QuerySet[User]) -> QuerySet[User]:
        return self.reachable(people).exclude(unwilling())

    def deliver(self, notification: Notification) -> None:
        """Send a planned mail to the mail server.

        If sending is tried again, the mail has the same Message-ID, so that a mailbox shows only
        one mail.
        """
        letter = letter_of(notification)
        domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
        headers = {
            # The id is the same on each try, so that a mailbox shows one mail, not two, if a worker
            # died before it recorded that the first was sent.
            "Message-ID": f"<{notification.key}@{domain}>",
            "Date": formatdate(notification.planned_at.timestamp()),
            "Auto-Submitted": "auto-generated",
        }
        to = [email_of(notification.recipient)]
        message = EmailMultiAlternatives(letter.subject, letter.text, to=to, headers=headers)
        message.attach_alternative(letter.html, "text/html")
        message.send()


def letter_of(notification: Notification) -> Letter:
    to = notification.recipient
    if notification.mention:
        return letter_about_mention(notification.mention, to=to)
    if notification.alert:
        return letter_about_alert(notification.alert, to=to)
    asked = [(one.request, one.round) for one in notification.bundled() if one.request]
    if len(asked) > 1:
        requests, reminders = zip(*asked, strict=True)
        return letter_about_several(requests, to=to, reminders=reminders)
    [(request, reminder)] = asked
    return letter_about(request, to=to, reminder=reminder)
