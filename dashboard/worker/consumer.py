"""The part of a worker that takes messages from the broker."""

import logging

from celery.worker.consumer import Consumer as CeleryConsumer

logger = logging.getLogger(__name__)


class Consumer(CeleryConsumer):
    """A consumer that survives an error while it closes a lost connection.

    If the broker goes away while messages are unacknowledged, kombu raises an `AttributeError` when
    it closes the connection, and Celery would end the worker. This consumer connects again, because
    nothing is left to close.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as error:
            logger.debug("The lost connection couldn't be closed: %s", error)
