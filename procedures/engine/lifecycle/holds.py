"""Held answers: while an answer can be undone, its wait stays open.

Meanwhile the wait counts as decided at the moment the answer was given: its deadline has no effect,
and a set of waits that it decides counts as decided, too. Waits that the answer makes unneeded are
held, too. Nothing is written to the journal, and the run isn't woken. The caller has always locked
the run.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from procedures.engine.lifecycle.refusals import OperationRefusedError
from procedures.engine.lifecycle.signals import match_signal
from procedures.engine.lifecycle.waits import answer_wait, decide, expire_wait, is_undecided
from procedures.engine.store import Row, RunRow, Store, WaitRow
from procedures.engine.values import canonical

Act = tuple[datetime, Callable[[], object]]


class TooLateError(OperationRefusedError):
    """An answer can't be undone any more, because it has taken effect or was not used."""

    def __init__(self) -> None:
        super().__init__("It's too late to undo this answer.")


def hold_answer(
    store: Store, run: RunRow, wait: WaitRow, content: Mapping[str, Any], *, until: datetime
) -> None:
    """Hold the answer to an undecided wait until a set time; nobody else can answer meanwhile."""
    wait.held, wait.held_at = canonical.text_of(content), store.now
    wait.effective_at = until
    store.save(wait, "held", "held_at", "effective_at")
    store.tell_held(run, wait, content)
    if wait.part_of is not None and wait.part_of.is_open:
        decide(store, run, wait.part_of)


def settle_answer(store: Store, run: RunRow, wait: WaitRow) -> bool:
    """Close a wait if its held answer can't be undone any more; return False otherwise."""
    if not wait.is_open or wait.effective_at is None or store.now < wait.effective_at:
        return False
    content, given_at = canonical.plain(wait.held), wait.held_at
    _let_go(store, wait)
    answer_wait(store, run, wait, content, held_at=given_at)
    return True


def undo_answer(store: Store, run: RunRow, wait: WaitRow) -> None:
    """Undo a held answer; deadlines that have passed in the meantime take effect now.

    Raises `TooLateError` from the time `effective_at` on, by the storage's clock, even if the wait
    is still open.
    """
    if not wait.is_open or wait.effective_at is None or wait.effective_at <= store.now:
        raise TooLateError
    _let_go(store, wait)
    store.tell_released(run, wait)
    released = [wait, *_released(store, run, wait.part_of)]
    # Apply them in the order in which they came; the first one may decide the wait, so that the
    # others have no effect.
    for _, act in sorted(_missed(store, run, released), key=lambda one: one[0]):
        act()


def _released(store: Store, run: RunRow, whole: WaitRow | None) -> Sequence[WaitRow]:
    """Return the parts of a set that are needed again; none if other answers decide the set."""
    if whole is None or not whole.is_open:
        return []
    if decide(store, run, whole):
        return []
    parts = store.waits(run, is_open=True, part_of=whole)
    unneeded = [part for part in parts if part.held_for is not None]
    for part in unneeded:
        part.held_for = None
        store.save(part, "held_for")
        store.tell_released(run, part)
    return unneeded


def _missed(store: Store, run: RunRow, waits: Sequence[Row]) -> Iterator[Act]:
    """Yield the deadlines and signals that came while the waits were decided, with their times."""
    for wait in waits:
        if wait.due_at is not None and wait.due_at <= store.now:
            yield wait.due_at, partial(_expire, store, run, wait)
        if wait.kind == "signal":
            kept = store.signals(run, name=wait.signal, wait=None, skipped="")
            if kept:
                yield kept[0].at, partial(_match, store, run, wait)


def _expire(store: Store, run: RunRow, wait: Row) -> None:
    if current := _still_undecided(store, run, wait):
        expire_wait(store, run, current)


def _match(store: Store, run: RunRow, wait: Row) -> None:
    if current := _still_undecided(store, run, wait):
        match_signal(store, run, current)


def _still_undecided(store: Store, run: RunRow, wait: Row) -> WaitRow | None:
    """Return the wait as it is now, or None if something else has decided it or its set."""
    current = store.latest_wait(run, wait.key)
    is_same = current is not None and current.opened_seq == wait.opened_seq
    return current if is_same and current and is_undecided(current) else None


def _let_go(store: Store, wait: WaitRow) -> None:
    wait.held, wait.held_at, wait.effective_at = "", None, None
    store.save(wait, "held", "held_at", "effective_at")
