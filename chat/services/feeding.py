"""The feed of a session after entries of its transcript were deleted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from uuid import UUID

from chat.models import FeedEntry, Message, RunAudience, Session
from chat.models.feed import ALL, HIDDEN, audiences_of_message
from procedures.among import is_among

MEMBER = "member:"
READ_AT_ONCE = 200


def feed_again(session: Session, gone: set[UUID]) -> None:
    """Find the newest message again for each audience whose newest one is among `gone`.

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
    of_run = [
        f"{path}run__{name}" for path in ("", "reply_to__") for name in ("procedure", "started_by")
    ]
    # Without the other columns, because runs may have large values.
    rows = Message.objects.filter(session=session).select_related("run", "reply_to__run")
    rows, seq = rows.only("seq", "kind", "author", "reply_to__author", *of_run), None
    while found := list(rows.order_by("-seq").above(seq)[:READ_AT_ONCE]):
        seq, asked = found[-1].seq, _asked_by(found)
        for message in found:
            of_runs = chain.from_iterable(asked[run] for run in _runs_of(message))
            yield message, {ALL, *audiences_of_message(message), *of_runs}


def _runs_of(message: Message) -> set[UUID]:
    messages = filter(None, (message, message.reply_to))
    return {one.run_id for one in messages if one.run_id}


def _asked_by(messages: Iterable[Message]) -> Mapping[UUID, list[str]]:
    """Return, for each run of the messages, the audiences that its requests ask."""
    runs = {run for message in messages for run in _runs_of(message)}
    found = defaultdict[UUID, list[str]](list)
    rows = RunAudience.objects.filter(is_among("run", runs)).values_list("run", "audience")
    for run, audience in rows:
        found[run].append(audience)
    return found
