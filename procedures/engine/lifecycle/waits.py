"""The closing of waits from outside, and of sets; the caller has always locked the run."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from procedures.engine.journal.events import EventKind, NewEvent
from procedures.engine.journal.payloads import Opening
from procedures.engine.lifecycle.runs import wake
from procedures.engine.lifecycle.sets import (
    DETACHED_KINDS,
    KEEP_OPEN,
    decision,
    not_needed,
    told_of,
)
from procedures.engine.store import Row, RunRow, Store, WaitRow

ABANDON = "abandon"
ON_PARENT_END = "on_parent_end"


def is_abandoned(opened: Mapping[str, Any]) -> bool:
    """Return True if the wait's children continue when their parent ends."""
    return bool(opened.get(ON_PARENT_END) == ABANDON)


def cells_of(content: Mapping[str, Any], key: str, seq: int) -> dict[str, Any]:
    """Return the fields of a wait's row, from the content and number of its opening event."""
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


def answer_wait(store: Store, run: RunRow, wait: WaitRow, content: Mapping[str, Any]) -> None:
    """Close an open wait from outside, and queue the run if it is suspended.

    If the wait is part of a set, the run continues only once the set is decided, which is checked
    here.
    """
    data = {**content, "at": store.now.isoformat()}
    draft = NewEvent(EventKind.WAIT_CLOSED, wait.key, wait.key, data)
    # Not an event: only the run's holder writes its journal, and a worker may hold the run right
    # now.
    store.put_input(run.pk, draft, at=store.now)
    store.close_wait(run, wait, content)
    whole = wait.part_of
    if whole is None or not whole.is_open:
        wake(store, run)
    else:
        decide(store, run, whole)


def decide(store: Store, run: RunRow, whole: WaitRow) -> None:
    """Close a set if enough of its parts are closed, and withdraw the other parts if possible."""
    need = whole.need or 0
    if store.count_closed(whole) < need:
        return
    won = store.waits(run, is_open=False, part_of=whole, most=need)
    # The set before its losers: each of their closings would else come here again and decide it
    # anew.
    answer_wait(store, run, whole, decision([wait.key for wait in won]))
    left: Sequence[Row] = store.waits(run, is_open=True, part_of=whole)
    if not left:
        return
    why = told_of(won[-1].opening(), store.closing_of(won[-1]))
    is_kept_open = KEEP_OPEN in whole.opening()
    for wait in left:
        if is_kept_open or wait.kind in DETACHED_KINDS:
            wait.part_of = None
            store.save(wait, "part_of")
        else:
            answer_wait(store, run, wait, not_needed(why))


def expire_wait(store: Store, run: RunRow, wait: WaitRow) -> bool:
    """Close a wait that has timed out with the outcome that the procedure's author chose.

    Returns False if it was not open.
    """
    if not wait.is_open:
        return False
    answer_wait(store, run, wait, Opening.read(wait.opening()).silence().as_json())
    return True
