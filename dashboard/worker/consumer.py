"""The part of a worker that takes messages from the broker."""

import logging

from celery.worker.consumer import Consumer as CeleryConsumer

logger = logging.getLogger(__name__)


class Consumer(CeleryConsumer):
    """A Celery consumer that continues if a lost connection can't be closed.

    If the broker goes away before a message is acknowledged, closing the connection raises an
    `AttributeError` in kombu. Celery would end the worker. This consumer ignores the error and
    connects again.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as error:
            logger.debug("The lost connection couldn't be closed: %s", error)
