"""What operators do to runs in memory, as the services over the database do it."""

from procedures.engine.journal.events import EventKind, NewEvent, RunStatus
from procedures.engine.memory.rows import MemoryRun
from procedures.engine.memory.store import MemoryStore


def force_end(store: MemoryStore, run_id: str, *, by: str, reason: str) -> None:
    """End a run and all below it at once, whoever works on them; nothing is undone."""
    said = {"action": "force_end", "by": by, "reason": reason, "forced": True}
    tree = [store.runs[run_id], *_all_below(store, run_id)]
    for run in tree:
        for key in list(run.waits):
            store.drop(run, key, {})
    for run in (one for one in tree if not one.status.is_end):
        run.cancellation, run.is_to_pause = said, False
        run.epoch += 1
        run.inputs.append(NewEvent(EventKind.OPERATOR, "", "force_end", said))
        store.take_inputs(run)
        store.end_cancelled(run)


def _all_below(store: MemoryStore, run_id: str) -> list[MemoryRun]:
    """But below what was cancelled, where all has ended."""
    below = [run for run in store.runs.values() if run.parent and run.parent.run_id == run_id]
    alive = [run for run in below if run.status != RunStatus.CANCELLED]
    return [*alive, *(deep for run in alive for deep in _all_below(store, run.facts.run_id))]


def pause(store: MemoryStore, run_id: str, *, by: str, reason: str) -> None:
    """Let no worker have it: now, or when the one that has it lets go."""
    run = store.runs[run_id]
    data = {"action": "pause", "by": by, "reason": reason}
    run.inputs.append(NewEvent(EventKind.OPERATOR, "", "pause", data))
    run.is_to_pause = True
    if run.status != RunStatus.RUNNING:
        store.take_inputs(run)
        store.park(run, run.status)


def unpause(store: MemoryStore, run_id: str, *, by: str, reason: str) -> None:
    """Let it go on from where it stood, or queued if something has come since."""
    run = store.runs[run_id]
    data = {"action": "unpause", "by": by, "reason": reason}
    run.inputs.append(NewEvent(EventKind.OPERATOR, "", "unpause", data))
    if run.status == RunStatus.PAUSED:
        store.take_inputs(run)
        run.status = run.paused_as
        if run.status == RunStatus.QUEUED:
            store.queue(run)
    run.is_to_pause = False
