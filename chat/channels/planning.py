"""Notifications planned for people who are asked and not looking: one each, by every channel.

The clock plans a notification as a row and then tells the workers; it also finds those whose
message to a worker was lost. A row for the same request, channel and person exists once.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.db.models import QuerySet

from chat.assignments import assign, people_of
from chat.channels.channel import Channel
from chat.channels.presence import LOOKING, not_looking
from chat.channels.registry import channels, notifying_channels
from chat.models import HumanRequest, Message, Notification
from procedures import dispatch
from procedures.conf import conf
from procedures.engine.kinds.question_options import OPERATORS
from procedures.models.clock import clock
from procedures.services import serve_each
from procedures.users import User

TASK = "countersign.send_notification"
LARGEST_PASS = 200
GRAVE = ("error", "critical")
"""The levels of an alert of which operators are notified."""


def notification_time(asked_at: datetime) -> datetime | None:
    """Return the time to check whom to notify, or None if the site has no channel for it."""
    return asked_at + conf.NOTIFY_AFTER if notifying_channels() else None


def plan_notifications() -> None:
    """Plan what is due, and tell workers of what is unsent, every few seconds. Two are harmless.

    Workers are told when all is planned, so that what is due at the same time can go out together.
    """
    now = clock.now()
    due = HumanRequest.objects.open().filter(notify_at__lte=now).order_by("notify_at")
    serve_each(due.values_list("pk", flat=True)[:LARGEST_PASS], _plan, name="Request")
    unsent = Notification.objects.due(now).order_by("next_try_at")[:LARGEST_PASS]
    groups = groupby(sorted(unsent, key=_message_of), key=_message_of)
    together = ([one.pk for one in group] for _key, group in groups)
    serve_each(together, _tell_worker, name="Notifications")


def _plan(request_id: UUID) -> None:
    """Plan a notification by each channel for each person who is asked and not looking.

    Check again later for the others.
    """
    now = clock.now()
    due = HumanRequest.objects.open().filter(notify_at__lte=now)
    # Two clocks never wait for each other, nor plan one person twice: who finds the row locked
    # leaves it to the other.
    found = due.select_for_update(skip_locked=True).filter(pk=request_id).first()
    if found is None:
        return
    is_somebody_looking = False
    for channel in notifying_channels():
        # Each person once, also after the request was reassigned back to them.
        told = found.notifications.filter(channel=channel.name)
        asked = list(people_asked(found, channel).exclude(pk__in=told.values("recipient")))
        absent = not_looking(asked, now)
        Notification.objects.bulk_create(
            [_planned(channel, user, now, request=found) for user in absent]
        )
        is_somebody_looking |= len(absent) < len(asked)
    found.notify_at = now + LOOKING if is_somebody_looking else None
    found.save(update_fields=["notify_at"])


def plan_alert(alert: Message, *, now: datetime) -> None:
    """Notify each operator of the run's procedure of a grave alert at once, by every channel."""
    assert alert.run
    if alert.level not in GRAVE or not (notifying := notifying_channels()):
        return
    asked, _ = assign(OPERATORS, alert.run.procedure_id)
    for channel in notifying:
        for user in channel.reachable(people_of(asked)):
            planned = _planned(channel, user, now, alert=alert)
            planned.save()
            _ring([planned], now)


def _planned(channel: Channel, user: User, now: datetime, **about: object) -> Notification:
    return Notification(
        channel=channel.name, recipient=user, planned_at=now, next_try_at=now, **about
    )


def people_asked(request: HumanRequest, channel: Channel) -> QuerySet[User]:
    """Return the people the request names, directly or otherwise, whom the channel can reach."""
    return channel.reachable(people_of(request.assignments.all()))


def drop_unsent(*, before: datetime) -> None:
    """Drop what is unsent from before a moment; the requests still wait in the inboxes."""
    for unsent in Notification.objects.filter(next_try_at__isnull=False, planned_at__lte=before):
        unsent.drop("It may have been sent by the site that this one is a copy of.")
    HumanRequest.objects.open().filter(opened_at__lte=before).update(notify_at=None)


def _message_of(one: Notification) -> tuple[str, str]:
    """Return a key that those share which a worker will send together."""
    channel = channels.get(one.channel)
    if one.bundle is None and one.tries == 0 and one.request_id and channel and channel.bundles:
        return one.channel, str(one.recipient_id)
    return "", str(one.bundle or one.pk)


def _tell_worker(keys: Sequence[int]) -> None:
    now = clock.now()
    due = Notification.objects.due(now).select_for_update(skip_locked=True)
    if found := list(due.filter(pk__in=keys).order_by("pk")):
        _ring(found, now)


def _ring(together: Sequence[Notification], now: datetime) -> None:
    """Tell a worker of notifications that go out together, after this commit."""
    # Before the message, in one commit: if the message is lost the clock finds the rows again.
    for one in together:
        one.try_again(at=now)
    dispatch.send_later(TASK, together[0].pk)
