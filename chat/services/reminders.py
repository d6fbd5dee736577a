"""Reminders and escalations of requests that nobody has answered."""

from datetime import datetime
from uuid import UUID

from chat.assignments import assign_named
from chat.channels.planning import notification_time
from chat.doorbell import SIGHT, ring_after_commit
from chat.feed import renew_audiences
from chat.models import Assignment, HumanRequest, RequestEvent
from chat.models.history import HISTORY, end_claim, new_event
from chat.models.moments import Act, Moment, missed_moments, next_moment
from chat.models.session import record
from chat.services.undecided import without_stuck
from procedures.engine.kinds.questions import Question
from procedures.engine.values.durations import duration_words
from procedures.models.clock import clock
from procedures.services import lock_run, serve_each
from procedures.store.rows import insert_row
from procedures.transactions import service_atomic

LARGEST_PASS = 200
Kind = RequestEvent.Kind


def remind_people() -> None:
    """Carry out the reminders and escalations that are due.

    Calling this function twice is harmless: each reminder and each escalation happens once. If
    several reminders of a request are due, only the last of them happens.
    """
    due = HumanRequest.objects.open().filter(next_at__lte=clock.moment()).order_by("next_at")
    serve_each(due.values_list("pk", flat=True)[:LARGEST_PASS], _remind, name="Request")


@service_atomic
def _remind(request_id: UUID) -> None:
    """Carry out the reminders and escalations of one request that are due.

    Locks the run, then the request, then the session.
    """
    lock_run(HumanRequest.objects.run_of(request_id))
    request, now = HumanRequest.objects.lock(request_id)
    # The request is checked again under both locks: somebody may have answered it, or another clock
    # process may have handled it.
    if not request.is_open or request.next_at is None or request.next_at > now:
        return
    question = request.asked
    added: dict[str, Assignment] = {}
    for moment in missed_moments(request, question, now=now):
        if moment.act == Act.REMIND:
            _note_reminder(request, moment, now)
        else:
            found = _escalate(request, question, moment, now)
            added |= {one.whom: one for one in found if one.whom not in request.assignees}
    request.next_at = next_moment(request, question, after=now)
    request.notify_at = notification_time(now)
    _save(request, [*added.values()])


def _note_reminder(request: HumanRequest, moment: Moment, now: datetime) -> None:
    request.reminded = moment.number
    facts = {"number": moment.number}
    insert_row(new_event(request, Kind.REMINDED, at=now, name="system: clock", facts=facts))


def _escalate(
    request: HumanRequest, question: Question, moment: Moment, now: datetime
) -> list[Assignment]:
    """Escalate a request, and return unsaved assignments to the people whom the escalation asks.

    If somebody has claimed the request, the claim is released, because the claimer hasn't answered.
    """
    after, names = question.escalate[moment.number - 1]
    found, missing = assign_named(names, request.wait.run.procedure_id)
    request.escalated = moment.number
    if request.claimed_by:
        why = "It was escalated."
        insert_row(end_claim(request, at=now, reason=why, name="system: clock"))
    facts = {"number": moment.number, "to": [str(one) for one in found], "unknown": missing}
    insert_row(new_event(request, Kind.ESCALATED, at=now, name="system: clock", facts=facts))
    note = f"Nobody answered within {duration_words(after)}. "
    whom = ", ".join(map(str, found))
    note += f"Also asked: {whom}." if found else "Nobody else could be asked."
    if missing:
        note += f" Unknown assignees: {', '.join(missing)}."
    earlier = without_stuck(request.note) if found else request.note
    request.note = f"{earlier} {note}".strip()
    return found


def _save(request: HumanRequest, added: list[Assignment]) -> None:
    whom = request.assignees
    fields = ["next_at", "reminded", "escalated", "claimed_by", *HISTORY]
    if added:
        # This increments the version, and saves the note together with the new assignees.
        request.ask_too(added, note=request.note, notify_at=request.notify_at)
        renew_audiences(request.wait.run, request.session_id)
        ring_after_commit(SIGHT)
    else:
        request.version += 1
        request.seal_note()
        fields += ["notify_at", "version", "note", "proof"]
    request.save(update_fields=fields)
    record(request.session_id, "request", request.pk, whom={*whom, *request.assignees})
    ring_after_commit(f"run:{request.wait.run_id}")
