"""Messages to the workers: each says "look at this run", and nothing depends on its arrival."""

import logging
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu import Connection, pools

logger = logging.getLogger(__name__)
TASK = "procedures.advance_run"
PATIENCE = 0.2
"""Seconds that a reply may be held up by a broker that does not answer."""


def ring(run_id: UUID) -> None:
    """Send word of a queued run once this transaction is committed. Never raises, never waits."""
    send_later(TASK, str(run_id), about=f"run {run_id}")


def send_later(task: str, argument: str | int, *, about: str) -> None:
    """Send a message to a task by its name, once this transaction is committed, as `ring` does."""
    transaction.on_commit(lambda: _send(task, argument, about))


def _send(task: str, argument: str | int, about: str) -> None:
    try:
        with pools.producers[_connection()].acquire(block=True, timeout=PATIENCE) as producer:
            current_app.send_task(task, args=[argument], producer=producer, retry=False)
    except Exception as error:  # noqa: BLE001 (the sweep sends it again)
        logger.warning("No message about %s could be sent: %s", about, error)


def _connection() -> Connection:
    """The broker, with a short patience; workers read with their own, longer one."""
    return Connection(
        current_app.conf.broker_url,
        transport_options={
            "socket_timeout": PATIENCE,
            "socket_connect_timeout": PATIENCE,
            "max_retries": 0,
        },
    )
