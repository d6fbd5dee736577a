"""Runs of three empty steps through the queue, by two worker processes, in runs per second.

All runs are queued before a worker takes the first one; the measurement ends with the last run. The
floor is the same number of chains of three empty Celery tasks with results in Redis, also by two
worker processes.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from bench.site import arguments, in_turn, site, tell

STEPS = 3
IDLE = "idle"
"""A queue of nothing; a worker that reads it is up and has not begun."""
POOL = ("--pool=prefork", "--concurrency=2")
LONGEST = 300
"""Seconds for all runs."""


def main() -> None:
    given = arguments(__doc__, runs=500)
    with site(given.database) as stack:
        from bench import chain
        from tests.processes import Worker

        ours = Worker(IDLE, *POOL)
        floor = Worker(IDLE, *POOL, app="bench.chain")
        for worker in (ours, floor):
            stack.callback(worker.end)
            worker.start()
        pair = in_turn(
            given.pairs,
            lambda: given.runs / spent(ours, "runs", started(given.runs), last_end),
            lambda: given.runs / spent(floor, chain.QUEUE, chains(given.runs), last_result),
            warm_up=True,
        )
        figures = {"ours_per_s": pair.ours, "floor_per_s": pair.floor, "ratio": pair.ratio}
        tell(bench="queue", database=given.database, runs=given.runs, **figures)


def spent(worker: Any, queue: str, work: Sequence[Any], end: Callable[[Any], float]) -> float:
    """Return the seconds from the worker's start until the last item has ended."""
    began = time.time()
    assert worker.ask("add_consumer", queue=queue), "The worker does not hear."
    ended = end(work)
    assert worker.ask("cancel_consumer", queue=queue), "The worker does not hear."
    return ended - began


def started(count: int) -> list[Any]:
    from procedures.services import start_run

    return [start_run("empty_steps", {"count": STEPS}, by=None)[0].pk for _ in range(count)]


def last_end(runs: Sequence[Any]) -> float:
    from django.db.models import Max

    from procedures.engine.journal.events import RunStatus
    from procedures.models import Run
    from tests.processes import wait_until

    ours = Run.objects.filter(pk__gte=runs[0])
    left = ours.exclude(status=RunStatus.SUCCEEDED)
    wait_until(lambda: not left.exists(), LONGEST, what="all runs to succeed")
    ended = ours.aggregate(at=Max("ended_at"))["at"]
    return float(ended.timestamp())


def chains(count: int) -> list[Any]:
    from bench.chain import send

    return [send() for _ in range(count)]


def last_result(results: Sequence[Any]) -> float:
    return max(float(result.get(timeout=LONGEST)) for result in results)


if __name__ == "__main__":
    main()
