"""The removal of chat's rows about runs whose records are removed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from chat.models import (
    Assignment,
    HumanRequest,
    HumanResponse,
    Message,
    Notification,
    ReadMark,
    RemovedRequest,
    RequestEvent,
    Searchable,
    Session,
    SessionEvent,
    StandingDecision,
)
from chat.models.message import HAS_FILES
from chat.models.session import record
from chat.services.feeding import feed_again
from procedures.among import is_among
from procedures.engine.values import canonical
from procedures.inlined import Inlined
from procedures.models import Run, Tombstone
from procedures.models.proofs import number_of, reseal, seal
from procedures.services.retention.holds import removed_sentence

OPEN, UNDOABLE, STANDING, UNSENT = "open", "undoable", "standing", "unsent"
"""The kinds of reasons to keep a run.

They are an open request, an answer that can still be undone, a standing decision that is usable or
has answered requests of other runs, and an unsent notification or report.
"""
NOTIFIED = ("run", "request__wait__run", "alert__run")
"""The lookups from a notification to a run that must stay until it is sent or given up.

A mention isn't among them: it is postponed for as long as the person has a page open.
"""
GIVEN_AND_USED = ("standing__given_with__wait__run", "request__wait__run")
"""The lookups from a standing decision's answer to the decision's run and to the request's run."""
WRITTEN = ("author", "person")
"""The fields of a message that name its author, and the person who was invited or removed."""


def reasons_in_chat(family_of: Mapping[UUID, UUID], now: datetime) -> Iterator[tuple[UUID, str]]:
    """Yield the runs that chat needs, each with the kind of the reason.

    `family_of` maps each run to the key of its family.
    """
    requests = HumanRequest.objects.filter(is_among("wait__run", family_of)).order_by()
    for run in requests.open().values_list("wait__run", flat=True):
        yield run, OPEN
    for run in requests.filter(effective_at__gt=now).values_list("wait__run", flat=True):
        yield run, UNDOABLE
    given = StandingDecision.objects.filter(is_among("given_with__wait__run", family_of)).order_by()
    for run in given.usable(now).values_list("given_with__wait__run", flat=True):
        yield run, STANDING
    for run, other in _answered_by_decisions_of(family_of):
        if family_of.get(other) != family_of[run]:
            yield run, STANDING
    unsent = Notification.objects.filter(next_try_at__isnull=False).order_by()
    for path in NOTIFIED:
        about = unsent.filter(is_among(path, family_of)).values_list(path, flat=True)
        yield from ((run, UNSENT) for run in about)


def runs_that_need_others(runs: Sequence[UUID]) -> Iterator[tuple[UUID, UUID]]:
    """Yield pairs of runs: one that gave a standing decision, and one whose request it answered.

    At least one of them is among `runs`.
    """
    yield from _answered_by_decisions_of(runs)
    answered = HumanResponse.objects.filter(is_among("request__wait__run", runs))
    yield from answered.exclude(standing=None).order_by().values_list(*GIVEN_AND_USED)


def _answered_by_decisions_of(runs: Iterable[UUID]) -> Iterable[tuple[UUID, UUID]]:
    given = StandingDecision.objects.filter(is_among("given_with__wait__run", runs)).order_by()
    users = HumanResponse.objects.filter(standing__in=given.values("pk")).order_by()
    return users.values_list(*GIVEN_AND_USED)


def runs_that_concern(runs: Sequence[UUID], people: Sequence[Any]) -> Iterator[tuple[UUID, Any]]:
    """Yield pairs: a run, and a user who was asked, has acted or written there, or is named there.

    `people` are the keys of users.
    """
    of_request, to_run = "request__wait__run", "reply_to__run"
    acted = RequestEvent.objects.exclude(kind=RequestEvent.Kind.SEEN)
    lookups: list[tuple[QuerySet[Any], str, str]] = [
        (HumanResponse.objects.all(), of_request, "user"),
        (HumanResponse.objects.all(), of_request, "for_user"),
        (acted, of_request, "user"),
        (Assignment.objects.all(), "run", "user"),
        *((Message.objects.all(), path, who) for path in ("run", to_run) for who in WRITTEN),
    ]
    for rows, path, who in lookups:
        found = rows.filter(is_among(path, runs), **{f"{who}__in": people}).order_by()
        yield from found.values_list(path, who)


def rows_removed_with(runs: Sequence[UUID]) -> dict[str, int]:
    """Return how many requests and messages are removed with these runs."""
    requests = HumanRequest.objects.filter(is_among("wait__run", runs)).count()
    return {"requests": requests, "messages": _messages_of(runs).count()}


def contents_in_chat() -> Iterator[str]:
    """Yield the digests of the files that people have sent with messages."""
    found = messages_with_files().order_by().only("kind", "details")
    for message in found.iterator():
        yield from (file.digest for file in message.files)


def messages_with_files() -> "QuerySet[Message]":
    """Return people's messages that have files, which an index finds."""
    return Message.objects.filter(Inlined(HAS_FILES))


def erase(runs: Sequence[Run], tombstones: Sequence[Tombstone]) -> set[str]:
    """Delete the requests and messages of runs that are being removed.

    The card of each run that no other run has started becomes a line that says that the run was
    removed. Locks the sessions, in the order of their ids. Returns the digests of the files of
    these messages.
    """
    keys = [run.pk for run in runs]
    requests = HumanRequest.objects.filter(is_among("wait__run", keys))
    asked = list(requests.order_by("pk").values_list("pk", "wait__run"))
    RemovedRequest.objects.bulk_create(
        RemovedRequest(pk=request, tombstone_id=run) for request, run in asked
    )
    rows = _messages_of(keys).select_related("run").order_by("session", "seq")
    by_session: dict[UUID, list[Message]] = {}
    for message in rows:
        by_session.setdefault(message.session_id, []).append(message)
    graves = {one.pk: one for one in tombstones}
    gone = [str(key) for key, _ in asked] + [str(key) for key in keys]
    for session in sorted(by_session):
        _erase_in(session, by_session[session], graves, gone)
    _delete_requests([key for key, _ in asked])
    return {file.digest for found in by_session.values() for one in found for file in one.files}


def _messages_of(runs: Iterable[UUID]) -> "QuerySet[Message]":
    """Return the messages of runs, and what people wrote to the runs in reply to them."""
    # Two statements, each by an index: one condition for both would read the whole table.
    own = list(Message.objects.filter(is_among("run", runs)).values_list("pk", flat=True))
    replies = Message.objects.filter(is_among("reply_to", own)).values_list("pk", flat=True)
    return Message.objects.filter(is_among("pk", {*own, *replies}))


def _delete_requests(requests: Sequence[UUID]) -> None:
    given = StandingDecision.objects.filter(is_among("given_with", requests))
    HumanResponse.objects.filter(is_among("request", requests)).delete()
    given.delete()
    HumanRequest.objects.filter(is_among("pk", requests)).delete()


def _erase_in(
    key: UUID, messages: list[Message], graves: Mapping[UUID, Tombstone], gone: Sequence[str]
) -> None:
    """Erase messages of a session; a line stays for each run that people or the site have started.

    `gone` are the ids of runs and requests that are removed.
    """
    session = Session.objects.select_for_update(no_key=True).get(pk=key)
    lines = [one for one in messages if one.kind == Message.Kind.RUN and _is_top(one, graves)]
    lines = lines or messages[:1]
    erased = [one for one in messages if one not in lines]
    numbers = [number_of(one) for one in erased]
    deleted = {one.pk for one in erased}
    _unlink_replies(deleted)
    # The card of the run that opened the session is its first entry.
    heading = _grave_of(messages[0], graves).procedure.title if messages[0].seq == 1 else ""
    for line in lines:
        _make_line(line, graves, numbers)
        numbers = []
    Searchable.objects.filter(is_among("message", [one.pk for one in messages])).delete()
    Message.objects.filter(is_among("pk", deleted)).delete()
    if heading and not session.is_named:
        session.set_title(heading)
    ids = [*gone, *(str(one.pk) for one in erased)]
    events = SessionEvent.objects.filter(is_among("object", ids), session=session)
    # The numbers of changes stay, so that open pages miss none; they all lead to the line.
    events.update(kind="message", object=str(lines[0].pk), whom="")
    seqs = [one.seq for one in messages]
    unread = ReadMark.objects.filter(is_among("mentioned", seqs), session=session)
    unread.update(mentioned=0)
    feed_again(session, {one.pk for one in messages})
    for line in lines:
        record(session.pk, "message", line.pk)


def _is_top(card: Message, graves: Mapping[UUID, Tombstone]) -> bool:
    found = graves.get(card.run_id) if card.run_id else None
    return found is not None and found.top == found.pk


def _grave_of(message: Message, graves: Mapping[UUID, Tombstone]) -> Tombstone:
    """Return the tombstone of a message's run, or any tombstone if the message has no run."""
    found = graves.get(message.run_id) if message.run_id else None
    return found or next(iter(graves.values()))


def _unlink_replies(messages: Iterable[UUID]) -> None:
    """Remove references to the deleted messages from the messages that stay."""
    gone = set(messages)
    replies = Message.objects.filter(is_among("reply_to", gone)).exclude(is_among("pk", gone))
    for reply in replies:
        reply.reply_to = None
        reseal(reply, "reply_to")
        reply.save(update_fields=["reply_to", "proof"])


def _make_line(line: Message, graves: Mapping[UUID, Tombstone], numbers: list[int]) -> None:
    """Turn the card of a run into a line that says that the run was removed.

    The line keeps its place, its author and its number. It holds the numbers of the messages that
    were deleted, so that nobody takes them for missing, and whether the author joined the session
    by starting the run.
    """
    run, found = line.run, _grave_of(line, graves)
    is_start = run is not None and run.parent_wait_id is None and run.started_by_id is not None
    details: dict[str, Any] = {
        "numbers": numbers,
        "joined": is_start and (line.seq == 1 or (run is not None and run.origin_id is None)),
        "procedure": found.procedure.title,
        "days": found.days,
        "removed_on": f"{found.removed_at:%Y-%m-%d}",
    }
    line.text = removed_sentence(found)
    line.kind, line.run, line.request, line.reply_to = Message.Kind.ERASED, None, None, None
    line.level, line.client_key, line.mentioned, line.delivery = "", "", "", ""
    line.details, line.read_at = canonical.text_of(details), None
    seal(line, number=number_of(line))
    line.save()
