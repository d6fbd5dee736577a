"""Rounds by hand: `python -m tests.races --rounds 3000`; one JSON line tells who won.

A round that breaks is told with its seed; `--first SEED --rounds 1` runs it once more.
"""

import argparse
import sys

from bench.site import site, tell


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.races", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    given = parser.parse_args()
    with site(given.database, procedures="tests.races.procedures"):
        from tests.races.racing import race

        counts, faults = race(range(given.first, given.first + given.rounds))
    for seed, words in faults.items():
        tell(round=seed, broken=words)
    tell(races=given.database, rounds=given.rounds, broken=len(faults), **counts)
    return bool(faults)


sys.exit(main())
