"""Carrying runs on in memory."""

from typing import Any

from procedures.engine import Procedure
from procedures.engine.journal.events import RunStatus, closing
from procedures.engine.lifecycle import operations
from procedures.engine.memory import MemoryRun
from procedures.testing.memory import MemoryStore

YES = closing("approved", value=True, responder="bob")


def run_through(store: MemoryStore, definition: Procedure, **inputs: Any) -> MemoryRun:
    """Carry a run on, bob agreeing to everything."""
    run = store.runs[store.start(definition, inputs)]
    while store.advance(run.facts.run_id) in (RunStatus.WAITING, RunStatus.QUEUED):
        for key in list(run.waits):
            store.resolve(run.facts.run_id, key, YES)
    return run


def cancel(store: MemoryStore, run_id: str) -> None:
    """Have dave ask the run to end."""
    said = {"action": "cancel", "by": "dave", "reason": "Enough."}
    operations.cancel(store, store.runs[run_id], said)


def message(run: MemoryRun) -> str:
    assert run.error
    return str(run.error["message"])


def kinds(run: MemoryRun) -> list[str]:
    return [event.kind for event in run.events]
