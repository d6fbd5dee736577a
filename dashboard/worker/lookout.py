"""Regular checks of the queue, for times when no messages arrive."""

import time
from typing import Any

from celery import bootsteps
from celery.concurrency.prefork import TaskPool
from django.utils.module_loading import import_string

from procedures.dispatch import LOOK_EVERY

QUEUE = "runs"
LOST_AFTER = 60
"""The seconds after which a check that hasn't ended counts as lost: its process may have died."""


class QueuePoller(bootsteps.StartStopStep):
    """A boot step that makes one of the worker's slots check the queue every few seconds.

    A Redis without free memory accepts no messages, so that messages alone aren't enough.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **_: Any) -> None:
        self._entry: Any = None
        self._sent_at: float | None = None
        consumer.lookout = self

    def start(self, consumer: Any) -> None:
        """Start the timer at each connection to the broker.

        By then, Celery has removed all timers.
        """
        self.stop(consumer)
        self._sent_at = None
        if isinstance(consumer.pool, TaskPool):  # `_is_wanted` may change at any time
            self._entry = consumer.timer.call_repeatedly(LOOK_EVERY, self._look, (consumer,))

    def stop(self, _: Any) -> None:
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None

    def _look(self, consumer: Any) -> None:
        """Let a slot check the queue, unless an earlier check hasn't ended yet."""
        now = time.monotonic()
        is_under_way = self._sent_at is not None and now - self._sent_at < LOST_AFTER
        if is_under_way or not self._is_wanted(consumer):
            return
        # Set first, because another thread may record the end of the check before `apply_async`
        # returns.
        self._sent_at = now
        # The check goes directly to the pool, because it is meant for times when the broker accepts
        # no messages.
        consumer.pool.apply_async(
            import_string("procedures.tasks.look_around"),
            callback=self._note_end,
            error_callback=self._note_end,
        )

    def _note_end(self, *_: Any, **__: Any) -> None:
        self._sent_at = None

    def _is_wanted(self, consumer: Any) -> bool:
        return QUEUE in consumer.app.amqp.queues.consume_from
