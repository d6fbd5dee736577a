"""Code reads the same on every replay: random programs, killed at random commits."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from procedures.engine import ChildFailedError, Context, Handle, procedure
from procedures.engine.errors import StorageLost
from procedures.engine.journal.events import Batch, Event, RunStatus, closing
from procedures.engine.lifecycle.runs import queue
from procedures.engine.memory import MemoryRun
from procedures.testing.journal import MemoryJournal
from procedures.testing.memory import MemoryStore

LINES, KILLS = 12, 5
View = list[tuple[Any, ...]]


@dataclass
class World:
    """The values that the code has seen in this claim, and the moment of its worker's death."""

    seed: int
    looks: bool
    """True if the program reads how things stand: then a killed run may have read it later."""
    kill_at: int = -1
    commits: int = 0
    view: View = field(default_factory=list)
    kept: View = field(default_factory=list)
    """The values it had seen by the last commit of any claim."""


world = World(0, looks=False)


class Killed(StorageLost):
    """The worker died here."""


class Journal(MemoryJournal):
    """Every commit keeps what the code has seen before it; around one of them the worker dies."""

    def commit(self, batch: Batch) -> list[Event]:
        if self.row.parent_wait:
            return super().commit(batch)
        world.commits += 1
        self._die(world.commits * 2 - 1)
        events = super().commit(batch)
        assert world.view[: len(world.kept)] == world.kept[: len(world.view)]
        world.kept = max(world.view[:], world.kept, key=len)
        self._die(world.commits * 2)
        return events

    def forgive_claim(self) -> None:
        """The dead take nothing back."""

    def _die(self, moment: int) -> None:
        if moment == world.kill_at:
            raise Killed(self.run.run_id)


class Store(MemoryStore):
    """Its workers are mortal, and draw the same ids in every life."""

    ids = 0

    def new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:032x}"

    def journal_of(self, run: MemoryRun) -> MemoryJournal:
        return Journal(self, run)

    def carry_on(self) -> None:
        try:
            self.advance_all()
        except Killed:
            for run in self.runs.values():
                if run.status == RunStatus.RUNNING:
                    queue(self, run)
            self.advance_all()


def dice_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 (each program comes again by its number)


@procedure
def worker_below(ctx: Context, number: int) -> int:
    if number % 2:
        ctx.approve("Go on?")
    heard = ctx.signal("word", int, expires="30m").wait()
    return int(heard.value or number)


@procedure
def random_program(ctx: Context) -> None:
    """Its lines follow from the seed and from what it has seen."""
    world.view = []
    chance, handles = dice_of(world.seed), list[Handle[Any]]()
    for number in range(LINES):
        said = line_of(ctx, chance, handles, number)
        world.view.append((number, *said, ctx.now()))


def line_of(
    ctx: Context, chance: random.Random, handles: list[Handle[Any]], number: int
) -> tuple[Any, ...]:
    verb = chance.choice([*OPENING, *USING, *(["status"] * 3 if world.looks else [])])
    some = chance.sample(handles, k=min(len(handles), chance.randint(1, 3)))
    length = chance.randint(1, 90)
    if verb in OPENING:
        handles.append(OPENING[verb](ctx, number, length))
    elif some:
        return verb, (USING | LOOKING)[verb](ctx, some, number)
    return verb, len(handles)


def take_some(ctx: Context, some: list[Handle[Any]], number: int) -> list[str]:
    most = number % len(some) + 1
    return [one.key for one, _ in zip(ctx.as_finished(some), range(most), strict=False)]


def tell_children(ctx: Context, some: list[Handle[Any]], number: int) -> None:
    for child in [one for one in some if one.run_id]:
        ctx.send(child, "word", number)


OPENING: dict[str, Callable[[Context, int, int], Handle[Any]]] = {
    "ask": lambda ctx, number, _: ctx.later.ask(f"No. {number}?"),
    "timer": lambda ctx, _, length: ctx.timer(f"{length}m"),
    "signal": lambda ctx, *_: ctx.signal("paid", int, expires="2h"),
    "spawn": lambda ctx, number, _: ctx.spawn(worker_below, number=number),
}
USING: dict[str, Callable[[Context, list[Handle[Any]], int], Any]] = {
    "step": lambda ctx, _, number: ctx.step(str, number, name="note"),
    "any": lambda ctx, some, _: ctx.wait_any(*some, keep_open=True).key,
    "finished": take_some,
    "cancel": lambda _, some, __: some[0].cancel("Enough of it."),
    "send": tell_children,
    "wait": lambda _, some, __: end_of(some[0]),
}
LOOKING: dict[str, Callable[[Context, list[Handle[Any]], int], Any]] = {
    "status": lambda _, some, __: [one.status for one in some],
}


def end_of(handle: Handle[Any]) -> str:
    try:
        return str(getattr(value := handle.wait(), "value", value))
    except ChildFailedError as error:
        return error.outcome


def lived(seed: int, *, looks: bool, kill_at: int = -1) -> World:
    """One life of the program, and of the world around it, which goes by its own dice."""
    global world
    world, store, dice = World(seed, looks, kill_at), Store(), dice_of(-seed - 1)
    run_id = store.start(random_program)
    store.carry_on()
    while not store.runs[run_id].status.is_end:
        assert store.runs[run_id].status != RunStatus.QUARANTINED, store.runs[run_id].error
        happen(store, run_id, dice)
        store.carry_on()
    run = store.runs[run_id]
    assert run.status == RunStatus.SUCCEEDED, run.error
    assert not run.waits
    return world


def happen(store: Store, run_id: str, dice: random.Random) -> None:
    """Time passes a little, and then somebody does something, to any of the runs."""
    store.travel(timedelta(minutes=dice.randint(1, 20)))
    run = dice.choice([one for one in store.runs.values() if not one.status.is_end] or [None])
    if run is None:
        return
    if dice.random() < 0.3:
        store.signal(run.facts.run_id, "paid", dice.randint(0, 9), id=str(dice.random()), by="bob")
    asked = [key for key, wait in sorted(run.waits.items()) if wait["wait"] == "request"]
    for key in asked[:1]:
        said = closing("answered", str(dice.randint(0, 9)), responder="bob")
        store.resolve(run.facts.run_id, key, said)


def kills(commits: int, seed: int) -> Iterator[int]:
    yield from dice_of(seed).sample(range(1, 2 * commits + 1), k=min(KILLS, 2 * commits))


@pytest.mark.parametrize("seed", range(20))
def test_a_killed_run_sees_what_an_undisturbed_one_sees(seed: int) -> None:
    undisturbed = lived(seed, looks=False)

    for kill_at in kills(undisturbed.commits, seed):
        assert lived(seed, looks=False, kill_at=kill_at).view == undisturbed.view, kill_at


@pytest.mark.parametrize("seed", range(20))
def test_what_was_read_and_kept_is_read_on_every_replay(seed: int) -> None:
    undisturbed = lived(seed, looks=True)

    for kill_at in kills(undisturbed.commits, seed):
        killed = lived(seed, looks=True, kill_at=kill_at)
        assert [one[:2] for one in killed.view] == [one[:2] for one in undisturbed.view]
        assert killed.view == killed.kept
