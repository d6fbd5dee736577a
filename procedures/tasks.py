"""What Celery calls."""

from uuid import UUID

from celery import shared_task

from procedures import runner, services


@shared_task(name="procedures.advance_run")
def advance_run(run_id: str) -> None:
    runner.advance_run(UUID(run_id))


@shared_task(name="procedures.sweep")
def sweep() -> None:
    services.sweep()
