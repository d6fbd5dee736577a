"""The feed of a session after entries of its transcript were deleted."""

from collections.abc import Iterator
from uuid import UUID

from chat.models import FeedEntry, Message, RunAudience, Session
from chat.models.feed import ALL, HIDDEN, audiences_of_message

MEMBER = "member:"
READ_AT_ONCE = 200


def feed_again(session: Session, gone: set[UUID]) -> None:
    """Find the newest message anew for each audience whose newest one is among `gone`.

    An audience that may read none of the remaining messages loses its entry. The session is locked,
    and has at least one message.
    """
    entries = FeedEntry.objects.filter(session=session)
    lost = {one.audience for one in entries if one.newest in gone}
    left = {name.removeprefix(HIDDEN): name for name in lost}
    for message, audiences in _newest_first(session):
        if not left:
            break
        for base in [one for one in left if one in audiences or one.startswith(MEMBER)]:
            name = left.pop(base)
            entries.filter(audience=name).update(newest=message.pk, seq=message.seq)
    entries.filter(audience__in=list(left.values())).delete()


def _newest_first(session: Session) -> Iterator[tuple[Message, set[str]]]:
    """Yield the messages of a session, the newest first, each with the audiences that may read it.

    Members aren't among the audiences: they may read all messages.
    """
    rows = Message.objects.filter(session=session).select_related("run", "reply_to__run")
    seq = None
    while found := list(rows.order_by("-seq").above(seq)[:READ_AT_ONCE]):
        seq = found[-1].seq
        for message in found:
            yield message, {ALL, *audiences_of_message(message), *_asked_by(message)}


def _asked_by(message: Message) -> Iterator[str]:
    runs = {message.run_id, message.reply_to.run_id if message.reply_to else None} - {None}
    if runs:
        yield from RunAudience.objects.filter(run__in=runs).values_list("audience", flat=True)
