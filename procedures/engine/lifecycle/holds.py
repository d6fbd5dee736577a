"""Held answers: answers that can be undone for some time, during which their waits stay open.

A wait with a held answer counts as decided from the time at which the answer was given. Its
deadline then has no effect. If the answer decides a set of waits, the set counts as decided, and
its other waits count as unneeded. But nothing is written to the journal yet, and the run isn't
queued. The caller of each function has locked the run.
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
    """The answer can't be undone: the time to undo it is over, or the answer was never used."""

    def __init__(self) -> None:
        super().__init__("It's too late to undo this answer.")


def hold_answer(
    store: Store, run: RunRow, wait: WaitRow, content: Mapping[str, Any], *, until: datetime
) -> None:
    """Hold an answer to a wait until the time `until`; in this time, nobody else can answer."""
    wait.held, wait.held_at = canonical.text_of(content), store.now
    wait.effective_at = until
    store.save(wait, "held", "held_at", "effective_at")
    store.tell_held(run, wait, content)
    if wait.part_of is not None and wait.part_of.is_open:
        decide(store, run, wait.part_of)


def settle_answer(store: Store, run: RunRow, wait: WaitRow) -> bool:
    """Close a wait with its held answer if the time to undo the answer is over.

    Returns False, and changes nothing, if the wait is closed, has no held answer, or must stay
    held.
    """
    if not wait.is_open or wait.effective_at is None or store.now < wait.effective_at:
        return False
    content, given_at = canonical.plain(wait.held), wait.held_at
    _let_go(store, wait)
    answer_wait(store, run, wait, content, held_at=given_at)
    return True


def undo_answer(store: Store, run: RunRow, wait: WaitRow) -> None:
    """Undo the held answer of a wait, and apply what happened while the answer was held.

    A deadline that passed while the answer was held closes its wait. A signal that came in this
    time closes a wait for that signal.

    Raises `TooLateError` if the storage's clock has reached the wait's `effective_at`.
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
    """Return the waits of a set that are needed again after one of its held answers was undone.

    Returns an empty list if the other answers still decide the set.
    """
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
    """Yield what happened to these waits while they counted as decided, as (time, function).

    That was a deadline that passed, or a signal that came. The function closes the wait
    accordingly.
    """
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
    """Return the present row of a wait; None if the wait is closed by now, or counts as decided."""
    current = store.latest_wait(run, wait.key)
    is_same = current is not None and current.opened_seq == wait.opened_seq
    return current if is_same and current and is_undecided(current) else None


def _let_go(store: Store, wait: WaitRow) -> None:
    wait.held, wait.held_at, wait.effective_at = "", None, None
    store.save(wait, "held", "held_at", "effective_at")
