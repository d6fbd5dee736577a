"""Letting runs go on in memory, as the services over the database do it."""

from dataclasses import dataclass
from typing import Any

from procedures.engine.journal.events import EventKind, NewEvent, RunStatus
from procedures.engine.lifecycle.retries import Fate, fate_of, taken_up
from procedures.engine.memory.rows import MemoryRun, child_end
from procedures.engine.memory.store import MemoryStore
from procedures.engine.replay.history import UNDO


def override(store: MemoryStore, run_id: str, *, by: str, reason: str) -> None:
    """Let a quarantined run go on with changed code."""
    run = store.runs[run_id]
    error = run.error or {}
    changed = error["changed"]
    if changed in run.waits:
        store.cancel_children(store.drop(run, changed, {}))
    run.closed.pop(changed, None)
    said = {"action": "override", "by": by, "reason": reason}
    _reopen(store, run, {**said, "loose": error["unread"], "changed": changed})


def retry(store: MemoryStore, run_id: str, *, by: str, reason: str) -> None:
    """Let a run go on that had come to a stop, with the children that it had failed by."""
    run = store.runs[run_id]
    known = [*run.waits, *(one.key for one in run.inputs)]
    has_failed = run.status == RunStatus.FAILED
    up = taken_up(run.events[run.base :], known=known, has_failed=has_failed)
    found = {key: _Children.of(store, run, key) for key in up.waits_on_children}
    if any(Fate.ENDING in one.fates.values() for one in found.values()):
        return
    again = [*up.keys, *(key for key, one in found.items() if one.is_anew)]
    reopened = [key for key, one in found.items() if not one.is_anew]
    said = {"action": "retry", "by": by, "reason": reason}
    _reopen(store, run, {**said, "again": again, "reopened": reopened}, step=up.step)
    for key, one in found.items():
        if not one.is_anew:
            _wait_again(store, run, key, one.runs, one.fates)
        for number, fate in one.fates.items():
            if fate == Fate.RETRIED:
                retry(store, one.runs[number], by=by, reason=reason)


@dataclass(frozen=True)
class _Children:
    """Those of a wait that a retry takes up again, by number."""

    runs: dict[int, str]
    fates: dict[int, Fate]
    is_anew: bool
    """Whether another child is begun instead."""

    @classmethod
    def of(cls, store: MemoryStore, run: MemoryRun, key: str) -> "_Children":
        runs = _newest(store, run, key)
        fates = {number: _fate(store.runs[child]) for number, child in runs.items()}
        is_anew = not runs or (key not in run.maps and Fate.ANEW in fates.values())
        return cls(runs, fates, is_anew)


def _reopen(store: MemoryStore, run: MemoryRun, data: dict[str, Any], *, step: str = "") -> None:
    """Queue a run that had come to a stop, with what the operator said."""
    run.inputs.append(NewEvent(EventKind.OPERATOR, step, data["action"], data))
    if run.status == RunStatus.FAILED:
        run.cancellation = None
    run.error = None
    store.queue(run)


def _newest(store: MemoryStore, run: MemoryRun, key: str) -> dict[int, str]:
    """The children of the newest wait of that key by number, and of each number the newest."""
    above = [one.parent for one in store.runs.values() if one.parent]
    waits = [one.wait for one in above if (one.run_id, one.key) == (run.facts.run_id, key)]
    found: dict[int, str] = {}
    for child in store.children_of(waits[-1]) if waits else ():
        parent = store.runs[child].parent
        found[parent.number if parent else 0] = child
    return found


def _fate(child: MemoryRun) -> Fate:
    is_undone = any(event.key.startswith(UNDO) for event in child.events[child.base :])
    return fate_of(child.status, is_undone=is_undone, is_to_end=child.cancellation is not None)


def _wait_again(
    store: MemoryStore,
    run: MemoryRun,
    key: str,
    children: dict[int, str],
    fates: dict[int, Fate],
) -> None:
    """Open the wait again, with what has a result by now, and others for what never runs again."""
    parent = store.runs[children[max(children)]].parent
    assert parent
    wait = run.waits[key] = parent.wait
    run.closed.pop(key, None)
    if key in run.maps:
        run.maps[key].clear()
    for number, fate in fates.items():
        if fate == Fate.KEPT:
            _count(store, run, key, store.runs[children[number]])
        elif fate == Fate.ANEW:
            store.start_child_of_map(run, key, number)
    if key in run.maps and key in run.waits:
        _go_on(store, run, key, wait)


def _go_on(store: MemoryStore, run: MemoryRun, key: str, wait: dict[str, Any]) -> None:
    """Close a map of which all have a result, or begin as many as may be at work."""
    ended = len(run.maps[key])
    if ended == wait["count"]:
        store.close_map(run, key, wait)
    for number in range(store.begun(wait), min(ended + wait["at_most"], wait["count"])):
        store.start_child_of_map(run, key, number)


def _count(store: MemoryStore, run: MemoryRun, key: str, child: MemoryRun) -> None:
    """Take in how a child has ended."""
    if key not in run.maps:
        store.end(child)
        return
    end, number = child_end(child), child.parent.number if child.parent else 0
    run.maps[key][number] = [end["outcome"], end["value"], end["comment"]]
