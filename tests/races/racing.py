"""Many rounds, and who won how often."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from django.contrib.auth.models import User

from procedures.engine.errors import Interruption
from tests.races.invariants import broken
from tests.races.procedures import happened
from tests.races.rounds import VERBS, Round

OPERATORS = 3


def race(seeds: Iterable[int]) -> tuple[dict[str, Any], dict[int, list[str]]]:
    """What was accepted and refused by verb, how the runs have ended; and what broke, by seed."""
    verbs = {verb: {"accepted": 0, "refused": 0} for verb in VERBS}
    ends, rests, faults = Counter[str](), Counter[str](), dict[int, list[str]]()
    turned_away = 0
    dave, _ = User.objects.get_or_create(username="dave", defaults={"is_superuser": True})
    with ThreadPoolExecutor(OPERATORS) as operators:
        for seed in seeds:
            one = Round(seed, by=dave)
            if words := lived(one, operators):
                faults[seed] = words
            for deed in one.deeds:
                verbs[deed.verb]["accepted" if deed.told else "refused"] += 1
            ends[won_by(one)] += 1
            rests[one.rested_as] += 1
            turned_away += one.fenced
            happened.clear()
    told = {"verbs": verbs, "won": ends, "rested": rests, "workers_turned_away": turned_away}
    return told, faults


def lived(one: Round, operators: Executor) -> list[str]:
    """What did not hold in a round."""
    try:
        one.live(operators)
    except (Exception, Interruption) as error:  # noqa: BLE001 (whatever it is, it is told)
        return [f"{type(error).__name__} escapes: {error}"]
    return broken(one)


def won_by(one: Round) -> str:
    """The verb that has ended the run, or its worker with its end."""
    last = one.run.events.latest("seq")
    return str(last.content.get("action", last.kind))
