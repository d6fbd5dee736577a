"""Storms by hand: `python -m tests.storm --frames 5000 --database postgres --seed 7`.

A JSON line tells what happened. With `--plant cursor`, `order` or `tail` one page has that fault
and counts as the others do: the command must then fail.
"""

import argparse
import sys
import time
from random import randrange

from bench.site import site, tell

PLANTS = ("cursor", "order", "tail")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=randrange(10**6))  # noqa: S311 (no secret)
    parser.add_argument("--copies", type=int, default=2, help="pages of each of six sorts")
    parser.add_argument("--within", type=float, default=2.0, help="seconds after the last change")
    parser.add_argument("--plant", choices=PLANTS, nargs="*", default=[])
    given = parser.parse_args()
    tell(database=given.database, frames=given.frames, seed=given.seed, planted=given.plant)
    with site(given.database, procedures="tests.storm.procedures"):
        from tests.processes import Process, Redis
        from tests.storm.storm import Storm

        [redis] = [one for one in Process.running if isinstance(one, Redis)]
        began = time.monotonic()
        storm = Storm(
            given.frames,
            given.seed,
            redis=redis,
            say=lambda words: tell(at_s=time.monotonic() - began, now=words),
            copies=given.copies,
        )
        outcome = storm.run(given.plant)
    seconds = {"caught_up_after_s": outcome.caught_up, "settled_after_s": outcome.settled}
    tell(frames=outcome.frames, **seconds, **outcome.counts)
    for page, faults in outcome.faults.items():
        for fault in faults:
            tell(page=page, fault=fault)
    return any(outcome.faults.values()) or outcome.settled > given.within


sys.exit(main())
