"""Retentions of procedures and legal holds, as site managers set and release them."""

from typing import Any

from django.db import models

from procedures.engine.errors import EngineError
from procedures.models import Act, LegalHold, Procedure, Retention, Run, Tombstone
from procedures.models.act import log_act
from procedures.models.clock import clock
from procedures.services.operations import checked_reason
from procedures.services.retention.removal import lock_holds
from procedures.store.named_locks import lock_name
from procedures.transactions import service_atomic
from procedures.users import User


class HoldRefusedError(EngineError):
    """A legal hold can't be placed; the text says why."""


@service_atomic
def set_retention(procedure: Procedure, days: int | None, *, by: User, reason: str) -> None:
    """Keep the runs of a procedure for a number of days after their end; 0 keeps them for ever.

    With None, the procedure follows the site's setting again. Raises `ReasonError` if the reason is
    empty or too long.
    """
    reason = checked_reason(reason)
    lock_name("retentions")  # or the log wouldn't say which value was replaced
    before = Retention.objects.filter(procedure=procedure).first()
    if days is None:
        Retention.objects.filter(procedure=procedure).delete()
    else:
        Retention.objects.update_or_create(procedure=procedure, defaults={"days": days})
    changes = {"days": [before.days if before else None, days]}
    log_act(
        Act.Kind.SWITCH, _sentence(days), by=by, about=procedure, reason=reason, changes=changes
    )


def _sentence(days: int | None) -> str:
    if days is None:
        return "Runs are kept as long as the site's setting says."
    if not days:
        return "Runs are kept for ever."
    return f"Runs are kept for {_counted(days)} after their end."


def _counted(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


@service_atomic
def place_hold(subject: models.Model, *, by: User, reason: str) -> LegalHold:
    """Hold the record of a run, of a procedure's runs, or of all runs that concern a person.

    Waits until a removal that has begun is over. Raises `HoldRefusedError` if the subject is held
    already, or if the run's record was removed, and `ReasonError` for a missing reason.
    """
    reason = checked_reason(reason)
    lock_holds()
    field = _field_of(subject)
    if LegalHold.objects.filter(**{field: subject.pk}).exists():
        raise HoldRefusedError(f"There is a legal hold on {subject} already.")
    if field == "run" and not Run.objects.filter(pk=subject.pk).exists():
        raise HoldRefusedError(removed_sentence(Tombstone.objects.get(pk=subject.pk)))
    row: dict[str, Any] = {field: subject}
    hold = LegalHold.objects.create(
        **row, reason=reason, placed_by=by.get_username(), at=clock.now()
    )
    log_act(Act.Kind.SWITCH, "Placed a legal hold.", by=by, about=subject, reason=reason)
    return hold


@service_atomic
def release_hold(hold_id: int, *, by: User, reason: str) -> None:
    """Release a legal hold. Raises `LegalHold.DoesNotExist` if somebody else has released it."""
    reason = checked_reason(reason)
    lock_holds()
    hold = LegalHold.objects.select_for_update(of=("self",)).get(pk=hold_id)
    assert hold.subject
    words = f"Released the legal hold that {hold.placed_by} had placed."
    log_act(Act.Kind.SWITCH, words, by=by, about=hold.subject, reason=reason)
    hold.delete()


def _field_of(subject: models.Model) -> str:
    if isinstance(subject, Run):
        return "run"
    return "procedure" if isinstance(subject, Procedure) else "user"


def removed_sentence(found: Tombstone) -> str:
    """Return the sentence that says when and why a run's record was removed."""
    return (
        f"The record of this run was removed on {found.removed_at:%Y-%m-%d} under the retention"
        f" of {_counted(found.days)}."
    )
