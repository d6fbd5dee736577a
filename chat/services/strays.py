"""Requests that nobody can answer any more: those who were asked have left, one way or another.

The clock looks for them and asks those who answer for the procedure instead, else its operators.
Operators hear of it either way. Administrators, who may answer everything, count for nobody here.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from chat.doorbell import ring_after_commit
from chat.models import Assignment, HumanRequest, Message
from chat.models.request import HumanRequestQuerySet
from chat.models.session import record
from chat.services.assignments import people_of, substitutes_for
from chat.services.mails import mail_time, plan_alert
from procedures.models import RunInput
from procedures.models.clock import clock
from procedures.services import lock_run

LARGEST_PASS = 100
ALONE = "Nobody who was asked can answer any more, and nobody is there to ask instead."
SYSTEM = "system"


def requests_without_answerers() -> HumanRequestQuerySet:
    """The open requests that nobody but administrators can answer."""
    named = Assignment.objects.exclude(permission="").order_by()
    permissions = named.filter(request__status="open").values_list("permission", flat=True)
    held = [
        name for name in permissions.distinct() if people_of([Assignment(permission=name)]).exists()
    ]
    is_there = Q(user__is_active=True) | Q(group__user__is_active=True) | Q(permission__in=held)
    answerable = Assignment.objects.filter(is_there, request=OuterRef("pk"))
    return HumanRequest.objects.open().filter(~Exists(answerable))


def left_without_answerers(change: Callable[[], object]) -> list[HumanRequest]:
    """Return the requests that a change would leave without anybody, and change nothing.

    `change` saves what is to be tried: the deactivation of a user, a group without a member. It is
    undone again, whatever it raises.
    """
    with transaction.atomic():
        before = set(requests_without_answerers().values_list("pk", flat=True))
        here = transaction.savepoint()
        try:
            change()
            found = requests_without_answerers().exclude(pk__in=before)
            return list(found.with_what_is_shown().order_by("pk"))
        finally:
            transaction.savepoint_rollback(here)


def ask_others() -> None:
    """Have somebody else asked of what nobody can answer. Calling it twice is harmless."""
    found = requests_without_answerers().exclude(note=ALONE).values_list("pk", flat=True)
    for pk in found[:LARGEST_PASS]:
        _ask_others(pk)
    alone = HumanRequest.objects.open().filter(note=ALONE)
    for request in alone.exclude(pk__in=requests_without_answerers().values("pk")):
        request.drop_note()


@transaction.atomic
def _ask_others(request_id: UUID) -> None:
    """Locks the run, the request, then the session, as a reassignment does."""
    run = lock_run(HumanRequest.objects.run_of(request_id))
    gone = requests_without_answerers().exclude(note=ALONE).filter(pk=request_id)
    request = HumanRequest.objects.select_for_update().filter(pk__in=gone.values("pk")).first()
    if request is None:
        return
    now, asked = clock.now(), [str(one) for one in request.assignments.all()]
    substitutes = substitutes_for(run.procedure_id)
    whom = " and ".join(map(str, substitutes))
    left = f" ({', '.join(asked)})" if asked else ""
    why = f"Nobody who was asked can answer any more{left}."
    if substitutes:
        told = {"action": "reassign", "by": SYSTEM, "reason": why, "wait": request.wait.key}
        RunInput.objects.tell(run, {**told, "to": whom})
    note = f"{why} Now {whom} is asked instead." if substitutes else ALONE
    request.ask_too(substitutes, note=note, mail_at=mail_time(now))
    record(request.session_id, "request", request.pk)
    _alert(request, now=now)
    ring_after_commit("inbox")


def _alert(request: HumanRequest, *, now: datetime) -> None:
    """Say it in the session, and mail it to the operators."""
    text = f"“{request.prompt}”: {request.note}"
    kind, run = Message.Kind.NOTICE, request.wait.run
    alert = Message(kind=kind, run=run, text=text, level="error", at=now)
    alert.add_to(request.session_id)
    plan_alert(alert, now=now)
