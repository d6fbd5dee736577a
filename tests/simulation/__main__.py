"""Seeds by hand: `python -m tests.simulation 4711` tells what happens in one, step by step."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable

from tests.simulation.faults import FAULTS
from tests.simulation.schedule import Story, find, simulate

COUNTED = {
    "steps": "steps",
    "crashes": "crashes",
    "stopped": "workers stopped",
    "zombies": "writes of zombies, refused",
    "no replies": "commits without a reply",
    "succeeded": "runs succeeded",
    "failed": "runs failed",
    "cancelled": "runs cancelled",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("seed", nargs="?", type=int, help="tell this seed's story")
    what.add_argument("--seeds", type=int, metavar="N", help="live through so many")
    what.add_argument("--faults", action="store_true", help="how soon planted faults are found")
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--with", dest="fault", choices=FAULTS, help="plant this fault")
    chosen = parser.parse_args()
    if chosen.faults:
        return show_faults()
    if chosen.seeds:
        return show_many(range(chosen.first, chosen.first + chosen.seeds))
    story = simulate(chosen.seed, FAULTS.get(chosen.fault))
    print(story)
    return bool(story.broken)


def show_faults() -> int:
    for name, parts in FAULTS.items():
        story = find(range(1000), parts)
        found = f"{story.seed + 1:4} seeds: {story.broken}" if story else "not found"
        print(f"{name:40} {found}")
    return 0


def show_many(seeds: Iterable[int]) -> int:
    counts, broken = Counter[str](), list[Story]()
    for seed in seeds:
        story = simulate(seed)
        counts += story.counts
        counts["seeds"] += 1
        if story.broken:
            broken.append(story)
            print(f"seed {seed}: {story.broken}", flush=True)
    print(f"{counts['seeds']:,} seeds, {len(broken)} broken")
    print("\n".join(f"{counts[key]:>10,} {words}" for key, words in COUNTED.items()))
    return bool(broken)


sys.exit(main())
