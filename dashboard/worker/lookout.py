"""Regular looks at the queue, whether or not a message has come."""

import time
from typing import Any

from celery import bootsteps
from celery.concurrency.prefork import TaskPool
from django.utils.module_loading import import_string

from procedures.dispatch import LOOK_EVERY

QUEUE = "runs"
LOST_AFTER = 60
"""Seconds after which an unanswered look counts as lost with its process."""


class Lookout(bootsteps.StartStopStep):
    """A look at the queue every few seconds, in one of the worker's own processes.

    A full Redis takes no messages and does not tell its readers.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **_: Any) -> None:
        self._entry: Any = None
        self._sent_at: float | None = None
        consumer.lookout = self

    def start(self, consumer: Any) -> None:
        """Start the timer anew at each connection to the broker, which loses earlier ones."""
        self.stop(consumer)
        self._sent_at = None
        if isinstance(consumer.pool, TaskPool):  # whether it is wanted may change at any time
            self._entry = consumer.timer.call_repeatedly(LOOK_EVERY, self._look, (consumer,))

    def stop(self, _: Any) -> None:
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None

    def _look(self, consumer: Any) -> None:
        """Look unless an earlier look is under way, so that looks don't pile up."""
        now = time.monotonic()
        is_under_way = self._sent_at is not None and now - self._sent_at < LOST_AFTER
        if is_under_way or not self._is_wanted(consumer):
            return
        # Before it is sent: its end may be noted by another thread before `apply_async` returns.
        self._sent_at = now
        # Straight to the pool, without a broker: the look is there for when the broker takes no
        # messages.
        consumer.pool.apply_async(
            import_string("procedures.tasks.look_around"),
            callback=self._note_end,
            error_callback=self._note_end,
        )

    def _note_end(self, *_: Any, **__: Any) -> None:
        self._sent_at = None

    def _is_wanted(self, consumer: Any) -> bool:
        return QUEUE in consumer.app.amqp.queues.consume_from
