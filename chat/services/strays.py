"""Requests that nobody can answer any more, because none of their assignees is active.

The clock process finds these requests. The people with the role `answer` on the procedure are then
asked or, if there are none, the procedure's operators. The operators get an alert in any case. A
request is handled in this way even if a superuser could still answer it.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from chat.channels.planning import notification_time, plan_alert
from chat.doorbell import ring_after_commit
from chat.models import HumanRequest, Message, RequestEvent
from chat.models.history import new_event
from chat.models.session import record
from chat.services.answerers import (
    procedures_with_substitutes,
    requests_without_answerers,
    substitutes,
)
from procedures.models import RunInput
from procedures.models.clock import clock
from procedures.services import lock_run, serve_each
from procedures.store.rows import insert_row

LARGEST_PASS = 100
ALONE = "None of the people asked can answer any more, and there is nobody else to ask."
SYSTEM = "system"


def ask_others() -> None:
    """Ask substitutes about the requests that nobody can answer. Calling it twice is harmless.

    If a request has no active substitutes, a later call tries again.
    """
    # Requests for which nobody could be found are left out until somebody can be asked. Otherwise,
    # a hundred of them would fill every pass.
    is_hopeful = ~Q(note=ALONE) | Q(wait__run__procedure__in=procedures_with_substitutes())
    found = requests_without_answerers().filter(is_hopeful).values_list("pk", flat=True)
    serve_each(found[:LARGEST_PASS], _ask_substitutes, name="Request")
    alone = HumanRequest.objects.open().filter(note=ALONE)
    answered_again = alone.exclude(pk__in=requests_without_answerers().values("pk"))
    serve_each(answered_again.values_list("pk", flat=True), _drop_note, name="Request")


def _drop_note(request_id: UUID) -> None:
    # The request is read again under its lock. Whoever reassigns it meanwhile seals other
    # assignees, and saving an older copy would restore the old seals, which looks like a forgery.
    alone = HumanRequest.objects.open().filter(note=ALONE)
    if request := alone.select_for_update().filter(pk=request_id).first():
        request.drop_note()


def _ask_substitutes(request_id: UUID) -> None:
    """Ask substitutes about one request; lock the run, then the request, then the session."""
    run = lock_run(HumanRequest.objects.run_of(request_id))
    gone = requests_without_answerers().filter(pk=request_id)
    # The request is looked up again under the run's lock: since the pass began, somebody may have
    # answered it, or an assignee may have become active again.
    request = HumanRequest.objects.select_for_update().filter(pk__in=gone.values("pk")).first()
    found = substitutes([run.procedure_id])[run.procedure_id]
    if request is None or (request.note == ALONE and not found):
        return
    now, asked = clock.now(), [str(one) for one in request.assignments.all()]
    whom = " and ".join(map(str, found))
    why = "None of the people asked can answer any more."
    if asked:
        why = f"None of the people asked can answer any more ({', '.join(asked)})."
    if found:
        operation = {"action": "reassign", "by": SYSTEM, "reason": why, "wait": request.wait.key}
        RunInput.objects.tell(run, {**operation, "to": whom})
    facts = {"to": [str(one) for one in found], "reason": why}
    if found:
        event = new_event(request, RequestEvent.Kind.REASSIGNED, at=now, name=SYSTEM, facts=facts)
        insert_row(event)
    note = f"{why} It was reassigned to {whom}." if found else ALONE
    request.ask_too(found, note=note, notify_at=notification_time(now))
    record(request.session_id, "request", request.pk, whom=request.assignees)
    alert_operators(request, why=note, now=now)
    ring_after_commit(f"run:{run.pk}")


def alert_operators(request: HumanRequest, *, why: str, now: datetime) -> None:
    """Post an alert about the request in its session, and notify the operators."""
    text = f"“{request.prompt}”: {why}"
    kind, run = Message.Kind.NOTICE, request.wait.run
    alert = Message(kind=kind, run=run, text=text, level="error", at=now)
    alert.add_to(request.session_id)
    plan_alert(alert, now=now)
