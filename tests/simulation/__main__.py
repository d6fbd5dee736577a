"""Seeds by hand: `python -m tests.simulation 4711` tells what happens in one, step by step."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable

from tests.simulation.faults import FAULTS
from tests.simulation.schedule import Story, find, simulate
from tests.simulation.sights import SIGHTS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("told", nargs="*", default=[], type=int, help="tell these seeds' stories")
    what.add_argument("--seeds", type=int, metavar="N", help="live through so many")
    what.add_argument("--faults", action="store_true", help="how soon planted faults are found")
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--with", dest="fault", choices=FAULTS, help="plant this fault")
    chosen = parser.parse_args()
    if chosen.faults:
        return show_faults()
    if chosen.seeds:
        return show_many(range(chosen.first, chosen.first + chosen.seeds))
    stories = [simulate(seed, FAULTS.get(chosen.fault)) for seed in chosen.told]
    print(*stories, sep="\n\n")
    return any(story.broken for story in stories)


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
    print(
        "\n".join(
            f"{counts[key]:>10,} {words}" for key, words in {"steps": "steps", **SIGHTS}.items()
        )
    )
    return bool(broken)


sys.exit(main())
