"""The channel that notifies people in their browsers, also while no page is open."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import partial

from django.db.models import QuerySet
from django.urls import reverse

from chat.channels import Channel, UndeliverableError
from chat.models import Notification
from dashboard.channels.letter import path_to
from dashboard.channels.posting import ForbiddenAddressError, PostError, post
from dashboard.channels.push.keys import PushKey, push_key
from dashboard.channels.push.sealing import headers_for, sealed, topic_of
from dashboard.channels.subjects import (
    subject_about,
    subject_about_alert,
    subject_about_mention,
    subject_about_several,
)
from dashboard.models import PushSubscription
from dashboard.models.preferences import unwilling
from procedures.conf import conf
from procedures.models.clock import clock
from procedures.users import User

AT_ONCE = 8
"""The most browsers of a person to which a message is pushed at the same time."""
GONE = {404, 410}
"""The statuses by which a push service says that a browser wants no more."""


class Push(Channel):
    """Notifications in the browsers in which people have switched them on."""

    name = "push"
    bundles = True

    def is_on(self) -> bool:
        return push_key() is not None

    def reachable(self, people: QuerySet[User]) -> QuerySet[User]:
        key = push_key()
        subscribed = PushSubscription.objects.in_use(key.public if key else "")
        return people.filter(pk__in=subscribed.values("sign_in__user"))

    def mentionable(self, people: QuerySet[User]) -> QuerySet[User]:
        return self.reachable(people).exclude(unwilling())

    def deliver(self, notification: Notification) -> None:
        """Push a message to each of the person's browsers that hasn't accepted it yet.

        A browser that its push service doesn't know any more is forgotten.
        """
        key = push_key()
        if key is None:
            raise UndeliverableError("This site doesn't notify people in browsers any more.")
        found = PushSubscription.objects.in_use(key.public).of(notification.recipient)
        missing = found.without(notification.key)
        faults = list(_push_to(missing, notification, key))
        if faults:
            raise faults[0]
        if not found.exists():
            raise UndeliverableError("None of this person's browsers can be notified any more.")


def _push_to(
    subscriptions: QuerySet[PushSubscription], notification: Notification, key: PushKey
) -> Iterator[PostError]:
    """Push the message to these browsers at once; yield the faults after which it is tried again.

    Only the posts are in threads of their own: a push service may take seconds to answer.
    """
    content = json.dumps(message_of(notification), ensure_ascii=False).encode()
    send = partial(post, to_loopback=conf.PUSH_TO_LOOPBACK)
    found: dict[Future[None], PushSubscription] = {}
    with ThreadPoolExecutor(AT_ONCE, "push") as threads:
        for one in subscriptions:
            headers = headers_for(one, key, notification.key)
            found[threads.submit(send, one.endpoint, sealed(content, one), headers)] = one
        yield from _faults(found, notification)


def _faults(
    pushed: Mapping[Future[None], PushSubscription], notification: Notification
) -> Iterator[PostError]:
    """Note what became of each push; yield the faults after which it is tried again."""
    for push in as_completed(pushed):
        one = pushed[push]
        try:
            push.result()
        except ForbiddenAddressError:
            one.delete()
        except PostError as error:
            if error.status in GONE:
                one.delete()
            else:
                yield error
        else:
            one.note_accepted(notification.key, at=clock.now())


def message_of(notification: Notification) -> dict[str, str]:
    """Return all that a browser is sent: a title, a link, and a name for this message.

    The title is the subject that a mail would have. It may stand on a locked screen, and so names
    neither a question nor its evidence. That of an alert has the beginning of the alert's text.
    """
    title, link = _title_and_link(notification)
    return {"title": title, "link": link, "tag": topic_of(notification.key)}


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
