"""Releases as tests see them: started, answered, read, over the journal in memory."""

import json
import shlex
import sys
from collections.abc import Sequence
from typing import Any

from examples.release import release
from procedures.engine.journal.events import EventKind, RunStatus, closing
from procedures.testing.memory import MemoryStore
from tests.repositories import Checkout

PASSES = (sys.executable, "-c", "print('all 7 hold')")


def store_for(checkout: Checkout, check: Sequence[str] = PASSES) -> MemoryStore:
    allowed = {"shop": str(checkout.path)}
    return MemoryStore({"REPOSITORIES": allowed, "CHECKS": {"tests": shlex.join(check)}})


def start(store: MemoryStore, *, by: str = "alice", **inputs: str) -> str:
    run_id = store.start(release, {"repository": "shop", "check": "tests", **inputs}, by=by)
    store.advance(run_id)
    return run_id


def question(store: MemoryStore, run_id: str) -> dict[str, Any]:
    [asked] = store.runs[run_id].waits.values()
    return asked


def choose(store: MemoryStore, run_id: str, part: str) -> RunStatus:
    return resolve(store, run_id, closing("answered", part, responder="alice"))


def review(store: MemoryStore, run_id: str, text: str | None = None) -> RunStatus:
    value = {"decision": "approved"} | ({} if text is None else {"text": text})
    return resolve(
        store, run_id, closing("edited" if text else "approved", value, responder="alice")
    )


def approve(store: MemoryStore, run_id: str, *, yes: bool = True) -> RunStatus:
    return resolve(store, run_id, closing("approved" if yes else "rejected", yes, responder="bob"))


def resolve(store: MemoryStore, run_id: str, content: dict[str, Any]) -> RunStatus:
    [key] = store.runs[run_id].waits
    store.resolve(run_id, key, content)
    return store.advance(run_id)


def result_of(store: MemoryStore, run_id: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(store.runs[run_id].result or "{}")
    return result


def output_of(store: MemoryStore, run_id: str) -> bytes:
    return store.files.get(store.runs[run_id].files["check-output.txt"].digest)


def contents(store: MemoryStore, run_id: str, kind: EventKind) -> list[dict[str, Any]]:
    return [event.content for event in store.runs[run_id].events if event.kind == kind]


def notices(store: MemoryStore, run_id: str) -> list[str]:
    return [notice["text"] for notice in contents(store, run_id, EventKind.NOTICE)]
