"""The time from a committed answer to the line after the question, in milliseconds.

The floor is a bare Celery task, from `apply_async` to its first line, in the same worker. Both are
measured under the same conditions: the process that sends has just executed the statements of the
same answer, which the floor rolls back, and everything has been at rest for `--rest` milliseconds
before. A processor that has slept takes several times as long as one in a loop (`--rest 0`).

Each run has asked shortly before it is answered, as in a conversation, so the worker has kept its
journal. With `--restarted 1`, the worker has been restarted since, and reads the whole journal.
"""

import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from bench.site import arguments, in_turn, site, tell


def main() -> None:
    given = arguments(__doc__, checkpoints=10, rounds=20, rest=100, restarted=0)
    with site(given.database) as stack:
        from tests.processes import Worker

        worker = Worker("runs", "--pool=prefork", "--concurrency=1", "--include=bench.tasks")
        stack.callback(worker.end)
        worker.start()
        rest = given.rest / 1000
        runs = waiting(given.checkpoints)
        open_one = next(runs)
        if given.restarted:
            runs = iter([next(runs) for _ in range(given.pairs * given.rounds + 1)])
            worker.end()
            worker.start()
        reply(next(runs), rest)
        bare(open_one, rest)
        pair = in_turn(
            given.pairs,
            lambda: median(reply(next(runs), rest) for _ in range(given.rounds)),
            lambda: median(bare(open_one, rest) for _ in range(given.rounds)),
        )
        figures = {"ours_ms": pair.ours, "floor_ms": pair.floor, "ratio": pair.ratio}
        tell(bench="replies", **vars(given), **figures)


def waiting(checkpoints: int) -> Iterator[Any]:
    """Yield new runs that have asked a question and wait for its answer."""
    from procedures.services import start_run
    from tests.runs import wait_for_request

    while True:
        run, _ = start_run("answered", {"checkpoints": checkpoints}, by=None)
        wait_for_request(run)
        yield run


def reply(run: Any, rest: float) -> float:
    """Answer the run's question after so many seconds of rest; return the milliseconds."""
    from django.db import transaction

    from procedures import hooks
    from tests.runs import wait_for_success

    committed = list[float]()

    def at_commit(**_: Any) -> None:
        transaction.on_commit(lambda: committed.append(time.time()))

    time.sleep(rest)
    hooks.wait_closed.connect(at_commit)  # before the worker is sent for
    answer(run)
    hooks.wait_closed.disconnect(at_commit)
    went_on = told()
    wait_for_success(run)
    return (went_on - committed[0]) * 1000


def bare(run: Any, rest: float) -> float:
    """Send a bare task after so many seconds of rest and an answer; return the milliseconds."""
    from django.db import transaction

    from bench.tasks import start

    time.sleep(rest)
    with transaction.atomic():
        answer(run)
        transaction.set_rollback(True)
    sent = time.time()
    start.apply_async(queue="runs")
    return (told() - sent) * 1000


def answer(run: Any) -> None:
    from django.contrib.auth.models import User

    from chat.models import HumanRequest
    from chat.services import Answer, respond

    admin, _ = User.objects.get_or_create(username="bench", is_superuser=True)
    respond(HumanRequest.objects.get(wait__run=run).pk, Answer(value=True), by=admin)


def told() -> float:
    """Wait until the worker tells the time of a line, and return that time."""
    from bench.tasks import TOLD, redis_client

    # This process is blocked in Redis meanwhile: a loop of queries would slow down the worker.
    heard = redis_client().blpop([TOLD], timeout=60)
    assert heard, "The worker told no time within a minute."
    return float(heard[1])


if __name__ == "__main__":
    main()
