"""The Celery tasks that advance runs, handle what is due or lost, and remove what is old."""

import logging
from contextlib import suppress

from celery import shared_task
from django.db import InterfaceError, OperationalError, connections

from procedures import dispatch, files, runner, services
from procedures.engine.errors import FileStoreError
from procedures.services import bulk, verification
from procedures.services.retention.rounds import remove_old_runs
from procedures.slot import slot

logger = logging.getLogger(__name__)
sweeper = services.Sweeper()


@shared_task(name=dispatch.TASK)
def advance_runs(*_: object, **__: object) -> None:
    """Advance the queued runs.

    The arguments are ignored, because a broker may deliver anything.
    """
    # This is recorded before the look for queued runs: whatever is queued from then on sends a
    # message of its own, and the look can't miss anything queued before. Redis records it while
    # this process prepares itself.
    wait = dispatch.begin_to_note_arrival()
    if services.gate.is_open_to_claims():
        runner.advance_runs(when=wait)
    else:
        wait()
    _make_room()


def look_around() -> None:
    """Look for queued runs and advance them; workers do this regularly, even without a message.

    Logs a warning if no clock process runs.
    """
    try:
        if services.gate.is_open():
            runner.advance_runs()
        services.warner.look()
    except (OperationalError, InterfaceError) as error:
        logger.warning("The queue will be checked again later: %s", " ".join(str(error).split()))
    finally:
        connections.close_all()
    _make_room()


def _make_room() -> None:
    """End this process if it must be replaced; the pool then forks another one."""
    if slot.is_leaving and not slot.is_stopping:
        logger.warning("This process is being replaced: %s.", slot.spent_by)
        raise SystemExit(0)


@shared_task(name=dispatch.REMOVE_UPLOADS)
def remove_uploads(*_: object, **__: object) -> None:
    """Delete uploads that nobody used in time. If the file store fails, a later call deletes them.

    The arguments are ignored, because a broker may deliver anything.
    """
    if services.gate.is_open():
        with suppress(FileStoreError):  # which is logged
            files.remove_old_uploads()


@shared_task(name="countersign.close_operations")
def close_operations() -> None:
    """Log what ended operations on many runs have done; the clock process calls this."""
    if services.gate.is_open():
        bulk.close_ended()


@shared_task(name="countersign.verify")
def verify() -> None:
    """Start the daily verification of the site, if it is due; the clock process calls this."""
    if services.gate.is_open():
        verification.verify_when_due()


@shared_task(name=dispatch.REMOVE_RUNS)
def remove_runs(*_: object, **__: object) -> None:
    """Continue the removal of old runs, if it is due; another call is queued if more is left.

    The arguments are ignored, because a broker may deliver anything.
    """
    if services.gate.is_open() and remove_old_runs():
        dispatch.send_later(dispatch.REMOVE_RUNS)


@shared_task(name="countersign.sweep")
def sweep() -> None:
    """Handle what is due, and repair what was lost.

    The clock process calls this function each second. Clocks of older releases send it as a Celery
    task.
    """
    if services.gate.is_open():
        sweeper()
