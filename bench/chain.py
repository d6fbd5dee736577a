"""The floor of the queue benchmark: a separate Celery application with stock settings."""

import os
import time

from celery import Celery, chain
from celery.result import AsyncResult

QUEUE = "chain"
redis_url = os.environ["REDIS_URL"].replace("unix://", "redis+socket://", 1)
app = Celery("chain", broker=redis_url, backend=redis_url, set_as_current=False)
app.conf.update(task_default_queue=QUEUE, broker_connection_retry_on_startup=True)


@app.task
def empty() -> None:
    pass


@app.task
def last() -> float:
    return time.time()


def send() -> AsyncResult[float]:
    """Send a chain of three tasks; its result is the time when it ended."""
    result: AsyncResult[float] = chain(empty.si(), empty.si(), last.si()).apply_async()
    return result
