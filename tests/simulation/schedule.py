"""The schedule of events, drawn from a seed: first everything that can go wrong, then nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

from procedures.engine.journal.events import RunStatus
from tests.simulation import endings
from tests.simulation.doubles import Parts, arrive_late
from tests.simulation.holding import held_pages, hold, undo
from tests.simulation.ledger import writing_to
from tests.simulation.plays import PLAYS
from tests.simulation.sights import sights
from tests.simulation.strands import Order, Strand
from tests.simulation.talks import say
from tests.simulation.watches import watches_of
from tests.simulation.witness import BrokenError
from tests.simulation.world import Page, Worker, World

CHAOS = (80, 140, 220)
"""Steps with faults."""
MOST_RUNS = 4
CASTS = (1, 2, 4)
MOST_CALM = 3000
TICKS = (0.05, 0.2, 1, 4, 12, 40)
HELD = 0.25
"""The share of answers that can be undone for a while."""
HOLDS = (1, 5, 20)
STEERED = 0.5
"""The share of messages that are written to the step at work."""
JUMPS = (-3600, -20, 0, 20, 3600)
STOPPED = (RunStatus.FAILED, RunStatus.QUARANTINED)
NO_REPLY = (Order.LOST, Order.LATE, Order.UNHEARD)
ANSWERS: Mapping[str, Sequence[Any]] = {
    "approval": (True, True, True, False),
    "choice": ("repeat", "happened", "fail"),
    "input": ('"so it was"', "this is no JSON"),
}
Act = Callable[[], object]


@dataclass(frozen=True)
class Rates:
    """The rates of faults: every seed has rates of its own, so that each fault has seeds
    in which it comes often, and seeds in which nothing hides what it does."""

    crash: float
    stop: float
    no_reply: float
    double: float
    lose: float
    operate: float
    trouble: float
    slow: float
    hurry: float
    """The speed of people and time against the workers."""

    @classmethod
    def drawn(cls, random: Random) -> "Rates":
        return cls(
            crash=random.choice((0, 0.02, 0.08)),
            stop=random.choice((0, 0.02, 0.08)),
            no_reply=random.choice((0, 0.05, 0.3)),
            double=random.choice((0, 0.1, 0.5)),
            lose=random.choice((0, 0.1, 0.5)),
            operate=random.choice((0.05, 0.2, 0.6)),
            trouble=random.choice((0.02, 0.1, 0.4)),
            slow=random.choice((0, 0.1, 0.6)),
            hurry=random.choice((0.5, 1, 2)),
        )


@dataclass
class Story:
    """One seed's simulation: what happened, and what broke, if anything did."""

    seed: int
    lines: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    broken: BrokenError | None = None

    def __str__(self) -> str:
        end = f"BROKEN: {self.broken}" if self.broken else "Nothing broke."
        return "\n".join((f"Seed {self.seed}", *self.lines, end))


def simulate(seed: int, parts: Parts | None = None) -> Story:
    """Live through one seed. The same seed gives the same story."""
    schedule = Schedule(seed, parts or Parts())
    with writing_to(schedule.world.outside), watches_of(schedule.world):
        try:
            schedule.live()
        except BrokenError as broken:
            schedule.story.broken = broken
        finally:
            schedule.world.end()
    return schedule.story


def find(seeds: Iterable[int], parts: Parts | None = None) -> Story | None:
    """The story of the first of the seeds in which something breaks."""
    stories = (simulate(seed, parts) for seed in seeds)
    return next((story for story in stories if story.broken), None)


class Schedule:
    """Draws each step from what can happen next."""

    def __init__(self, seed: int, parts: Parts) -> None:
        self.world = World(seed, parts)
        self.random = self.world.random
        self.rates = Rates.drawn(self.random)
        outside = self.world.outside
        outside.trouble, outside.slowness = self.rates.trouble, self.rates.slow
        self.plays = self.random.sample(list(PLAYS), self.random.choice(CASTS))
        """Few plays a seed, so that each is seen in all its turns."""
        self.story = Story(seed)
        self._sent: list[tuple[str, str, int]] = []
        self._said: list[tuple[str, int, bool]] = []

    def live(self) -> None:
        for _ in range(self.random.choice(CHAOS)):
            weights, acts = zip(*self._possible(), strict=True)
            self.random.choices(acts, weights)[0]()
            self.world.look()
        Calm(self).live()
        endings.check(self.world)
        self.story.counts.update(sights(self.world))

    def note(self, who: str, what: str) -> None:
        self.story.counts["steps"] += 1
        seconds = self.world.store.clock.strftime("%H:%M:%S")
        self.story.lines.append(f"{len(self.story.lines) + 1:4} {seconds} {who}: {what}")

    # What can happen

    def _possible(self) -> Iterator[tuple[float, Act]]:
        yield from self._moves()
        yield from self._news()
        yield 1.5 * self.rates.hurry, self._tick
        yield 0.2, self._jump
        if self.world.clock.is_idle:
            yield 1.5, lambda: self._begin(self.world.clock, "sweeps", self.world.sweep)
        for person in self.world.people:
            if person.is_idle:
                yield from self._deeds(person)

    def _moves(self) -> Iterator[tuple[float, Act]]:
        for strand in self.world.strands:
            if strand.is_stalled:
                yield 0.2, partial(self._wake, strand)
            elif not strand.is_idle:
                yield 6, partial(self._go_on, strand)

    def _news(self) -> Iterator[tuple[float, Act]]:
        world = self.world
        idle = [worker for worker in world.workers if worker.strand.is_idle]
        if idle and world.bus:
            yield 6, lambda: self._deliver(self.random.choice(idle))
        if world.bus:
            yield self.rates.lose, self._lose_message
        if world.in_flight:
            yield 1, self.arrive
        if idle:
            yield 0.1, lambda: self._deliver_unknown(idle[0])

    def _deeds(self, person: Strand) -> Iterator[tuple[float, Act]]:
        world, hurry, operate = self.world, self.rates.hurry, self.rates.operate
        runs = list(world.store.runs)
        if sum(not run.parent_wait for run in world.store.runs.values()) < MOST_RUNS:
            yield 3 if not runs else 0.7, lambda: self._start(person)
        if pages := world.open_pages():
            yield 1.5 * hurry, lambda: self._answer(person, self.random.choice(pages))
        if held := list(held_pages(world)):
            yield hurry, lambda: self._undo(person, self.random.choice(held))
        if world.pages:
            yield 0.3 * hurry, lambda: self._answer(person, self.random.choice(world.pages))
        if runs:
            yield from self._words(person)
            yield operate / 2, lambda: self._operate(person, "cancels", self.random.choice(runs))
            yield operate / 4, lambda: self._operate(person, "ends", self.random.choice(runs))
            yield operate, lambda: self._operate(person, "pauses", self.random.choice(runs))
            paused = [key for key in runs if world.store.runs[key].pause_requested_at]
            if paused:
                last = self.random.choice(paused)
                yield operate * 4, lambda: self._operate(person, "unpauses", last)
            stopped = [key for key in runs if world.store.runs[key].status in STOPPED] or runs
            yield operate, lambda: self._operate(person, "retries", self.random.choice(stopped))
            yield operate, lambda: self._operate(person, "overrides", self.random.choice(stopped))

    def _words(self, person: Strand) -> Iterator[tuple[float, Act]]:
        plays = [(key, PLAYS[run.procedure.name]) for key, run in self.world.store.runs.items()]
        if sent := [key for key, play in plays if play.signals]:
            yield 0.6 * self.rates.hurry, lambda: self._signal(person, self.random.choice(sent))
        if told := [key for key, play in plays if play.is_written_to]:
            yield 0.6 * self.rates.hurry, lambda: self._say(person, self.random.choice(told))

    # Strands

    def _begin(self, strand: Strand, at: str, job: Act) -> None:
        strand.begin(at, job)
        self.note(strand.name, at)

    def _go_on(self, strand: Strand) -> None:
        """Mostly it goes on; now and then it crashes, is stopped, or loses what it sends."""
        rates = self.rates
        orders, weights = [Order.GO, Order.CRASH], [1.0, rates.crash]
        if strand.at.startswith("commits"):
            orders += NO_REPLY
            weights += [rates.no_reply] * len(NO_REPLY)
        if strand.at.startswith("sends"):
            orders.append(Order.LOST)
            weights.append(rates.lose)
        is_worker = any(worker.strand is strand for worker in self.world.workers)
        if is_worker and self.random.random() < rates.stop:
            strand.is_stalled = True
            self.note(strand.name, f"is stopped where it {strand.at}")
            self.story.counts["stopped"] += 1
            return
        self.step(strand, self.random.choices(orders, weights)[0])

    def step(self, strand: Strand, order: Order) -> None:
        self.note(strand.name, f"{strand.at}: {order}")
        self.story.counts["crashes"] += order == Order.CRASH
        self.story.counts["no replies"] += strand.at.startswith("commits") and order in NO_REPLY
        self.world.resume(strand, order)

    def _wake(self, strand: Strand) -> None:
        strand.is_stalled = False
        self.note(strand.name, "comes back")

    # Messages and time

    def _deliver(self, worker: Worker) -> None:
        place = self.random.randrange(len(self.world.bus))
        run_id = self.world.bus[place]
        if self.random.random() < self.rates.double:
            self.note("bus", f"doubles word of {run_id}")
        else:
            del self.world.bus[place]
        self.note(worker.strand.name, f"hears of {run_id}")
        self.world.take_up(worker, run_id)

    def _deliver_unknown(self, worker: Worker) -> None:
        self.note(worker.strand.name, "hears of a run that nobody knows")
        self.world.take_up(worker, "nobody")

    def _lose_message(self) -> None:
        run_id = self.world.bus.pop(self.random.randrange(len(self.world.bus)))
        if run_id not in self.world.bus:
            self.world.excused.add(run_id)
        self.note("bus", f"loses word of {run_id}")

    def arrive(self) -> None:
        statement, batch = self.world.in_flight.pop(
            self.random.randrange(len(self.world.in_flight))
        )
        self.note("network", f"delivers late what was sent for {statement.run.run_id}")
        arrive_late(statement, batch)

    def _tick(self) -> None:
        length = self.random.choice(TICKS)
        self.note("time", f"passes: {length} s")
        self.world.pass_time(timedelta(seconds=length))

    def _jump(self) -> None:
        worker = self.random.choice(self.world.workers)
        worker.skew = timedelta(seconds=self.random.choice(JUMPS))
        self.note(worker.strand.name, f"its clock is {worker.skew.total_seconds():+.0f} s off")

    # People

    def _start(self, person: Strand) -> None:
        name = self.random.choice(self.plays)
        self._begin(person, f"starts {name}", lambda: self.world.start(name))

    def _answer(self, person: Strand, page: Page) -> None:
        value = self.value_for(page)
        if page not in self.world.pages:
            self.world.pages.append(page)
        if self.random.random() < HELD:
            length = self.random.choice(HOLDS)
            self._begin(
                person,
                f"answers {page[1]} of {page[0]} for {length} s: {value}",
                partial(hold, self.world, page, value, timedelta(seconds=length)),
            )
            return
        self._begin(
            person,
            f"answers {page[1]} of {page[0]}: {value}",
            lambda: self.world.answer(page, value),
        )

    def _undo(self, person: Strand, page: Page) -> None:
        at = f"undoes {page[1]} of {page[0]}"
        self._begin(person, at, partial(undo, self.world, page))

    def value_for(self, page: Page) -> Any:
        """An answer that fits the question."""
        kind = page[2]["kind"]
        return self.random.choice(ANSWERS.get(kind, ANSWERS["input"]))

    def _signal(self, person: Strand, run_id: str) -> None:
        names = PLAYS[self.world.store.runs[run_id].procedure.name].signals
        if self._sent and self.random.random() < 0.3:
            sent = self.random.choice(self._sent)
        else:
            sent = (run_id, names[0], len(self._sent) + 1)
            self._sent.append(sent)
        self._begin(
            person, f"sends {sent[1]} {sent[2]} to {sent[0]}", lambda: self.world.signal(*sent)
        )

    def _say(self, person: Strand, run_id: str) -> None:
        said = (run_id, len(self._said) + 1, self.random.random() < STEERED)
        if self._said and self.random.random() < 0.2:
            said = self.random.choice(self._said)
        self._said.append(said)
        at = f"writes m{said[1]} to {said[0]}{' at work' * said[2]}"
        self._begin(person, at, partial(say, self.world, *said))

    def _operate(self, person: Strand, verb: str, run_id: str) -> None:
        world = self.world
        deeds = {
            "cancels": world.cancel,
            "ends": world.force_end,
            "pauses": world.pause,
            "unpauses": world.unpause,
            "retries": world.retry,
            "overrides": world.override,
        }
        self._begin(person, f"{verb} {run_id}", lambda: deeds[verb](run_id))


class Calm:
    """No faults any more: first nobody but the machines acts, then people answer everything."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule, self.world = schedule, schedule.world
        self._steps = 0

    def live(self) -> None:
        world = self.world
        world.is_calm = True
        for worker in world.workers:
            worker.skew, worker.strand.is_stalled = timedelta(0), False
        while world.in_flight:
            self.schedule.arrive()
            world.look()
        self._settle()
        for run_id in list(world.store.runs):
            self._do(partial(world.unpause, run_id))
        self._settle()
        self._settle_leases()
        endings.check_rest(world)
        while unended := [run for run in world.store.runs.values() if not run.status.is_end]:
            for run in unended:
                if run.status == RunStatus.QUARANTINED:
                    endings.check_quarantine(run)
                    deed = self.schedule.random.choice((world.retry, world.override))
                    self._do(partial(deed, run.facts.run_id))
            for page in world.open_pages():
                self._do(partial(world.answer, page, self.schedule.value_for(page)))
            world.pass_time(timedelta(seconds=31))
            self._settle()

    def _settle_leases(self) -> None:
        """Give the runs of those that died back, and carry them on, until nothing more happens."""
        for _ in range(4):
            self.world.pass_time(timedelta(seconds=16))
            self._settle()

    def _do(self, act: Act) -> None:
        act()
        self.world.look()

    def _settle(self) -> None:
        """Go on until no message is left and nobody has anything to do."""
        world = self.world
        self._do(world.sweep)
        while True:
            self._count()
            busy = [strand for strand in world.strands if not strand.is_idle]
            idle = [worker for worker in world.workers if worker.strand.is_idle]
            if busy:
                self._do(partial(self.schedule.step, busy[0], Order.GO))
            elif world.bus:
                self._do(partial(world.take_up, idle[0], world.bus.pop(0)))
            else:
                return

    def _count(self) -> None:
        self._steps += 1
        if self._steps > MOST_CALM:
            raise BrokenError("every run comes to an end", "nothing settles")
