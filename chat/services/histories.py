"""Checks that requests' histories are complete, and that rows agree with the histories."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from chat.models import HumanRequest, HumanResponse, RequestEvent
from chat.models.closing import UNUSED
from chat.models.history import HISTORY, answered_by, proofs_in
from procedures.engine.journal.events import mark
from procedures.engine.journal.seals import differing
from procedures.engine.values import canonical
from procedures.models.proofs import facts_of, ledger_keys
from procedures.models.tallies import is_proven_tally
from procedures.services.differences import Difference, compared, row_name
from procedures.users import json_key

Kind = RequestEvent.Kind
CLOSING = "closing"
"""The field of an answer's entry that holds a digest of how the answer closes the wait.

The digest is computed from the content of the closed wait.
"""


def history_differences(request: HumanRequest) -> Iterator[Difference]:
    """Yield faults of a request's history: entries that were changed, removed or inserted.

    Also yield the fields of the request and of its responses that disagree with the history.
    """
    entries = list(request.events.order_by("seq"))
    yield from _chain_differences(request, entries)
    kinds = Counter(one.kind for one in entries)
    yield from compared(request, {"escalated": kinds[Kind.ESCALATED]})
    last = next((one for one in reversed(entries) if one.kind == Kind.REMINDED), None)
    yield from compared(request, {"reminded": last.content["number"] if last else 0})
    if request.claimed_by_id != _claimer(entries):
        yield Difference(row_name(request), "claimed_by")
    yield from _undone_differences(request, entries)


def _chain_differences(request: HumanRequest, entries: list[RequestEvent]) -> Iterator[Difference]:
    if [one.seq for one in entries] != list(range(1, request.history + 1)):
        words = (
            f"the numbers of its {len(entries)} history entries should run from 1 to "
            f"{request.history}; some entries are missing, were added, or have another number"
        )
        yield Difference(row_name(request), "history", words)
    if not is_proven_tally(HISTORY[0], request.pk, request.history, request.history_proof):
        yield Difference(row_name(request), "history")
    head = ""
    for one in entries:
        if not _is_proven(request, one, head):
            yield Difference(row_name(one), "data")
        if one.user_id is not None and json_key(one.user_id) != one.content.get("by_id"):
            yield Difference(row_name(one), "user")
        head = one.hash
    if head != request.history_head:
        yield Difference(row_name(request), "history_head")


def _is_proven(request: HumanRequest, entry: RequestEvent, head: str) -> bool:
    owner, event = str(request.pk), entry.chained
    keys = ledger_keys()
    return entry.hash in {
        mark(event, run_id=owner, seq=entry.seq, head=head, key=key) for key in keys
    }


def _claimer(entries: list[RequestEvent]) -> Any:
    """Return the key of the user who has the claim according to the history, or None."""
    changes = [one for one in entries if one.kind in {Kind.CLAIMED, *FREED}]
    last = changes[-1] if changes else None
    return last.user_id if last and last.kind == Kind.CLAIMED else None


FREED = (Kind.RELEASED, Kind.REASSIGNED)
"""The kinds of entries that end a claim."""


def _undone_differences(request: HumanRequest, entries: list[RequestEvent]) -> Iterator[Difference]:
    uncounted = {Kind.UNDONE, Kind.OUTDATED}
    undone = {one.content["response"]: one.at for one in entries if one.kind in uncounted}
    is_unused = any(one.kind == Kind.UNUSED for one in entries)
    last = answered_by(request)
    for response in request.responses.all():
        is_last = last is not None and (response.at, response.user_id) == (last.at, last.user_id)
        expected = {"undone_at": undone.get(response.pk)}
        yield from compared(response, {**expected, "is_used": not (is_unused and is_last)})


def held_differences(request: HumanRequest) -> Iterator[Difference]:
    """Yield differences between a request and its last answer, which the journal doesn't have.

    The answer is still held, or was never used. So only the request's history records it.
    """
    wait, answer = request.wait, answered_by(request)
    if request.effective_at and not (wait.held or wait.held_for_id):
        yield Difference(row_name(request), "effective_at")
    elif request.effective_at and wait.held:
        yield from compared(request, {"effective_at": wait.effective_at})
        digest = canonical.digest(wait.held)
        if answer is None or digest != answer.content.get(CLOSING):
            yield Difference(row_name(wait), "held")
    if request.status == HumanRequest.Status.ANSWERED:
        why = "" if request.effective_at else UNUSED
        closing = (
            {"closed_by": answer.name, "closed_at": answer.at} if answer else {"closed_by": ""}
        )
        yield from compared(
            request, {**closing, "closed_why": why, "outcome": _outcome_of(request)}
        )


def _outcome_of(request: HumanRequest) -> str:
    """Return the outcome of the request's last response that wasn't undone, or ""."""
    response = request.responses.filter(undone_at=None).order_by("pk").last()
    return str(response.outcome_of(request.asked)) if response else ""


def is_as_answered(request: HumanRequest, closed: Mapping[str, Any]) -> bool:
    """Return True if the last answer in the history closes the wait with the content `closed`.

    Also return True if the history has no digest of the content.
    """
    answer = answered_by(request)
    outcome = {name: value for name, value in closed.items() if name != "at"}
    digest = answer.content.get(CLOSING) if answer else None
    return digest in (None, canonical.digest(canonical.text_of(outcome)))


def response_faults(request: HumanRequest, response: HumanResponse) -> Iterator[Difference]:
    """Yield the fields in which a response differs from its proofs in the request's history.

    Call this for a response that the journal doesn't have, such as a vote. If the history doesn't
    have the response, either, yield a single difference that says so.
    """
    seals = proofs_in(request).get((response.at, response.user_id))
    if seals is None:
        words = "it doesn't belong to any answer in the journal"
        yield Difference(row_name(response), "request", words)
        return
    names = differing(facts_of(response), seals, owner=str(request.pk), keys=ledger_keys())
    yield from (Difference(row_name(response), name) for name in names)
