"""Mentions of people in messages, and the notifications of these mentions.

A person is notified once of a mention, and only if the person has no page open.
"""

from collections.abc import Iterable

from chat.channels.registry import notifying_channels
from chat.mentions import Mention, mentions_in, readers_among
from chat.models import Message, Notification
from chat.store import sql
from procedures.conf import conf
from procedures.engine.values import canonical
from procedures.users import User, json_key, users


def find_mentioned(message: Message) -> list[User]:
    """Return the people who must be notified because an unsaved message mentions them.

    They are the mentioned people who may read the message, except its author. All mentioned people
    who may read the message are also stored in its field `mentioned`.
    """
    found = mentions_in(message.text)
    people = [one.user for one in found]
    may_read = readers_among(people, message.session, message.reply_to) if found else set()
    seen = [one for one in found if one.user.pk in may_read]
    if seen:
        message.mentioned = canonical.text_of([_pair(one) for one in seen])
    return [one.user for one in seen if one.user.pk != message.author_id]


def note_mentions(message: Message, people: Iterable[User]) -> None:
    """Mark the session as unread for the mentioned people, and plan notifications.

    A notification is due when NOTIFY_AFTER has passed since the message. If the person has read the
    message when the notification is due, the notification is dropped.
    """
    keys = [one.pk for one in people]
    for key in keys:
        sql.note_mention.execute(key, key, message.seq - 1, message.seq, message.session_id)
    due = message.at + conf.NOTIFY_AFTER
    for channel in notifying_channels() if keys else ():
        notified = channel.mentionable(users().filter(pk__in=keys))
        Notification.objects.bulk_create(
            Notification(
                channel=channel.name,
                mention=message,
                recipient=one,
                planned_at=message.at,
                next_try_at=due,
                held_until=due,
            )
            for one in notified
        )


def _pair(mention: Mention) -> list[object]:
    return [json_key(mention.user.pk), mention.name]
