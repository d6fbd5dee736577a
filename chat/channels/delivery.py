"""Delivery of planned notifications by workers.

Each message has a key that stays the same on every try. A worker may die after the channel has
accepted a message, but before the worker has recorded this. Then another worker sends a copy with
the same key, by which the receiving service can tell that the copy is a duplicate.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice

from django.db import transaction
from django.db.models import Q

from chat.access import visible_messages
from chat.channels.channel import UndeliverableError
from chat.channels.planning import people_asked
from chat.channels.presence import not_looking
from chat.channels.registry import channels, find_channel
from chat.channels.taking_back import why_kept
from chat.left import still_left
from chat.models import HumanRequest, Message, Notification, ReadMark
from chat.models.notification import MOST_TRIES, NotificationQuerySet
from procedures.models.clock import clock
from procedures.models.ids import uuid7
from procedures.users import users

logger = logging.getLogger(__name__)
MOST_TOGETHER = 50
"""The maximum number of notifications to send in one message."""
MENTION_COVERS = timedelta(hours=1)
"""The time during which a notification of a mention makes notifications of later mentions needless.

The mentions must be in the same session, and the person must not have read the first one yet.
"""
NEVER_ENDED = f"{MOST_TRIES} workers tried to deliver this notification, and none of them finished."


def send_notification(notification_id: int) -> None:
    """Deliver a planned notification, unless another worker holds the notification.

    Calling this function twice is harmless. If the channel bundles notifications, the message also
    contains other notifications that are planned for the same person and channel.
    """
    held = _hold(notification_id)
    if not held:
        return
    first, now = held[0], clock.now()
    try:
        # Outside any transaction, because a mail server may take minutes. The row is held until a
        # time instead of being locked.
        _deliver(first)
    except UndeliverableError as error:
        for one in held:
            one.give_up(str(error))
        logger.warning("Gave up on notification %s (%s): %s", first.pk, first.channel, first.note)
    except Exception as error:  # noqa: BLE001 (a channel may be a site's own code)
        for one in held:
            one.fail(f"{type(error).__name__}: {error}", at=now)
        logger.warning(
            "Notification %s (%s) couldn't be delivered: %s", first.pk, first.channel, first.note
        )
    else:
        # This is recorded after the channel has accepted the message. If a worker dies in between,
        # the message is sent twice rather than never, and its key marks the copy as a duplicate.
        for one in held:
            one.note_sent(at=clock.now())
        words = (
            "Took back the notification to %s by %s about %s"
            if first.takes_back
            else "Notified %s by %s about %s"
        )
        logger.info(words, first.recipient, first.channel, _subjects(held))


def _deliver(notification: Notification) -> None:
    channel = find_channel(notification.channel)
    if earlier := notification.takes_back:
        channel.take_back(earlier)
    else:
        channel.deliver(notification)


@transaction.atomic
def _hold(notification_id: int) -> list[Notification]:
    """Reserve a notification and those that share its message, and return them all.

    Notifications that are no longer needed are dropped and not returned. The list is empty if the
    notification has been sent already or if another worker holds it.
    """
    now = clock.now()
    named = Notification.objects.sendable(now).filter(pk=notification_id).first()
    if named is None:
        return []
    needed = list(islice(_needed(_locked(_sharing_message(named).sendable(now))), MOST_TOGETHER))
    bundle = named.bundle or (uuid7() if len(needed) > 1 else None)
    for one in needed:
        one.hold(now=now, bundle=bundle)
    return needed


def _sharing_message(named: Notification) -> NotificationQuerySet:
    """Return `named` and the notifications that share a message with `named`.

    If `named` has been tried before, the message contains the same notifications as at the last
    try, and no new ones.
    """
    if named.bundle:
        return Notification.objects.tried_with(named.bundle)
    channel = channels.get(named.channel)
    if channel and channel.bundles and named.request_id and named.tries == 0:
        return Notification.objects.untried_beside(named)
    return Notification.objects.filter(pk=named.pk)


def _locked(together: NotificationQuerySet) -> Iterator[Notification]:
    """Lock the given notifications in batches, and yield them for as long as the caller wants more.

    The caller skips notifications that it postpones or drops. So a long row of skipped
    notifications doesn't keep the later ones from being found and sent.
    """
    # The order is the same everywhere. Otherwise, two workers that lock the same two rows could
    # deadlock.
    ordered, last = together.order_by("pk").select_for_update(), 0
    while part := list(ordered.filter(pk__gt=last)[:MOST_TOGETHER]):
        yield from part
        if len(part) < MOST_TOGETHER:
            return
        last = part[-1].pk


def _needed(found: Iterable[Notification]) -> Iterator[Notification]:
    for one in found:
        if one.tries >= MOST_TRIES:
            one.give_up(one.note or NEVER_ENDED)
        elif one.request and one.request.effective_at:
            # The request is closed only until its answer is undone. After an undo, people must be
            # notified again.
            one.put_off(at=one.request.effective_at)
        elif one.mention and not not_looking([one.recipient], clock.now()):
            one.put_off(at=clock.now())
        elif one.takes_back and one.takes_back.status == Notification.Status.HELD:
            # A worker is sending it right now, or has died, and another worker will drop it.
            one.put_off(at=clock.now())
        elif why := _why_unneeded(one):
            one.drop(why)
        elif one.request and one.request.is_open and not still_left(one.request, [one.recipient]):
            _postpone_or_drop(one)
        else:
            yield one


def _postpone_or_drop(notification: Notification) -> None:
    """Postpone the notification if its request is claimed; otherwise drop the notification.

    Call this function for an open request that isn't left to the person. If the request isn't
    claimed either, the person has already voted.
    """
    if notification.request and notification.request.claimed_by_id:
        notification.put_off(at=clock.now())
    else:
        notification.drop("This person has voted already.")


def _obsolete_report_words(notification: Notification) -> str:
    """Return a sentence that says why a report to a program is obsolete, else "".

    A report about a request is obsolete if the request's answer has been undone. A report about a
    run's end is obsolete if the run has continued since, for example after a retry.
    """
    if notification.request:
        is_open = notification.request.is_open
        return "The answer that this notification would report has been undone." if is_open else ""
    if notification.run and notification.run.ended_at is None:
        return "This notification would report the end of a run that has continued since."
    return ""


def _why_unneeded(notification: Notification) -> str:
    """Return a sentence that says why a notification isn't needed any more; "" if it is needed."""
    channel = channels.get(notification.channel)
    if notification.mention:
        return _unneeded_mention_words(notification, notification.mention)
    if notification.takes_back:
        return why_kept(notification.takes_back, channel) if channel else ""
    if channel and channel.reports:
        return _obsolete_report_words(notification)
    return (
        _unneeded_request_words(notification, notification.request) if notification.request else ""
    )


def _unneeded_request_words(notification: Notification, request: HumanRequest) -> str:
    """Return a sentence that says why a notification of a request isn't needed, or "" if it is."""
    channel = channels.get(notification.channel)
    if not request.is_open:
        return "The request was closed before this notification was sent."
    if notification.round < request.reminded:
        return "A reminder is sent instead."
    if channel and not people_asked(request, channel).filter(pk=notification.recipient_id).exists():
        return "The request is no longer assigned to this person, or the channel can't reach them."
    return ""


def _unneeded_mention_words(notification: Notification, message: Message) -> str:
    """Return a sentence that says why a notification of a mention isn't needed, or "" if it is."""
    channel = channels.get(notification.channel)
    mark = ReadMark.objects.filter(
        session=message.session_id, user=notification.recipient_id
    ).first()
    if mark and mark.seq >= message.seq:
        return "This person has read the message."
    if _is_covered_by_earlier(notification, message, read_to=mark.seq if mark else 0):
        return "Another notification tells of an earlier mention that this person hasn't read."
    if not visible_messages(notification.recipient).filter(pk=message.pk).exists():
        return "This person can no longer see the message."
    people = users().filter(pk=notification.recipient_id)
    if channel and not channel.mentionable(people).exists():
        return "This person doesn't want notifications of mentions, or can't be reached."
    return ""


def _is_covered_by_earlier(notification: Notification, message: Message, *, read_to: int) -> bool:
    """Return True if a notification of an earlier mention in the session makes this one needless.

    The earlier notification must be about a message that the person hasn't read (a number above
    `read_to`). It must have been sent within the last `MENTION_COVERS`, or must still be planned.
    So somebody who is mentioned in one message after another doesn't get a mail for each.
    """
    is_coming = Q(next_try_at__isnull=False)
    earlier = Notification.objects.filter(
        is_coming | Q(sent_at__gt=clock.now() - MENTION_COVERS),
        recipient=notification.recipient_id,
        channel=notification.channel,
        mention__session=message.session_id,
        mention__seq__gt=read_to,
        mention__seq__lt=message.seq,
    )
    return earlier.exists()


def _subjects(held: list[Notification]) -> str:
    subjects = (one.takes_back or one for one in held)
    return ", ".join(f"“{one.request or one.alert or one.mention or one.run}”" for one in subjects)
