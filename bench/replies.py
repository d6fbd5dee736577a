"""The time from a committed answer to the line after the question, in milliseconds.

The floor is a bare Celery task, from `apply_async` to its first line, in the same worker. The
process that answers is at rest meanwhile, as the one that sends the bare task.
"""

import json
import time
from statistics import median
from typing import Any

from bench.site import arguments, in_turn, site, tell

AT_REST = 0.1
"""Seconds in which the message to the workers is sent, before this process looks for the end."""


def main() -> None:
    given = arguments(__doc__, checkpoints=10, rounds=20)
    with site(given.database) as stack:
        from tests.processes import Worker

        worker = Worker("runs", "--pool=prefork", "--concurrency=1", "--include=bench.tasks")
        stack.callback(worker.end)
        worker.start()
        runs = waiting(given.pairs * given.rounds + 1, given.checkpoints)
        reply(runs.pop())
        bare()
        pair = in_turn(
            given.pairs,
            lambda: median(reply(runs.pop()) for _ in range(given.rounds)),
            lambda: median(bare() for _ in range(given.rounds)),
        )
        figures = {"ours_ms": pair.ours, "floor_ms": pair.floor, "ratio": pair.ratio}
        tell(bench="replies", database=given.database, checkpoints=given.checkpoints, **figures)


def waiting(count: int, checkpoints: int) -> list[Any]:
    """Return new runs that have asked a question and wait for its answer."""
    from procedures.services import start_run
    from tests.runs import wait_for_request

    runs = [start_run("answered", {"checkpoints": checkpoints}, by=None)[0] for _ in range(count)]
    for run in runs:
        wait_for_request(run)
    return runs


def reply(run: Any) -> float:
    from django.contrib.auth.models import User
    from django.db import transaction

    from chat.models import HumanRequest
    from chat.services import Answer, respond
    from procedures import hooks
    from tests.runs import wait_for_success

    admin, _ = User.objects.get_or_create(username="bench", is_superuser=True)
    request = HumanRequest.objects.get(wait__run=run)
    committed = list[float]()

    def at_commit(**_: Any) -> None:
        transaction.on_commit(lambda: committed.append(time.time()))

    hooks.wait_closed.connect(at_commit)  # before the worker is sent for
    respond(request.pk, Answer(value=True), by=admin)
    hooks.wait_closed.disconnect(at_commit)
    time.sleep(AT_REST)
    went_on: float = json.loads(wait_for_success(run).result or "")
    return (went_on - committed[0]) * 1000


def bare() -> float:
    import redis

    from bench.tasks import STARTED, start
    from procedures.conf import conf

    sent = time.time()
    start.apply_async(queue="runs")
    heard = redis.Redis.from_url(conf.REDIS_URL).blpop([STARTED], timeout=4)
    assert heard, "The worker did not start the task."
    return (float(heard[1]) - sent) * 1000


if __name__ == "__main__":
    main()
