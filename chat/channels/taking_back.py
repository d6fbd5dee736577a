"""Taking notifications back when a request no longer waits for the person who was notified.

Mails can't be taken back, but a notification that stays on a screen can. The transaction that
closes or reassigns the request plans the taking back, as a row of its own. When a worker handles
that row, the worker checks whether the notification must still be taken back.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from chat.channels.channel import Channel
from chat.channels.planning import TASK, people_asked
from chat.channels.registry import notifying_channels
from chat.left import still_left
from chat.models import HumanRequest, Notification
from chat.models.notification import TRY_AGAIN
from procedures import dispatch


def plan_taking_back(
    request: HumanRequest, *, now: datetime, recipients: Iterable[Any] | None = None
) -> None:
    """Plan to take back the notifications of a request that are still on people's devices.

    Channels that can't take notifications back are left out. The caller has locked the request. By
    default, the notifications of all people are taken back, because the request was closed or
    reassigned. If `recipients` is given, only the notifications of the people with these primary
    keys are taken back.
    """
    able = [one.name for one in notifying_channels() if one.takes_back]
    if not able:
        return
    delivered = request.notifications.filter(channel__in=able, taken_back_by=None).order_by("pk")
    if recipients is not None:
        delivered = delivered.filter(recipient__in=recipients)
    planned = [
        Notification(
            channel=one.channel,
            recipient_id=one.recipient_id,
            takes_back=one,
            planned_at=now,
            next_try_at=now + TRY_AGAIN,
        )
        # The rows are locked. Otherwise, a worker that begins to send one right now would see an
        # open request, and this code would see a notification that hasn't been tried.
        for one in delivered.select_for_update(of=("self",))
        # Notifications that are being sent, or have failed, are included, because some of a
        # person's devices may have them.
        if one.tries
    ]
    for one in Notification.objects.bulk_create(planned):
        dispatch.send_later(TASK, one.pk)


def why_kept(notification: Notification, channel: Channel) -> str:
    """Return a sentence that says why a notification must not be taken back, or ""."""
    if any(_is_waiting(one, channel) for one in _in_same_message(notification)):
        return "A request in this notification still waits for this person's answer."
    return ""


def _in_same_message(notification: Notification) -> Iterable[Notification]:
    if notification.bundle is None:
        return [notification]
    return Notification.objects.tried_with(notification.bundle).select_related(
        "request", "recipient"
    )


def _is_waiting(notification: Notification, channel: Channel) -> bool:
    request, person = notification.request, notification.recipient
    if request is None or not request.is_open:
        return False
    is_asked = people_asked(request, channel).filter(pk=person.pk).exists()
    return is_asked and bool(still_left(request, [person]))
