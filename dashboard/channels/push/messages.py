"""The messages that are pushed to browsers."""

import json
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from chat.access import visible_requests
from chat.models import Notification
from dashboard.channels.letter import path_to
from dashboard.channels.push.sealing import topic_of
from dashboard.channels.subjects import (
    subject_about,
    subject_about_alert,
    subject_about_end,
    subject_about_mention,
    subject_about_several,
)

KEPT = timedelta(days=1)
"""The time for which a push service keeps a message until the browser runs."""
KEPT_TO_TAKE_BACK = timedelta(hours=1)
"""The time for which a push service keeps a message that takes back an earlier one.

At the push service, this message replaces the earlier one immediately. So a browser that is
started only after this time shows neither of them.
"""


@dataclass(frozen=True)
class PushMessage:
    """A message that a browser shows as a notification: a title, a link and a tag.

    The title is what a mail would have as its subject. A title may be shown on a locked screen, so
    it contains neither a question nor evidence. Only the title of an alert contains the start of
    the alert's text. The tag is a hash of the notification's key, so the tag says nothing of the
    content.
    """

    key: str
    """The key of the receipt by which the site notes that a browser has accepted this message."""
    title: str
    link: str
    tag: str
    """The tag of the notification, which replaces an earlier notification with the same tag."""
    takes_back: bool = False
    """True if this message takes back an earlier notification with the same tag."""

    @property
    def content(self) -> bytes:
        fields = {"title": self.title, "link": self.link, "tag": self.tag}
        marks = {"takes_back": True} if self.takes_back else {}
        return json.dumps({**fields, **marks}, ensure_ascii=False).encode()

    @property
    def kept(self) -> timedelta:
        """The time for which a push service keeps the message until the browser runs."""
        return KEPT_TO_TAKE_BACK if self.takes_back else KEPT


def message_of(notification: Notification) -> PushMessage:
    """Return the message that a browser shows for the notification."""
    title, link = _title_and_link(notification)
    return PushMessage(notification.key, title, link, topic_of(notification.key))


def taking_back(notification: Notification) -> PushMessage:
    """Return the message that takes back an earlier notification.

    This message has a title and a link, because some browsers show every message that they get.
    """
    title, link = _end_and_link(notification)
    tag = topic_of(notification.key)
    return PushMessage(f"{notification.key}-taken-back", title, link, tag, takes_back=True)


def _title_and_link(notification: Notification) -> tuple[str, str]:
    if mention := notification.mention:
        return subject_about_mention(mention), path_to(mention)
    if alert := notification.alert:
        assert alert.run_id
        return subject_about_alert(alert), reverse("countersign:run_detail", args=[alert.run_id])
    asked = [(one.request, one.round) for one in notification.bundled() if one.request]
    if len(asked) > 1:
        return subject_about_several(len(asked)), reverse("countersign:inbox")
    [(request, reminder)] = asked
    link = reverse("countersign:request_detail", args=[request.pk])
    return subject_about(request, reminder=reminder), link


def _end_and_link(notification: Notification) -> tuple[str, str]:
    request, person = notification.request, notification.recipient
    if request is None or notification.bundle:
        words = _("These requests no longer wait for your answer")
        return words, reverse("countersign:inbox")
    if not visible_requests(person).filter(pk=request.pk).exists():
        return _("A request no longer waits for your answer"), reverse("countersign:inbox")
    link = reverse("countersign:request_detail", args=[request.pk])
    return subject_about_end(request, to=person), link
