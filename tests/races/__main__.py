"""Rounds by hand: `python -m tests.races --rounds 3000`; a JSON line tells who won.

`--of answers` races people, time and operators for one request instead of operators for a run.

Ctrl-C tells what there is until then. A round that breaks is told with its seed; `--first SEED
--rounds 1` runs it once more.
"""

import argparse
import sys
from contextlib import suppress
from typing import Any

from bench.site import site, tell

PROCEDURES = {
    "runs": "tests.races.procedures",
    "answers": "tests.procedures.decided",
    "standing": "tests.procedures.decided",
    "sessions": "tests.procedures.decided",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.races", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--of", choices=[*PROCEDURES], default="runs", help="what is raced for")
    given = parser.parse_args()
    with site(given.database, procedures=PROCEDURES[given.of]):
        from tests.races.answers import AnswerRaces
        from tests.races.racing import Races
        from tests.races.sessions import SessionRaces
        from tests.races.standing import StandingRaces

        kinds: dict[str, Any] = {
            "runs": Races,
            "answers": AnswerRaces,
            "standing": StandingRaces,
            "sessions": SessionRaces,
        }
        races = kinds[given.of]()
        with suppress(KeyboardInterrupt):
            races.run(range(given.first, given.first + given.rounds))
    for seed, words in races.faults.items():
        tell(round=seed, broken=words)
    tell(database=given.database, **races.told())
    return bool(races.faults)


sys.exit(main())
