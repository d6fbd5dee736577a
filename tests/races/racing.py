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


class Races:
    """The sights of all rounds together."""

    def __init__(self) -> None:
        self.verbs = {verb: {"accepted": 0, "refused": 0} for verb in VERBS}
        self.won, self.rested = Counter[str](), Counter[str]()
        self.turned_away = 0
        """Workers whose run was taken out of their hands."""
        self.faults: dict[int, list[str]] = {}
        """The broken rules, by the seed of the round."""

    @property
    def rounds(self) -> int:
        return self.won.total()

    def run(self, seeds: Iterable[int]) -> None:
        dave, _ = User.objects.get_or_create(username="dave", defaults={"is_superuser": True})
        with ThreadPoolExecutor(OPERATORS) as operators:
            for seed in seeds:
                one = Round(seed, by=dave)
                if words := lived(one, operators):
                    self.faults[seed] = words
                self._count(one)
                happened.clear()

    def told(self) -> dict[str, Any]:
        return {
            "rounds": self.rounds,
            "broken": len(self.faults),
            "verbs": self.verbs,
            "won": self.won,
            "rested": self.rested,
            "workers_turned_away": self.turned_away,
        }

    def _count(self, one: Round) -> None:
        for deed in one.deeds:
            self.verbs[deed.verb]["accepted" if deed.told else "refused"] += 1
        self.won[won_by(one)] += 1
        self.rested[one.rested_as] += 1
        self.turned_away += one.fenced


def lived(one: Round, operators: Executor) -> list[str]:
    """The broken rules of a round."""
    try:
        one.live(operators)
    except (Exception, Interruption) as error:  # noqa: BLE001 (whatever it is, it is told)
        return [f"{type(error).__name__} escapes: {error}"]
    return broken(one)


def won_by(one: Round) -> str:
    """The verb that has ended the run, or its worker with its end."""
    last = one.run.events.latest("seq")
    return str(last.content.get("action", last.kind))
