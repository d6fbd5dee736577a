"""Runs that are older than the retention of their procedure, and the round that removes them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from procedures.models import Procedure, Retention, Run
from procedures.models.clock import clock
from procedures.services import start_run
from procedures.services.retention.rounds import remove_old_runs
from tests.audited_story import carry_on

DAYS = 30


def later(days: float) -> None:
    clock.ahead += timedelta(days=days)


def keep(name: str, days: int = DAYS) -> None:
    Retention.objects.update_or_create(
        procedure=Procedure.objects.get(name=name), defaults={"days": days}
    )


def old_run(by: User, name: str, **inputs: Any) -> Run:
    """A run that has ended now."""
    run, _ = start_run(name, inputs, by=by)
    carry_on(run)
    assert run.ended_at
    return run


def left() -> set[UUID]:
    """The runs that are left after a round."""
    remove_old_runs()
    return set(Run.objects.values_list("pk", flat=True))
