"""Waits that are closed by an answer, a signal, a deadline or a child, and sets of waits.

The caller of each function has locked the run.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.journal.payloads import Opening
from procedures.engine.lifecycle.runs import wake
from procedures.engine.lifecycle.sets import (
    DETACHED_KINDS,
    KEEP_OPEN,
    closing_of_set,
    closing_of_unneeded,
    closing_sentence,
)
from procedures.engine.store import Row, RunRow, Store, WaitRow
from procedures.engine.values import canonical

ABANDON = "abandon"
ON_PARENT_END = "on_parent_end"


def is_abandoned(opened: Mapping[str, Any]) -> bool:
    """Return True if the child runs of a wait continue after their parent has ended.

    `opened` is the content of the event that opened the wait.
    """
    return bool(opened.get(ON_PARENT_END) == ABANDON)


def cells_of(content: Mapping[str, Any], key: str, seq: int) -> dict[str, Any]:
    """Return the fields of a wait's row, from the content, key and number of its opening event."""
    due = content["due_at"]
    return {
        "key": key,
        "opened_seq": seq,
        "kind": content["wait"],
        "due_at": datetime.fromisoformat(due) if due else None,
        "signal": content.get("signal", ""),
        "need": content.get("need"),
        "abandons": is_abandoned(content),
    }


def is_undecided(wait: WaitRow) -> bool:
    """Return True if a wait is open, and no answer is held that decides it or makes it unneeded."""
    return wait.is_open and not wait.held and wait.held_for is None


def answer_wait(
    store: Store,
    run: RunRow,
    wait: WaitRow,
    content: Mapping[str, Any],
    *,
    held_at: datetime | None = None,
) -> None:
    """Close an open wait, store its outcome for the journal, and queue a suspended run.

    If the wait belongs to a set, the run is queued only if this wait decides the set. `held_at` is
    the time at which the answer was given, if the answer was held until now.
    """
    data = {**content, "at": (held_at or store.now).isoformat()}
    draft = NewEvent(EventKind.WAIT_CLOSED, wait.key, wait.key, data)
    # Store an input, not an event: only the run's holder may write to its journal, and a worker may
    # hold the run now.
    store.put_input(run.pk, draft, at=store.now)
    store.close_wait(run, wait, content, held_at=held_at)
    whole = wait.part_of
    if whole is None or not whole.is_open:
        wake(store, run)
    else:
        decide(store, run, whole)


def decide(store: Store, run: RunRow, whole: WaitRow) -> bool:
    """Close a set if enough of its waits are closed, and close its other waits as unneeded.

    Waits for child runs stay open. So do all other waits if the set keeps them open.

    A wait with a held answer counts as closed at the time of the answer. If the set is decided with
    such an answer, the set stays open until the answer can't be undone. Until then, its other waits
    count as unneeded. Returns False if too few waits are closed or have a held answer.
    """
    if store.count_decided(whole) < (whole.need or 0):
        return False
    left: Sequence[Row] = store.waits(run, is_open=True, part_of=whole)
    won = _first_decided(store, run, whole, left)
    held = [wait for wait in won if wait.held]
    if held:
        # Choose the answer that takes effect last, because an undo may leave the set undecided
        # until then.
        _set_aside(store, run, whole, left, winner=max(held, key=_takes_effect))
        return True
    # Close the set before its losers; otherwise each closing of a loser would get here again and
    # decide the set anew.
    answer_wait(store, run, whole, closing_of_set([wait.key for wait in won]))
    if not left:
        return True
    why = closing_sentence(won[-1].opening(), store.closing_of(won[-1]))
    is_kept_open = KEEP_OPEN in whole.opening()
    for wait in left:
        if is_kept_open or wait.kind in DETACHED_KINDS:
            wait.part_of = None
            store.save(wait, "part_of")
        else:
            answer_wait(store, run, wait, closing_of_unneeded(why))
    return True


def _first_decided(
    store: Store, run: RunRow, whole: WaitRow, left: Sequence[Row]
) -> Sequence[WaitRow]:
    """Return the waits that decide a set, in the order in which they were closed or answered.

    An answer that is still held counts, too.
    """
    need = whole.need or 0
    closed: Sequence[Row] = store.waits(run, is_open=False, part_of=whole, most=need)
    held = [wait for wait in left if wait.held]
    if not held:
        return closed
    return sorted([*closed, *held], key=_decided_at)[:need]


def _decided_at(wait: Row) -> datetime:
    at: datetime = wait.held_at if wait.is_open else wait.closed_at
    return at


def _takes_effect(wait: Row) -> datetime:
    at: datetime = wait.effective_at
    return at


def _set_aside(
    store: Store, run: RunRow, whole: WaitRow, left: Sequence[Row], *, winner: WaitRow
) -> None:
    """Mark the other open waits of a set as unneeded while the deciding answer is held.

    `winner` is the wait with this answer. A wait that was marked because of another answer is
    marked again.
    """
    if KEEP_OPEN in whole.opening():
        return
    why = closing_sentence(winner.opening(), canonical.plain(winner.held))
    for wait in left:
        is_other = not wait.held and wait.held_for != winner
        if is_other and wait.kind not in DETACHED_KINDS:
            wait.held_for = winner
            store.save(wait, "held_for")
            store.tell_held(run, wait, closing_of_unneeded(why))


def expire_wait(store: Store, run: RunRow, wait: WaitRow) -> bool:
    """Close a wait whose deadline has passed, with the outcome that the author chose for that case.

    Returns False, and changes nothing, if the wait is closed already or counts as decided.
    """
    if not is_undecided(wait):
        return False
    answer_wait(store, run, wait, Opening.read(wait.opening()).silence().as_json())
    return True
