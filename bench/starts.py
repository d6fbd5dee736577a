"""Runs of three empty steps that one process starts while two worker processes run.

Each round prints the runs per second from the first start to the last end, the milliseconds of
processor time that each process uses for a run, and which process, or the machine, was full.
"""

import time
from collections.abc import Mapping

from bench.processors import measured
from bench.queue import POOL, last_end, started
from bench.site import arguments, site, tell
from bench.traffic import WARM_UP, full


def main() -> None:
    given = arguments(__doc__, runs=500)
    with site(given.database) as stack:
        from tests.processes import Process, Worker

        worker = Worker("runs", *POOL)
        stack.callback(worker.end)
        worker.start()
        carry(WARM_UP)
        pids = {one.name.partition("-")[0]: one.pid for one in Process.running}
        for _ in range(given.pairs):
            report(given.database, given.runs, pids)


def report(database: str, runs: int, pids: Mapping[str, int]) -> None:
    before = time.process_time()
    with measured(pids) as usage:
        seconds, starting = carry(runs)
    # By its own clock: all other processes are children of this one.
    usage.percent["starter"] = 100 * (time.process_time() - before) / usage.seconds
    tell(
        bench="starts",
        database=database,
        runs=runs,
        runs_per_s=runs / seconds,
        starts_per_s=runs / starting,
        **{
            f"{name}_ms_per_run": 10 * percent * usage.seconds / runs
            for name, percent in usage.percent.items()
        },
        machine_percent=round(usage.machine_percent, 1),
        full=full(usage.percent, usage.machine_percent),
    )


def carry(runs: int) -> tuple[float, float]:
    """Start runs; return the seconds until the last one has ended, and until it was started."""
    began = time.time()
    work = started(runs)
    starting = time.time() - began
    return last_end(work) - began, starting


if __name__ == "__main__":
    main()
