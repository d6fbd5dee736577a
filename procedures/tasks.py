"""What Celery calls."""

import logging
from uuid import UUID

from celery import shared_task

from procedures import runner, services

logger = logging.getLogger(__name__)


@shared_task(name="procedures.advance_run")
def advance_run(run_id: object) -> None:
    """A broker may hand over anything: what is no id is let pass."""
    try:
        known = UUID(str(run_id))
    except ValueError:
        logger.warning("A message names no run: %.100r", run_id)
        return
    runner.advance_run(known)


@shared_task(name="procedures.sweep")
def sweep() -> None:
    services.sweep()
