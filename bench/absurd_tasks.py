"""The processes of `bench.absurd`, run by an interpreter that has absurd-sdk.

`work URL` runs the workers. `spawn URL` reads numbers of tasks, a line each, spawns as many, and
prints a line of JSON when they have ended: the seconds until the last one had ended and until the
last one was spawned, and the seconds of processor time used here.
"""

import json
import sys
import time
from multiprocessing import Process

import psycopg
from absurd_sdk import Absurd, TaskContext

QUEUE = "bench"
TASK = "empty_steps"
STEPS = 3
WORKERS = 2
BATCH = 20
"""The tasks that a worker claims at once: of 1 to 50, and of threads and asyncio, the fastest."""
POLL_EVERY = 0.01
"""Seconds after which a worker without tasks looks again; 0.25 by default."""
LOOK_EVERY = 0.02
"""Seconds between two looks for the end, as often as for the end of our runs."""
LONGEST = 300
"""Seconds for all tasks."""


def main() -> None:
    role, url = sys.argv[1:]
    {"work": run_workers, "spawn": serve_spawns}[role](url)


def run_workers(url: str) -> None:
    workers = [Process(target=work, args=(url, number)) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def work(url: str, number: int) -> None:
    app = Absurd(url, queue_name=QUEUE)
    app.register_task(TASK)(empty_steps)
    app.start_worker(f"worker-{number}", batch_size=BATCH, poll_interval=POLL_EVERY)


def empty_steps(params: dict[str, int], ctx: TaskContext) -> None:
    for _ in range(params["count"]):
        ctx.step("nothing", nothing)


def nothing() -> None:
    pass


def serve_spawns(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        app = Absurd(connection, queue_name=QUEUE)
        for line in sys.stdin:
            print(json.dumps(spawn(app, connection, int(line))), flush=True)


def spawn(app: Absurd, connection: psycopg.Connection, tasks: int) -> tuple[float, float, float]:
    began, before = time.time(), time.process_time()
    for _ in range(tasks):
        app.spawn(TASK, {"count": STEPS}, queue=QUEUE)
    starting = time.time() - began
    ended = last_end(connection, began + LONGEST)
    return ended - began, starting, time.process_time() - before


def last_end(connection: psycopg.Connection, deadline: float) -> float:
    """Return the time when the last task ended."""
    left = f"SELECT 1 FROM absurd.t_{QUEUE} WHERE state <> 'completed' LIMIT 1"
    while connection.execute(left).fetchone():
        assert time.time() < deadline, "The tasks did not end."
        time.sleep(LOOK_EVERY)
    found = connection.execute(f"SELECT max(completed_at) FROM absurd.r_{QUEUE}").fetchone()
    assert found
    ended: float = found[0].timestamp()
    return ended


if __name__ == "__main__":
    main()
