"""A command that tests send to workers, which import this module beside the product."""

from typing import Any

from celery.concurrency.prefork import TaskPool
from celery.worker.control import inspect_command
from celery.worker.state import reserved_requests

from dashboard.celery import tickers


@inspect_command()
def work_in_hand(state: Any, **_: object) -> dict[str, int]:
    """Count what the worker listens to, its messages, its slots' jobs and its clock's duties.

    Celery's own `active` and `reserved` know messages alone: a worker also looks at the queue by
    itself, and its clock never gets a message.

    It also answers commands before it obeys, and obeys those that wait in any order: a worker
    that is told to listen and then to rest may rest first. `told` counts those that wait.
    """
    consumer = state.consumer
    pool = consumer.pool
    has_slots = isinstance(pool, TaskPool)
    return {
        "told": len(consumer.hub._ready),  # noqa: SLF001
        "queues": len(state.app.amqp.queues.consume_from),
        "messages": len(reserved_requests),
        "jobs": len(pool._pool._cache) if has_slots else 0,  # noqa: SLF001
        "duties": sum(ticker.is_busy for ticker in tickers),
    }
