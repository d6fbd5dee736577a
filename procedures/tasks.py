"""What Celery calls."""

from celery import shared_task

from procedures import dispatch, runner, services


@shared_task(name=dispatch.TASK)
def advance_runs(*_: object, **__: object) -> None:
    """A broker may hand over anything: what the message says is not read."""
    dispatch.note_arrival()
    runner.advance_runs()


@shared_task(name="procedures.sweep")
def sweep() -> None:
    services.sweep()
