"""Checks that requests, responses and messages agree with the journals of their runs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Q

from chat.models import Assignment, HumanRequest, HumanResponse, Member, Message, Session
from chat.models.closing import status_after, why_after
from chat.models.history import is_unused
from chat.models.message import ABOUT_PEOPLE
from chat.models.session import SAID
from chat.services.histories import (
    held_differences,
    history_differences,
    is_as_answered,
    response_faults,
)
from chat.services.standing import standing_differences
from procedures.engine.journal.seals import PROOF, differing
from procedures.engine.kinds.questions import Question
from procedures.engine.lifecycle.fork import CARRIED_FROM
from procedures.engine.values import canonical
from procedures.models import Wait
from procedures.models.proofs import facts_of, ledger_keys, number_of, unproven
from procedures.models.tallies import is_proven_tally, lacking
from procedures.services.differences import (
    Difference,
    compared,
    gone,
    proof_differences,
    row_name,
    run_proof_differences,
)
from procedures.services.missing import numbers_missing, unowned_rows
from procedures.services.record import Record, RecordedWait
from procedures.services.rows import missing_contents
from procedures.users import User

LOOKS = 3
"""The maximum number of times that a session's messages are read while people write more."""
JOINED = canonical.text_of({"joined": True}).strip("{}")
"""The part of an erased line's details that says that its author joined by starting the run."""
COMING = {Message.Kind.OPENED, Message.Kind.INVITED}
LEAVING = {Message.Kind.LEFT, Message.Kind.REMOVED}
BY_AN_END = ("system: run ended", "system: asked again")
"""The values of `closed_by` in requests that were closed without an entry in their history.

They were closed by the end of the run, or by a repeated question.
"""


def differences(record: Record, older: list[str]) -> Iterator[Difference]:
    """Yield differences between a run's journal and its requests, responses and messages.

    If the run was the first in its session, the session is checked as well. Names of rows that are
    too old to be proven are appended to `older`.
    """
    run = record.run
    asked = HumanRequest.objects.filter(wait__run=run)
    requests = (
        asked.select_related("wait").prefetch_related("responses", "assignments").order_by("pk")
    )
    yield from run_proof_differences(requests, record, older)
    for request in requests:
        yield from _request_differences(record, request, older)
    yield from _missing_requests(record, {request.wait.opened_seq for request in requests})
    assignments = Assignment.objects.filter(request__wait__run=run)
    yield from standing_differences(record, older)
    messages = Message.objects.filter(run=run)
    rows = chain(assignments.order_by("pk"), messages.order_by("pk"))
    yield from run_proof_differences(rows, record, older)
    yield from _missing_messages(record)
    yield from _session_differences(record, older)


def unowned() -> Iterator[Difference]:
    """Yield orphaned rows, and the faults of sessions that have no run.

    A session with a run is checked when its first run is verified. A session without a run must
    have been opened by a person, or by a run whose record was removed.
    """
    yield from unowned_rows("countersign_chat")
    beginnings = (Message.Kind.OPENED, Message.Kind.ERASED)
    opened = Message.objects.filter(kind__in=beginnings).order_by().values("session")
    alone = Session.objects.exclude(messages__kind=Message.Kind.RUN).order_by("pk")
    for session in alone.exclude(pk__in=opened):
        yield Difference(row_name(session), "id", "it belongs to a session without a run")
    for session in alone.filter(pk__in=opened):
        yield from proof_differences(_rows_of(session), [])
        yield from _lost_files(session)
        yield from _message_count_differences(session)
        yield from _membership_differences(session)


def _rows_of(session: Session) -> Iterator[Any]:
    """Yield the session, its members, and its messages that belong to no run."""
    members = Member.objects.filter(session=session).order_by("pk")
    words = Message.objects.filter(session=session, run=None).order_by("pk")
    return chain([session], members, words)


def _lost_files(session: Session) -> Iterator[Difference]:
    """Yield the files of people's messages whose contents are damaged or missing."""
    with_files = session.messages.with_files().order_by("seq")
    yield from missing_contents(
        (f"File {file.name} of {row_name(message).lower()}", file.digest)
        for message in with_files.iterator()
        for file in message.files
    )


def _missing_requests(record: Record, known: set[int]) -> Iterator[Difference]:
    """Yield the requests in the journal that have no row.

    `known` are the numbers of the events that opened the existing requests.
    """
    for seq, opening in record.waits.items():
        is_own = seq > record.forked_at and opening.content["wait"] == Wait.Kind.REQUEST
        if is_own and seq not in known:
            yield gone(f"Request {opening.key} of event {seq}", "wait")


def _request_differences(
    record: Record, request: HumanRequest, older: list[str]
) -> Iterator[Difference]:
    opening = record.waits.get(request.wait.opened_seq)
    if opening is None or opening.content["wait"] != Wait.Kind.REQUEST:
        return  # the missing wait, or the wrong link to it, is reported elsewhere
    if record.is_covered:
        asked = canonical.text_of(Question.from_json(opening.content).as_json())
        yield from compared(request, {"opened_at": opening.at, "question": asked})
        yield from _assignment_differences(request)
    yield from history_differences(request)
    if request.effective_at or is_unused(request):
        # Only the history records an answer that is held or was not used; the journal doesn't.
        yield from held_differences(request)
    else:
        yield from _outcome_differences(record, request, opening)
    is_covered = record.is_covered
    yield from _response_differences(request, opening, older, is_covered=is_covered)


def _outcome_differences(
    record: Record, request: HumanRequest, opening: RecordedWait
) -> Iterator[Difference]:
    if opening.closed is not None:
        yield from compared(request, _closed_as(opening.closed))
    elif request.closed_at is None:
        nothing = {"outcome": "", "closed_by": "", "closed_why": ""}
        yield from compared(request, {"status": HumanRequest.Status.OPEN, **nothing})
    else:
        yield from _end_differences(record, request)
    if record.is_covered or opening.closed_at:
        yield from compared(request, {"closed_at": request.wait.closed_at})


def _assignment_differences(request: HumanRequest) -> Iterator[Difference]:
    """Yield differences between a request's assignments and its list of assignees.

    A missing assignment is no difference if its user or group was deleted.
    """
    if not request.assigned or "assigned" in unproven(request):
        return
    rows = Counter(one.whom for one in request.assignments.all())
    named = Counter(canonical.plain(request.assigned))
    for whom in (named - rows).elements():
        if _is_there(whom):
            words = f"its assignments were changed after they were written: {whom} is missing"
            yield Difference(row_name(request), "assignments", words)
    for whom in (rows - named).elements():
        words = f"its assignments were changed after they were written: {whom} was added"
        yield Difference(row_name(request), "assignments", words)


def _is_there(whom: str) -> bool:
    kind, _, key = whom.partition(":")
    model = {"user": User, "group": Group}.get(kind)
    return model is None or model._default_manager.filter(pk=key).exists()  # noqa: SLF001


def _closed_as(content: Any) -> dict[str, Any]:
    return {
        "status": status_after(content),
        "outcome": content["outcome"],
        "closed_by": content["responder"],
        "closed_why": why_after(content),
    }


def _end_differences(record: Record, request: HumanRequest) -> Iterator[Difference]:
    status = HumanRequest.Status.WITHDRAWN
    yield from compared(request, {"status": status, "outcome": "withdrawn", "closed_why": ""})
    recorded = record.end.content.get("closes", "") if record.end else ""
    if request.closed_by not in (*BY_AN_END, recorded):
        yield Difference(row_name(request), "closed_by")


def _response_differences(
    request: HumanRequest, opening: RecordedWait, older: list[str], *, is_covered: bool
) -> Iterator[Difference]:
    content, responses = opening.closed or {}, list(request.responses.all())
    if CARRIED_FROM in content:
        return
    is_open = opening.closed is None and is_covered
    if PROOF not in content and "at" not in content and not is_open:
        older += [row_name(response) for response in responses]
    elif PROOF not in content:
        yield from chain.from_iterable(response_faults(request, one) for one in responses)
    elif not responses:
        yield gone(f"Response to {request.pk}", "request")
    else:
        yield from _deciding_differences(request, content, responses)


def _deciding_differences(
    request: HumanRequest, content: Mapping[str, Any], responses: list[HumanResponse]
) -> Iterator[Difference]:
    """Yield differences between the answer in the journal and the response that gave this answer.

    All other responses are votes or were undone. They are compared with the request's history.
    """
    kept, owner = content[PROOF], str(request.pk)
    faults = {
        one.pk: differing(facts_of(one), kept, owner=owner, keys=ledger_keys())
        for one in responses
        if one.undone_at is None
    }
    counted = [one for one in responses if one.pk in faults] or responses[:1]
    deciding = min(counted, key=lambda one: len(faults.get(one.pk, ())))
    yield from (Difference(row_name(deciding), name) for name in faults.get(deciding.pk, ()))
    if not is_as_answered(request, content):
        words = "its history has another answer than the journal"
        yield Difference(row_name(request), "history", words)
    for one in responses:
        if one is not deciding:
            yield from response_faults(request, one)


def _missing_messages(record: Record) -> Iterator[Difference]:
    """Yield the notices in the journal that have no message."""
    if not record.is_covered:
        return
    notices = Message.objects.filter(run=record.run, kind=Message.Kind.NOTICE)
    shown = Counter(notices.values_list("text", "level", "details", "at"))
    for text, *_ in (Counter(record.notices) - shown).elements():
        yield gone(f"Notice “{text[:40]}”", "text")


def _session_differences(record: Record, older: list[str]) -> Iterator[Difference]:
    """Yield the faults of the run's session.

    The rows of the session are checked only if the run was the first in the session. For other
    runs, only a missing card is reported.
    """
    cards = Message.objects.cards()
    card = cards.filter(run=record.run.top()).select_related("session").first()
    if card is None:
        if record.is_covered:
            yield gone(f"Message that shows run {record.run.pk}", "run")
        return
    session = card.session
    # Several runs may share a session. It is verified only with its first run. Otherwise, each
    # fault would be reported once for each run.
    opener = cards.filter(session=session).order_by("seq").values_list("run", flat=True).first()
    if opener != record.run.pk:
        return
    yield from run_proof_differences(_rows_of(session), record, older)
    yield from _lost_files(session)
    if record.is_counted:
        yield from _message_count_differences(session)
        yield from _membership_differences(session)
    else:
        older.append(f"{row_name(session)}: the number of messages")


def _message_count_differences(session: Session) -> Iterator[Difference]:
    """Yield a wrong message count of a session, and gaps in the numbers of its messages.

    The messages are read again if somebody writes a message while they are read. In all, they are
    read at most `LOOKS` times.
    """
    numbers = list[int]()
    for _ in range(LOOKS):
        # The session is read before its messages. If a message is written meanwhile, the next pass
        # of this loop sees it, and it isn't taken for a forgery.
        session.refresh_from_db()
        numbers = [number_of(one) for one in session.messages.only("pk", "proof").iterator()]
        # The line that is left of a removed run knows how many messages were removed with it.
        lines = session.messages.filter(kind=Message.Kind.ERASED)
        numbers += [number for line in lines for number in line.posted["numbers"]]
        if Session.objects.filter(pk=session.pk, said=session.said).exists():
            break
    if not is_proven_tally(SAID, session.pk, session.said, session.said_proof):
        yield Difference(row_name(session), SAID)
    if left := lacking(numbers, session.said):
        yield Difference(row_name(session), SAID, numbers_missing("messages", left, session.said))


def _membership_differences(session: Session) -> Iterator[Difference]:
    """Yield people who should be members according to the transcript but aren't, and vice versa.

    A person joins a session by opening it, by starting a run in it, or by being invited. A person
    who restarts or forks a run becomes a member only if the new run opened the session. A person
    leaves a session by leaving it or by being removed.
    """
    is_start = Q(kind=Message.Kind.RUN, run__parent_wait=None, run__started_by__isnull=False)
    is_start &= Q(run__origin=None) | Q(seq=1)
    is_start |= Q(kind=Message.Kind.ERASED, details__contains=JOINED)
    # Deleted accounts aren't members of any session.
    is_gone = Q(kind__in=ABOUT_PEOPLE, person=None)
    moves = session.messages.filter(is_start | Q(kind__in=COMING | LEAVING)).exclude(is_gone)
    is_here = {
        person or author: kind not in LEAVING
        for kind, author, person in moves.order_by("seq").values_list("kind", "author", "person")
    }
    there = set(Member.objects.filter(session=session).values_list("user", flat=True))
    for user in sorted(user for user, is_joined in is_here.items() if is_joined != (user in there)):
        member = f"Member {user} of {row_name(session).lower()}"
        if user not in there:
            yield gone(member, "user")
        else:
            yield Difference(member, "user", "the person has left, or was removed")
