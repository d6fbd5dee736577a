"""Options by hand: `python -m tests.without_options` removes each one's effect in turn.

It lists the tests that fell, by name, and fails itself if an option fells none. Words choose among
the effects: `python -m tests.without_options quorum veto`.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.without_options.effects import EFFECTS, Effect, declared
from tests.without_options.plugin import FELL, NAME

ROOT = Path(__file__).parents[2]
OPTIONS = (
    "-q",
    "--no-header",
    "--tb=no",
    "-p",
    "tests.without_options.plugin",
    "-p",
    "no:randomly",
)
TESTED = {0, 1}
"""The exit codes of pytest after tests that passed, or of which some failed."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.without_options", description=__doc__)
    parser.add_argument("words", nargs="*", help="options, or words in the names of effects")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at once")
    given = parser.parse_args()
    chosen = [one for one in EFFECTS if not given.words or any(w in one.name for w in given.words)]
    missing = sorted({*declared()} - {one.option for one in EFFECTS})
    faults = [f"No effect of {name} is known." for name in missing]
    before = fallen("", sorted({file for one in chosen for file in one.files}))
    faults += [f"Fell with every option: {name}" for name in before]
    with ThreadPoolExecutor(given.jobs) as threads:
        for effect, fell in zip(chosen, threads.map(partial(tried, before), chosen), strict=True):
            say(f"\n{effect.name} ({len(fell)} fell)", *(f"  {name}" for name in fell))
            faults += [] if fell else [f"No test noticed that it was removed: {effect.name}"]
    say(f"\n{len(chosen)} effects, {len(faults)} faults", *faults)
    return bool(faults)


def tried(before: Sequence[str], effect: Effect) -> list[str]:
    """Return the tests that fall without this effect, and not otherwise."""
    return [name for name in fallen(effect.name, effect.files) if name not in before]


def fallen(name: str, files: Iterable[str]) -> list[str]:
    """Run these tests without one effect, and return the names of those that fell."""
    paths = [f"tests/{file}.py" for file in files]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, *paths],
        cwd=ROOT,
        env={**os.environ, NAME: name},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in TESTED:
        sys.exit(f"{name}: {done.stdout}{done.stderr}")
    return [line.removeprefix(FELL) for line in done.stdout.splitlines() if line.startswith(FELL)]


def say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
