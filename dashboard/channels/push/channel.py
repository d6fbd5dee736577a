"""The channel that notifies people in their browsers, even if no page of the site is open."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import partial

from django.db.models import QuerySet

from chat.channels import Channel, UndeliverableError
from chat.models import Notification
from dashboard.channels.posting import ForbiddenAddressError, PostError, post
from dashboard.channels.push.keys import PushKey, push_key
from dashboard.channels.push.messages import PushMessage, message_of, taking_back
from dashboard.channels.push.sealing import headers_for, sealed
from dashboard.models import PushSubscription
from dashboard.models.preferences import unwilling
from dashboard.models.push import PushSubscriptionQuerySet
from procedures.conf import conf
from procedures.models.clock import clock
from procedures.users import User

AT_ONCE = 8
"""The maximum number of a person's browsers to which a message is pushed in parallel."""
GONE = {404, 410}
"""The HTTP statuses by which a push service says that a browser's subscription has ended."""


class Push(Channel):
    """The channel of notifications in browsers. People switch it on in each of their browsers."""

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
        """Push a message to each of the person's browsers that hasn't accepted this message yet.

        If the push service no longer knows the subscription of a browser, the subscription is
        deleted.
        """
        key = _needed_key()
        found = PushSubscription.objects.in_use(key.public).of(notification.recipient)
        push_to(found, message_of(notification), key)
        if not found.exists():
            raise UndeliverableError("None of this person's browsers can be notified any more.")

    def take_back(self, notification: Notification) -> None:
        """Push another message to each browser that has accepted the notification.

        This message replaces the notification or closes it.
        """
        key = _needed_key()
        found = PushSubscription.objects.in_use(key.public).of(notification.recipient)
        push_to(found.with_message(notification.key), taking_back(notification), key)


def _needed_key() -> PushKey:
    if key := push_key():
        return key
    raise UndeliverableError("This site doesn't notify people in browsers any more.")


def push_to(subscriptions: PushSubscriptionQuerySet, message: PushMessage, key: PushKey) -> None:
    """Push a message to the subscribed browsers that haven't accepted this message yet.

    If some browsers can't be reached, raise the first `PostError`, so that the caller tries again.
    """
    missing = subscriptions.without(message.key)
    if faults := list(_push_to(missing, message, key)):
        raise faults[0]


def _push_to(
    subscriptions: PushSubscriptionQuerySet, message: PushMessage, key: PushKey
) -> Iterator[PostError]:
    """Push the message to all these browsers. Yield the errors after which another try makes sense.

    Only the POST requests run in threads, because a push service can take seconds to respond.
    """
    send = partial(post, to_loopback=conf.PUSH_TO_LOOPBACK)
    found: dict[Future[None], PushSubscription] = {}
    with ThreadPoolExecutor(AT_ONCE, "push") as threads:
        for one in subscriptions:
            headers = headers_for(one, key, topic=message.tag, kept=message.kept)
            found[threads.submit(send, one.endpoint, sealed(message.content, one), headers)] = one
        yield from _faults(found, message)


def _faults(
    pushed: Mapping[Future[None], PushSubscription], message: PushMessage
) -> Iterator[PostError]:
    """Record the result of each push. Yield the errors after which another try makes sense."""
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
            one.note_accepted(message.key, at=clock.now())
