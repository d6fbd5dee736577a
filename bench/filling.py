"""The people of a filled site, and the plan of which runs are copied, when and for whom."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

from django.contrib.auth.models import Group, User

from bench import exemplars
from bench.copies import Known, Originals
from bench.crowd_size import PERSONS
from bench.exemplars import EXEMPLARS, LONG, MARK, Cast, Exemplar
from dashboard.demo.people import let_operators_view
from procedures.models.clock import clock

OPEN = 10_000 / 108_000
"""Open requests for each run."""
OF_STARTER = 0.05
"""The share of the runs that "starter" started."""
LONG_SESSIONS = 8
GROUPS = {
    "starter": "support",
    "few": "support",
    "approver": "finance",
    "operator": "operators",
    "auditor": "auditors",
    "outsider": None,
}
OF_APPROVER = 0.3
"""The share of the answers to finance that "approver" gave."""
OF_FEW = (
    ("paid", "starter", 4),
    ("paid_by_one", "asked", 1),
    ("asking_one", "asked", 2),
    ("shared", "guest", 1),
)
"""The copies for "few", who may see ten runs: three are of the shared session."""
OF_LISTS = (
    ("paused", "starter", 30),
    ("retrying", "starter", 30),
    ("queued", "starter", 7),
    ("failed", "starter", 50),
)
"""The copies that fill the lists of "starter" and "auditor" on a site of any size.

Otherwise a page of a larger site would show more, and couldn't be compared.
"""
PLACES = ("starter", "asked", "guest", "answerer")


@dataclass(frozen=True)
class People:
    """The people of a filled site."""

    named: Mapping[str, User]
    persons: Sequence[User]
    """The others: four fifths start runs, and the rest answers."""

    @classmethod
    def create(cls) -> Self:
        """Create the people and their groups."""
        names = [*GROUPS, *(f"person-{number:03}" for number in range(1, PERSONS - 5))]
        User.objects.bulk_create(User(username=name, is_staff=name == "operator") for name in names)
        users = list(User.objects.filter(username__in=names).order_by("pk"))
        named = {one.username: one for one in users if one.username in GROUPS}
        found = cls(named, [one for one in users if one.username not in GROUPS])
        found._join()
        let_operators_view()
        return found

    @property
    def starters(self) -> Sequence[User]:
        return self.persons[: len(self.persons) * 4 // 5]

    @property
    def answerers(self) -> Sequence[User]:
        return self.persons[len(self.persons) * 4 // 5 :]

    def cast(self, *, talk: int = LONG) -> Cast:
        """Return the people for whom the exemplars are made, and the length of a long talk."""
        starter, guest, asked = self.starters[:3]
        return Cast(
            starter,
            asked,
            guest,
            self.answerers[0],
            self.answerers[20],
            self.named["operator"],
            talk,
        )

    def _join(self) -> None:
        members: dict[str, list[User]] = {"support": list(self.starters)}
        members["finance"] = list(self.answerers[:20])
        members["legal"] = list(self.answerers[20:30])
        for name, group in GROUPS.items():
            if group:
                members.setdefault(group, []).append(self.named[name])
        for group, users in members.items():
            Group.objects.get_or_create(name=group)[0].user_set.add(*users)


class Copy(NamedTuple):
    """A copy to make, as `Copier.copy` takes it."""

    originals: Originals
    at: datetime
    people: Mapping[Any, Any]
    words: Sequence[str]


def make_originals(people: People, runs: int) -> dict[Exemplar, Originals]:
    """Make each exemplar with the product itself, and take its rows out of the database.

    On a small site, the long conversations are shorter.
    """
    cast, found = people.cast(talk=min(LONG, runs // 10)), {}
    keys, words = list(persons_for(cast, cast)), words_of(cast, MARK)
    for exemplar in EXEMPLARS:
        known = Known()
        with exemplars.later(-timedelta(days=exemplar.days[1])):
            exemplar.make(cast)
        found[exemplar] = Originals(known.take_new(), keys, words)
    return found


def planned(originals: Mapping[Exemplar, Originals], runs: int, people: People) -> list[Copy]:
    """Return all copies of a site of that size, the oldest first."""
    chance = random.Random(runs)  # noqa: S311 (the same site each time)
    casts, now, first = Casts(people, chance), clock.now().astimezone(UTC), people.cast()
    copies = []
    for number, (exemplar, cast) in enumerate(wanted(originals, runs, casts)):
        at = now - timedelta(days=chance.uniform(*exemplar.days))
        words = words_of(cast, f"K-{1_000_001 + number}")
        copies.append(Copy(originals[exemplar], at, persons_for(first, cast), words))
    return sorted(copies, key=lambda copy: copy.at)


def wanted(
    originals: Mapping[Exemplar, Originals], runs: int, casts: "Casts"
) -> Iterator[tuple[Exemplar, Cast]]:
    """Yield each exemplar as often as it is copied, with the people of the copy."""
    by_name = {one.make.__name__: one for one in originals}
    named = [("few", *one) for one in OF_FEW] + [("starter", *one) for one in OF_LISTS]
    for person, name, place, count in named:
        for _ in range(count):
            yield by_name[name], casts.any(**{place: casts.people.named[person]})
    long = by_name["talked_about_for_long"]
    for _ in range(LONG_SESSIONS):
        yield long, casts.any()
    asking = round(runs * OPEN)
    for one in originals:
        for _ in range(asking * one.opens // 1000):
            yield one, casts.any()
    left = runs - asking - LONG_SESSIONS * originals[long].runs
    left -= sum(count for *_, count in OF_LISTS)
    each = sum(one.share * found.runs for one, found in originals.items()) / 1000
    for one in originals:
        for _ in range(round(left / each * one.share / 1000)):
            yield one, casts.any()


class Casts:
    """The people of copies, chosen at random."""

    def __init__(self, people: People, chance: random.Random) -> None:
        self.people, self._chance = people, chance

    def any(self, **given: User) -> Cast:
        people, draw = self.people, self._chance
        starter = people.named["starter"]
        if draw.random() > OF_STARTER:
            starter = draw.choice(people.starters)
        answerer = people.named["approver"]
        if draw.random() > OF_APPROVER:
            answerer = draw.choice(people.answerers[:20])
        others = [one for one in draw.sample(people.persons, 3) if one != starter]
        drawn: dict[str, Any] = {"starter": starter, "answerer": answerer}
        drawn |= {"asked": others[0], "guest": others[1], "operator": people.named["operator"]}
        drawn |= {"lawyer": people.answerers[20]}
        return Cast(**drawn | given)


def persons_for(first: Cast, cast: Cast) -> dict[Any, Any]:
    return {getattr(first, name).pk: getattr(cast, name).pk for name in PLACES}


def words_of(cast: Cast, mark: str) -> list[str]:
    """Return the words of texts that differ in each copy, always in the same order."""
    return [mark, *(getattr(cast, name).get_username() for name in PLACES)]
