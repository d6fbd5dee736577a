"""Planning of notifications to people who are asked and aren't looking at the product.

Each person gets one notification for each request and channel, and another for each reminder. The
clock process inserts a row for the notification and then queues a task for the workers. If the task
is lost, the clock process queues another one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from chat.assignments import assign, people_of
from chat.channels.channel import Channel
from chat.channels.presence import LOOKING, not_looking
from chat.channels.registry import channels, notifying_channels
from chat.left import still_left
from chat.models import Delegation, HumanRequest, Message, Notification
from chat.models.notification import FIRST_CHANGE_ROUND
from chat.models.rights import askers_by_token, causers
from procedures import dispatch
from procedures.conf import conf
from procedures.engine.kinds.question_options import OPERATORS
from procedures.models import Run
from procedures.models.clock import clock
from procedures.services import serve_each
from procedures.users import User, active_users

TASK = "countersign.send_notification"
LARGEST_PASS = 200
CLAIM_CHECKED_AGAIN = timedelta(minutes=10)
"""The time after which the assignees of a claimed request are looked at again.

The claim may have become invalid since, so that the other assignees must be notified.
"""
WEBHOOK = "webhook"
"""The name of the channel that reports to programs."""
GRAVE = ("error", "critical")
"""The levels of an alert at which operators are notified."""


def notification_time(asked_at: datetime) -> datetime | None:
    """Return when to check which assignees must be notified of a request asked at `asked_at`.

    Return None if no channel of this site notifies people.
    """
    return asked_at + conf.NOTIFY_AFTER if notifying_channels() else None


def plan_notifications() -> None:
    """Plan the notifications that are due, and queue tasks to send the unsent notifications.

    The clock process calls this function every few seconds; concurrent calls are harmless. Tasks
    are queued only after everything has been planned, so that notifications that are due at the
    same time can share a message.
    """
    now = clock.now()
    due = HumanRequest.objects.open().filter(notify_at__lte=now).order_by("notify_at")
    serve_each(due.values_list("pk", flat=True)[:LARGEST_PASS], _plan, name="Request")
    unsent = Notification.objects.due(now).order_by("next_try_at")[:LARGEST_PASS]
    groups = groupby(sorted(unsent, key=_message_of), key=_message_of)
    together = ([one.pk for one in group] for _key, group in groups)
    serve_each(together, _tell_worker, name="Notifications")


def _plan(request_id: UUID) -> None:
    """Plan a notification of the request by each channel for each assignee who has no page open.

    Assignees who have voted already aren't notified. If some assignees have a page open, the
    request is looked at again soon. If somebody has claimed the request, the request is looked at
    again after `CLAIM_CHECKED_AGAIN`, and when the claim is released.
    """
    now = clock.now()
    due = HumanRequest.objects.open().filter(notify_at__lte=now)
    # Two clock processes never wait for each other and never plan the same notification: if one has
    # locked the row, the other skips it.
    found = due.select_for_update(skip_locked=True).filter(pk=request_id).first()
    if found is None:
        return
    is_anybody_looking = is_kept_by_claim = False
    for channel in notifying_channels():
        # Each person is notified once in each round, even if the request is reassigned back to
        # them.
        notified = found.notifications.filter(channel=channel.name, round=found.reminded)
        asked = list(people_asked(found, channel).exclude(pk__in=notified.values("recipient")))
        left = still_left(found, asked)
        absent = not_looking(left, now)
        Notification.objects.bulk_create(
            [_planned(channel, user, now, request=found, round=found.reminded) for user in absent]
        )
        is_anybody_looking |= len(absent) < len(left)
        # A claim may become invalid because of a change elsewhere. Then the request waits for the
        # other assignees again.
        is_kept_by_claim |= found.claimed_by_id is not None and len(left) < len(asked)
    claim_checked_at = now + CLAIM_CHECKED_AGAIN if is_kept_by_claim else None
    found.notify_at = now + LOOKING if is_anybody_looking else claim_checked_at
    found.save(update_fields=["notify_at"])


def plan_again(request: HumanRequest, people: Sequence[User], *, now: datetime) -> None:
    """Plan another notification of an open request to people who must answer the request again.

    Each change of a request's values is a round of its own, and each round notifies people once.
    People who have a page open aren't notified, because they see the request's card change.
    """
    if not (absent := not_looking(people, now) if people else []):
        return
    latest = request.notifications.aggregate(latest=Max("round"))["latest"] or 0
    again = max(latest + 1, FIRST_CHANGE_ROUND)
    for channel in notifying_channels():
        reachable = people_asked(request, channel).filter(pk__in=[one.pk for one in absent])
        planned = [_planned(channel, user, now, request=request, round=again) for user in reachable]
        Notification.objects.bulk_create(planned)


def plan_alert(alert: Message, *, now: datetime) -> None:
    """Plan notifications of an alert to the procedure's operators, by every channel that notifies.

    The notifications are due immediately. Alerts whose level isn't in `GRAVE` are ignored.
    """
    assert alert.run
    if alert.level not in GRAVE or not (notifying := notifying_channels()):
        return
    asked, _ = assign(OPERATORS, alert.run.procedure_id)
    for channel in notifying:
        for user in channel.reachable(people_of(asked)):
            planned = _planned(channel, user, now, alert=alert)
            planned.save()
            _ring([planned], now)


def plan_report(run: Run, *, now: datetime, request: HumanRequest | None = None) -> None:
    """Plan a report to the run's webhook, if the run has a webhook.

    With a `request`, the report says that the request has ended; without a `request`, that the run
    has ended. The report is due immediately. If a request or run ends again, for example after a
    retry, another report is planned.
    """
    if not run.webhook or run.started_by is None:
        return
    about: dict[str, Any] = {"request": request} if request else {"run": run}
    number = Notification.objects.filter(channel=WEBHOOK, **about).count()
    planned = Notification(
        channel=WEBHOOK, recipient=run.started_by, planned_at=now, round=number, **about
    )
    planned.next_try_at = now
    planned.save()
    _ring([planned], now)


def _planned(channel: Channel, user: User, now: datetime, **about: object) -> Notification:
    return Notification(
        channel=channel.name, recipient=user, planned_at=now, next_try_at=now, **about
    )


def people_asked(request: HumanRequest, channel: Channel) -> QuerySet[User]:
    """Return the active people whom the request asks and whom the channel can reach.

    The deputies of these people are included. With `four_eyes`, people who started the run, or
    otherwise caused the request, are left out. Unless ASKERS_MAY_ANSWER is on, people are also left
    out if a program opened the request with their token.
    """
    asked = people_of(request.assignments.all()).values("pk")
    given = Delegation.objects.active(clock.moment()).filter(user__in=asked)
    found = active_users().filter(Q(pk__in=asked) | Q(pk__in=given.values("to")))
    if not conf.ASKERS_MAY_ANSWER and (askers := askers_by_token(request)):
        found = found.exclude(pk__in=askers)
    if request.four_eyes:
        found = found.exclude(pk__in=causers(request.wait.run))
    return channel.reachable(found)


def drop_unsent(*, before: datetime) -> None:
    """Drop the unsent notifications that were planned at the time `before` or earlier.

    The requests of these notifications stay in the inboxes.
    """
    for unsent in Notification.objects.filter(next_try_at__isnull=False, planned_at__lte=before):
        unsent.drop("This site is a copy; the original site may have sent this notification.")
    HumanRequest.objects.open().filter(opened_at__lte=before).update(notify_at=None)


def _message_of(notification: Notification) -> tuple[str, str]:
    """Return a key that is the same for all notifications to send in one message."""
    channel = channels.get(notification.channel)
    if (
        notification.bundle is None
        and notification.tries == 0
        and notification.request_id
        and channel
        and channel.bundles
    ):
        return notification.channel, str(notification.recipient_id)
    return "", str(notification.bundle or notification.pk)


def _tell_worker(keys: Sequence[int]) -> None:
    now = clock.now()
    due = Notification.objects.due(now).select_for_update(skip_locked=True)
    if found := list(due.filter(pk__in=keys).order_by("pk")):
        _ring(found, now)


def _ring(together: Sequence[Notification], now: datetime) -> None:
    """Queue a task, after the current commit, that sends the given notifications in one message."""
    # The message is sent in the same commit. If it is lost, the clock process finds the rows again.
    for one in together:
        one.try_again(at=now)
    dispatch.send_later(TASK, together[0].pk)
