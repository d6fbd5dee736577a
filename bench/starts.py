"""Runs of three empty steps that one process starts while two worker processes run.

Each round prints the runs per second from the first start to the last end, the milliseconds of
processor time that each process uses for a run, and which process, or the machine, was full.

With `--absurd PYTHON`, each round is also measured with absurd, a durable workflow system on
PostgreSQL, and the last line has the medians and their ratio. PYTHON is the interpreter of an
environment that has absurd-sdk and absurdctl.
"""

import time
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.absurd import Round, running
from bench.processors import measured
from bench.queue import POOL, last_end, started
from bench.site import PAIRS, Pair, in_turn, need_postgres, parser_of, site, tell
from bench.traffic import WARM_UP, full

WORKERS = 2
AIM = 1.3
"""The aim: the ratio of our runs per second to absurd's."""


def main() -> None:
    given = options()
    with site(given.database) as stack:
        from tests.processes import Worker

        worker = Worker("runs", *POOL)
        stack.callback(worker.end)
        worker.start()
        carry(WARM_UP)
        ours = partial(measure, "countersign", carry, worker.pid, given)
        if given.absurd is None:
            for _ in range(given.pairs):
                ours()
        else:
            absurd = stack.enter_context(running(given.absurd))
            absurd.carry(WARM_UP)
            theirs = partial(measure, "absurd", absurd.carry, absurd.workers.pid, given)
            compare(given, in_turn(given.pairs, ours, theirs))


def options() -> Namespace:
    parser = parser_of(__doc__, pairs=PAIRS, runs=500)
    parser.add_argument("--absurd", type=Path, metavar="PYTHON", help="also measure absurd")
    given = parser.parse_args()
    if given.absurd:
        need_postgres(parser, given, "--absurd")
    return given


def measure(system: str, carry: Callable[[int], Round], worker: int, given: Namespace) -> float:
    """Print the figures of one round, and return its runs per second."""
    runs: int = given.runs
    with measured({**servers(), "worker": worker}) as usage:
        took = carry(runs)
    usage.percent["starter"] = 100 * took.processor / usage.seconds
    spent = {name: percent / 100 * usage.seconds for name, percent in usage.percent.items()}
    each = usage.percent | {"worker": usage.percent["worker"] / WORKERS}
    each.pop("postgres", None)  # it has a process for each connection
    tell(
        bench="starts",
        system=system,
        database=given.database,
        runs=runs,
        runs_per_s=runs / took.ended,
        starts_per_s=runs / took.started,
        **{f"{name}_ms_per_run": 1000 * seconds / runs for name, seconds in spent.items()},
        machine_percent=round(usage.machine_percent, 1),
        full=full(each, usage.machine_percent),
    )
    return runs / took.ended


def servers() -> dict[str, int]:
    """Return the process ids of Redis and of our own PostgreSQL, by name."""
    from tests.processes import Process

    running = {one.name.partition("-")[0]: one.pid for one in Process.running}
    return {name: running[name] for name in ("redis", "postgres") if name in running}


def carry(runs: int) -> Round:
    """Start runs, and return when they have ended."""
    began, before = time.time(), time.process_time()
    work = started(runs)
    starting = time.time() - began
    ended = last_end(work) - began
    # By its own clock: all other processes are children of this one.
    return Round(ended, starting, time.process_time() - before)


def compare(given: Namespace, pair: Pair) -> None:
    tell(
        bench="starts",
        database=given.database,
        runs=given.runs,
        ours_per_s=pair.ours,
        absurd_per_s=pair.floor,
        ratio=pair.ratio,
        verdict="PASS" if pair.ratio >= AIM else "FAIL",
    )


if __name__ == "__main__":
    main()
