"""Whether what was asked, answered and said is as the journal of its run says."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

from chat.models import Assignment, HumanRequest, HumanResponse, Member, Message
from chat.models.request import status_after, why_after
from procedures.engine.forks import CARRIED_FROM
from procedures.engine.seals import PROOF, differing
from procedures.models import Wait
from procedures.models.proofs import facts_of, ledger_keys
from procedures.services.record import Opening, Record
from procedures.services.rows import Difference, compared, gone, judged, row_name

BY_AN_END = ("system: run ended", "system: asked again")
"""Who closes what is not asked any more, without an event of its own."""


def differences(record: Record, older: list[str]) -> Iterator[Difference]:
    """Yield what differs in a run's requests, responses and messages, and in its session."""
    run = record.run
    asked = HumanRequest.objects.filter(wait__run=run)
    requests = asked.select_related("wait").prefetch_related("responses").order_by("pk")
    yield from judged(requests, record, older)
    for request in requests:
        yield from _request_differences(record, request, older)
    yield from _unasked(record, {request.wait.opened_seq for request in requests})
    assignments = Assignment.objects.filter(request__wait__run=run)
    messages = Message.objects.filter(run=run)
    rows = chain(assignments.order_by("pk"), messages.order_by("pk"))
    yield from judged(rows, record, older)
    yield from _unsaid(record)
    yield from _session_differences(record, older)


def _unasked(record: Record, known: set[int]) -> Iterator[Difference]:
    """Questions that the journal tells of and no row shows."""
    for seq, opening in record.waits.items():
        is_own = seq > record.forked_at and opening.content["wait"] == Wait.Kind.REQUEST
        if is_own and seq not in known:
            yield gone(f"Request {opening.key} of event {seq}", "wait")


def _request_differences(
    record: Record, request: HumanRequest, older: list[str]
) -> Iterator[Difference]:
    opening = record.waits.get(request.wait.opened_seq)
    if opening is None:
        return  # the wait itself is told
    if record.is_covered:
        yield from compared(request, {"opened_at": opening.at})
    if opening.closed is not None:
        yield from compared(request, _closed_as(opening.closed))
    elif request.closed_at is None:
        nothing = {"outcome": "", "closed_by": "", "closed_why": ""}
        yield from compared(request, {"status": HumanRequest.Status.OPEN, **nothing})
    else:
        yield from _end_differences(record, request)
    if record.is_covered or opening.closed_at:
        yield from compared(request, {"closed_at": request.wait.closed_at})
    yield from _response_differences(request, opening, older)


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
    told = record.end.content.get("closes", "") if record.end else ""
    if request.closed_by not in (*BY_AN_END, told):
        yield Difference(row_name(request), "closed_by")


def _response_differences(
    request: HumanRequest, opening: Opening, older: list[str]
) -> Iterator[Difference]:
    content, responses = opening.closed or {}, list(request.responses.all())
    if CARRIED_FROM in content:
        return
    if PROOF not in content and "at" not in content:
        older += [row_name(response) for response in responses]
    elif PROOF not in content:
        yield from (_inserted(response) for response in responses)
    elif not responses:
        yield gone(f"Response to {request.pk}", "request")
    else:
        first, *others = responses
        kept, owner = content[PROOF], str(request.pk)
        names = differing(facts_of(first), kept, owner=owner, keys=ledger_keys())
        yield from (Difference(row_name(first), name) for name in names)
        yield from map(_inserted, others)


def _inserted(response: HumanResponse) -> Difference:
    return Difference(row_name(response), "request", "is of no answer that the journal knows")


def _unsaid(record: Record) -> Iterator[Difference]:
    """Notices that the journal tells of and no message shows."""
    if not record.is_covered:
        return
    notices = Message.objects.filter(run=record.run, kind=Message.Kind.NOTICE)
    shown = Counter(notices.values_list("text", "level", "at"))
    for text, _level, _at in (Counter(record.notices) - shown).elements():
        yield gone(f"Notice “{text[:40]}”", "text")


def _session_differences(record: Record, older: list[str]) -> Iterator[Difference]:
    """A session is looked at with the run that opened it."""
    cards = Message.objects.cards()
    card = cards.filter(run=record.run.top()).select_related("session").first()
    if card is None:
        if record.is_covered:
            yield gone(f"Message that shows run {record.run.pk}", "run")
        return
    session = card.session
    opener = cards.filter(session=session).order_by("seq").values_list("run", flat=True).first()
    if opener != record.run.pk:
        return
    members = Member.objects.filter(session=session).order_by("pk")
    words = Message.objects.filter(session=session, run=None).order_by("pk")
    yield from judged(chain([session], members, words), record, older)
