"""People, time and operators at one request at once: one of them wins, and the others are told."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from threading import Barrier
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection

from chat.models import HumanRequest
from chat.services import claim_request, remind_people, withdraw_request
from procedures.engine.errors import EngineError
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import cancel_run, start_run, sweep
from tests.calls import grant
from tests.races.outcomes import BY_TIME, faults, untold
from tests.races.scenes import LEAD, LIMIT, LONGEST_LEAD, NEAR, UNDO, Act, Scene

PATIENCE = 30
"""Seconds after which threads that wait for each other count as a deadlock."""
APPROVED = {"decision": "approved"}


@dataclass(frozen=True)
class Race:
    """A kind of race: the procedure, what comes before, and who does what at once."""

    procedure: str
    acts: Callable[[Scene], dict[str, Act]]
    inputs: dict[str, Any] = field(default_factory=dict)
    before: Callable[[Scene], None] = lambda _: None
    winners: int | None = None
    """The number of acts that may be accepted, where it is known."""
    final: Any = True
    """The answer of people in the end, if the request is still open then."""


def _parcels(number: int) -> dict[str, Any]:
    return {**APPROVED, "values": {"parcels": number}}


def _held(scene: Scene) -> None:
    scene.say(0)


def _held_till_now(scene: Scene) -> None:
    scene.say(0)
    scene.be_near(scene.effective_at)


def _asked_back_till_now(scene: Scene) -> None:
    scene.ask_back(0)
    scene.be_near(scene.effective_at)


def _till_the_limit(scene: Scene) -> None:
    scene.be_near(scene.limit)


def _held_till_the_limit(scene: Scene) -> None:
    clock.ahead += LIMIT - UNDO / 2
    scene.say(0)
    scene.be_near(scene.limit)


def _voted(scene: Scene) -> None:
    scene.say(0)


def _voted_twice(scene: Scene) -> None:
    scene.say(0)
    scene.say(1)


def _withdraw(scene: Scene) -> None:
    withdraw_request(scene.request.pk, by=scene.people[2], reason="Not needed.")


def _cancel(scene: Scene) -> None:
    cancel_run(scene.request.wait.run_id, by=scene.people[2], reason="Enough.")


def _claim(scene: Scene, who: int) -> None:
    claim_request(scene.request.pk, by=scene.people[who])


def _both(scene: Scene) -> dict[str, Act]:
    return {"yes": partial(scene.say, 0), "no": partial(scene.say, 1, value=False)}


RACES: dict[str, Race] = {
    "answer x answer": Race("undoable", _both, winners=1),
    "answer among several x answer": Race(
        "undoable",
        lambda scene: {
            "several": partial(scene.say_in_bulk, 0),
            "no": partial(scene.say, 1, value=False),
        },
        winners=1,
    ),
    "answer among several x answer among several": Race(
        "undoable",
        lambda scene: {
            "yes": partial(scene.say_in_bulk, 0),
            "no": partial(scene.say_in_bulk, 1, value=False),
        },
        winners=1,
    ),
    "answer x expiry": Race(
        "undoable",
        lambda scene: {"yes": partial(scene.say, 0), "sweep": sweep},
        inputs={"expires": "30s"},
        before=_till_the_limit,
    ),
    "answer x withdraw": Race(
        "undoable",
        lambda scene: {"yes": partial(scene.say, 0), "withdraw": partial(_withdraw, scene)},
        winners=1,
    ),
    "answer x cancel": Race(
        "undoable",
        lambda scene: {"yes": partial(scene.say, 0), "cancel": partial(_cancel, scene)},
    ),
    "claim x claim": Race(
        "undoable",
        lambda scene: {"one": partial(_claim, scene, 0), "other": partial(_claim, scene, 1)},
        winners=1,
    ),
    "claim x answer": Race(
        "undoable",
        lambda scene: {"claim": partial(_claim, scene, 0), "answer": partial(scene.say, 1)},
    ),
    "vote x vote": Race("agreed", _both, before=lambda _: None, winners=2),
    "second vote x second vote": Race(
        "agreed",
        lambda scene: {"one": partial(scene.say, 1), "other": partial(scene.say, 2)},
        inputs={"undo": True},
        before=_voted,
        winners=1,
    ),
    "answer x undo": Race(
        "undoable",
        lambda scene: {"undo": partial(scene.undo, 0), "no": partial(scene.say, 1, value=False)},
        before=_held,
    ),
    "undo x undo": Race(
        "undoable",
        lambda scene: {"one": partial(scene.undo, 0), "other": partial(scene.undo, 0)},
        before=_held,
        winners=1,
    ),
    "undo x resume": Race(
        "undoable",
        lambda scene: {"undo": partial(scene.undo, 0), "sweep": sweep, "again": sweep},
        before=_held_till_now,
    ),
    "undo x cancel": Race(
        "undoable",
        lambda scene: {"undo": partial(scene.undo, 0), "cancel": partial(_cancel, scene)},
        before=_held,
    ),
    "held answer x timer of its set": Race(
        "undoable_or_time",
        lambda scene: {"undo": partial(scene.undo, 0), "sweep": sweep},
        before=_held_till_the_limit,
    ),
    "answer x timer of its set": Race(
        "undoable_or_time",
        lambda scene: {"yes": partial(scene.say, 0), "sweep": sweep},
        before=_till_the_limit,
    ),
    "held answer x deadline": Race(
        "undoable",
        lambda scene: {"undo": partial(scene.undo, 0), "sweep": sweep},
        inputs={"expires": "30s"},
        before=_held_till_the_limit,
    ),
    "held vote x other vote": Race(
        "agreed",
        lambda scene: {"undo": partial(scene.undo, 1), "vote": partial(scene.say, 2)},
        inputs={"undo": True},
        before=_voted_twice,
    ),
    "ask back x answer": Race(
        "revised",
        lambda scene: {"back": partial(scene.ask_back, 0), "yes": partial(scene.say, 1)},
        winners=1,
    ),
    "ask back x ask back": Race(
        "revised",
        lambda scene: {"one": partial(scene.ask_back, 0), "other": partial(scene.ask_back, 1)},
        inputs={"undo": True},
        winners=1,
    ),
    "ask back x expiry": Race(
        "revised",
        lambda scene: {"back": partial(scene.ask_back, 0), "sweep": sweep},
        inputs={"expires": "30s"},
        before=_till_the_limit,
    ),
    "ask back x second vote": Race(
        "revised",
        lambda scene: {"back": partial(scene.ask_back, 1), "vote": partial(scene.say, 2)},
        inputs={"quorum": 2},
        before=_voted,
        winners=1,
    ),
    "held ask back x undo": Race(
        "revised",
        lambda scene: {"undo": partial(scene.undo, 0), "sweep": sweep},
        inputs={"undo": True},
        before=_asked_back_till_now,
    ),
    "changed values x vote": Race(
        "packed_together",
        lambda scene: {
            "change": partial(scene.say, 0, value=_parcels(4)),
            "vote": partial(scene.say, 1, value=APPROVED),
        },
        final=_parcels(4),
    ),
    "changed values x deciding vote": Race(
        "packed_together",
        lambda scene: {
            "change": partial(scene.say, 0, value=_parcels(4)),
            "vote": partial(scene.say, 1, value=APPROVED),
        },
        before=lambda scene: scene.say(2, value=APPROVED),
        winners=1,
        final=_parcels(4),
    ),
    "changed values x changed values": Race(
        "packed_together",
        lambda scene: {
            "one": partial(scene.say, 0, value=_parcels(4)),
            "other": partial(scene.say, 1, value=_parcels(3)),
        },
        winners=2,
        final=_parcels(4),
    ),
    "answer x reminder": Race(
        "reminded_often",
        lambda scene: {"yes": partial(scene.say, 0), "clock": remind_people, "too": remind_people},
        before=lambda scene: scene.be_near(scene.request.next_at),
    ),
}


class AnswerRaces:
    """The sights of all rounds together."""

    def __init__(self) -> None:
        finance, _ = Group.objects.get_or_create(name="finance")
        for name in {race.procedure for race in RACES.values()}:
            grant(name, finance, "answer")
        self.people = [_person(name, finance) for name in ("ann", "ben", "dave")]
        self.won: dict[str, Counter[str]] = {name: Counter() for name in RACES}
        self.leads = dict.fromkeys(RACES, LEAD)
        """The lead of each race with time before its moment, which adjusts itself."""
        self.faults: dict[str, list[str]] = {}
        """The broken rules, by the name and the seed of the round."""

    def told(self) -> dict[str, Any]:
        return {"broken": len(self.faults), "won": self.won}

    def run(self, seeds: Iterable[int], names: Iterable[str] = RACES) -> None:
        with ThreadPoolExecutor(3) as threads:
            for seed in seeds:
                for name in names:
                    if words := self._lived(name, seed, threads):
                        self.faults[f"{name} {seed}"] = words

    def _lived(self, name: str, seed: int, threads: Executor) -> list[str]:
        race, random = RACES[name], Random(f"{name} {seed}")  # noqa: S311 (no secret)
        run, _ = start_run(race.procedure, race.inputs, by=None)
        advance_run(run.pk)
        asked = HumanRequest.objects.filter(wait__run=run).select_related("wait").get()
        scene = Scene(asked, self.people, random, self.leads[name])
        race.before(scene)
        acts = race.acts(scene)
        barrier = Barrier(len(acts))
        going = [threads.submit(_act, scene, what, act, barrier) for what, act in acts.items()]
        broken = [f"{error!r}" for one in going if (error := one.exception(PATIENCE))]
        self.won[name][" + ".join(sorted(scene.done)) or "nobody"] += 1
        self._aim(name, is_late=BY_TIME.issuperset(scene.done))
        return [*broken, *untold(scene, len(acts)), *faults(scene, race.winners, race.final)]

    def _aim(self, name: str, *, is_late: bool) -> None:
        """Begin the next such race earlier if nobody was in time, else later."""
        lead = self.leads[name] + (NEAR if is_late else -NEAR) / 2
        self.leads[name] = min(max(lead, timedelta(0)), LONGEST_LEAD)


def _person(name: str, finance: Group) -> User:
    person, _ = User.objects.get_or_create(username=name, defaults={"is_superuser": name == "dave"})
    person.groups.add(finance)
    return person


def _act(scene: Scene, what: str, act: Act, barrier: Barrier) -> None:
    try:
        barrier.wait(PATIENCE)
        act()
        scene.done.append(what)
    except EngineError as refusal:
        scene.refused.append(f"{what}: {refusal}")
    finally:
        connection.close()
