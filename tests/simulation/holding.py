"""Answers that somebody can undo for a while, in the simulated world."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from procedures.engine.journal.events import closing
from procedures.engine.lifecycle.waits import is_undecided
from procedures.engine.memory import MemoryRun, MemoryWait
from procedures.engine.values import canonical
from tests.simulation.witness import BrokenError

if TYPE_CHECKING:
    from tests.simulation.world import Page, World


def outcome_of(value: Any) -> str:
    if isinstance(value, bool):
        return "approved" if value else "rejected"
    return "answered"


def hold(world: "World", page: "Page", value: Any, length: timedelta) -> None:
    """Somebody answers what they saw a while ago, and can undo it for a while."""
    run_id, key, wait = page
    world.counts["held answers"] += 1
    comment = f"Number {world.counts['held answers']}"
    content = closing(outcome_of(value), value, responder="bob", comment=comment)

    def respond() -> None:
        if world.store.runs[run_id].waits.get(key) is wait and is_undecided(wait):
            world.store.hold_answer(run_id, key, content, length)
            world.witnesses[run_id].held.add(key)

    world.parts.transact(world, run_id, respond)


def undo(world: "World", page: "Page") -> None:
    """Somebody undoes what they have answered, unless it is too late."""
    run_id, key, wait = page

    def act() -> None:
        told = wait.held
        is_there = world.store.runs[run_id].waits.get(key) is wait
        if is_there and told and world.store.undo_answer(run_id, key):
            world.counts["undone answers"] += 1
            world.witnesses[run_id].undone.add(canonical.plain(told)["comment"])
            world.witnesses[run_id].held.discard(key)

    world.parts.transact(world, run_id, act)


def settle_all(world: "World") -> None:
    """Do the clock's first work: answers that can't be undone any more take effect."""
    for wait in world.store.to_settle():
        world.cut(f"settles {wait.key} of {wait.run_id}")
        world.parts.transact(world, wait.run_id, partial(_settle, world, wait))


def _settle(world: "World", wait: MemoryWait) -> None:
    is_there = world.store.runs[wait.run_id].waits.get(wait.key) is wait
    content = canonical.plain(wait.held) if is_there and wait.held else None
    if content and world.store.settle_answer(wait):
        world.counts["settled answers"] += 1
        world.witnesses[wait.run_id].awaited.append((wait.key, content))
        world.witnesses[wait.run_id].held.discard(wait.key)


def held_pages(world: "World") -> "Iterator[Page]":
    return (page for page in world.open_pages() if page[2].held)


def check_holds(run: MemoryRun) -> None:
    """Raise `BrokenError` if something is unneeded without an answer that makes it so."""
    for wait in run.waits.values():
        if wait.held_for is not None and not (wait.held_for.is_open and wait.held_for.held):
            raise BrokenError("nothing is unneeded without an answer", wait.key)
