"""The removal compared with a small model, over random sites and their histories."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from procedures.models import LegalHold, Procedure, Retention, Run, Tombstone
from procedures.models.clock import clock
from procedures.services import restart_run, start_run, verify_journal
from procedures.services.ledger import examine_site
from procedures.services.retention.holds import place_hold, release_hold
from procedures.services.retention.previews import preview
from procedures.services.retention.rounds import remove_old_runs
from tests.audited_story import carry_on
from tests.conftest import create_person

pytestmark = pytest.mark.django_db
NAMES = ("calling", "doubled")
SEEDS = 6
ACTS = 14


@dataclass
class Modelled:
    """A run that people started, as the model knows it: its child runs count with it."""

    name: str
    by: str
    ended: float | None
    """The day of the end of the run and its children; None while one of them waits."""
    origin: UUID | None = None
    is_held: bool = False


@dataclass
class Model:
    """The runs of a site, and what holds and retentions say about them."""

    days: dict[str, int] = field(default_factory=dict)
    runs: dict[UUID, Modelled] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    """The names of held procedures and people."""

    def family(self, key: UUID) -> set[UUID]:
        found, new = set[UUID](), {key}
        while new:
            found |= new
            pairs = [(one, run.origin) for one, run in self.runs.items() if run.origin]
            linked = {a for a, b in pairs if b in found} | {b for a, b in pairs if a in found}
            new = linked - found
        return found

    def goes(self, key: UUID, today: float) -> bool:
        return all(self._may_go(self.runs[one], today) for one in self.family(key))

    def _may_go(self, run: Modelled, today: float) -> bool:
        days = self.days.get(run.name, 0)
        # A "calling" has a "doubled" as its child.
        procedures = {run.name, "doubled"}
        is_held = run.is_held or run.by in self.held or bool(procedures & self.held)
        return bool(days) and run.ended is not None and run.ended <= today - days and not is_held

    def remove(self, today: float) -> None:
        for key in [one for one in self.runs if self.goes(one, today)]:
            del self.runs[key]


class Site:
    """The product and the model, to which the same things happen."""

    def __init__(self, seed: int, people: dict[str, User]) -> None:
        self.dice, self.people, self.model = random.Random(seed), people, Model()  # noqa: S311
        self.today = 0.0

    def step(self) -> None:
        acts = (self.start, self.start, self.restart, self.hold, self.release, self.keep)
        self.dice.choice(acts)()
        days = self.dice.choice((0.0, 3.0, 8.0, 20.0))
        self.today += days + 1.01
        clock.ahead += timedelta(days=days + 1.01)
        remove_old_runs()
        self.model.remove(self.today)

    def start(self) -> None:
        name, by = self.dice.choice(NAMES), self.dice.choice(sorted(self.people))
        asks = self.dice.random() < 0.25
        run, _ = start_run(name, {"number": 2, "asks": asks}, by=self.people[by])
        self._note(run, None if asks else self.today, by)

    def restart(self) -> None:
        if self.model.runs:
            key = self.dice.choice(list(self.model.runs))
            by = self.people["root"]
            run, _ = restart_run(key, by=by, reason="Again.", inputs={"asks": False})
            self._note(run, self.today, "root", origin=key)

    def _note(self, run: Run, ended: float | None, by: str, origin: UUID | None = None) -> None:
        carry_on(run)
        self.model.runs[run.pk] = Modelled(run.procedure.name, by, ended, origin)

    def hold(self) -> None:
        root, kind = self.people["root"], self.dice.choice(("run", "procedure", "person"))
        name = self.dice.choice(NAMES if kind == "procedure" else sorted(self.people))
        if kind == "run" and self.model.runs:
            key = self.dice.choice(list(self.model.runs))
            if not self.model.runs[key].is_held:
                place_hold(Run.objects.get(pk=key), by=root, reason="Lawsuit.")
                self.model.runs[key].is_held = True
        elif kind != "run" and name not in self.model.held:
            held = self.people.get(name) or Procedure.objects.get(name=name)
            place_hold(held, by=root, reason="Lawsuit.")
            self.model.held.add(name)

    def release(self) -> None:
        holds = list(LegalHold.objects.order_by("pk"))
        if not holds:
            return
        hold = self.dice.choice(holds)
        if hold.run_id:
            self.model.runs[hold.run_id].is_held = False
        else:
            self.model.held.discard(hold.procedure.name if hold.procedure else str(hold.user))
        release_hold(hold.pk, by=self.people["root"], reason="Settled.")

    def keep(self) -> None:
        name, days = self.dice.choice(NAMES), self.dice.choice((0, 5, 15))
        procedure = Procedure.objects.get(name=name)
        Retention.objects.update_or_create(procedure=procedure, defaults={"days": days})
        self.model.days[name] = days

    def check(self) -> None:
        tops = set(Run.objects.filter(parent_wait=None).values_list("pk", flat=True))
        assert tops == set(self.model.runs)
        for name in NAMES:
            procedure = Procedure.objects.get(name=name)
            assert preview(procedure, self.model.days.get(name, 0)).runs == 0


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_goes_and_what_stays_is_what_the_model_says(seed: int, admin_user: User) -> None:
    admin_user.username = "root"
    admin_user.save()
    people = {"root": admin_user, "ann": create_person("ann"), "ben": create_person("ben")}
    for one in people.values():
        one.is_superuser = True
        one.save()
    site = Site(seed, people)
    site.keep()
    for _ in range(ACTS):
        site.step()
        site.check()
    assert [verify_journal(run) for run in Run.objects.all()] == [[]] * Run.objects.count()
    assert examine_site() == []
    assert Tombstone.objects.exists() or Run.objects.exists()
