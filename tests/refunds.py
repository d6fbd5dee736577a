"""Refunds as tests see them: started, answered, read, over the journal in memory."""

import csv
import io
import json
import re
from typing import Any

import pytest

from dashboard.environment.variables import CHECKOUT
from examples.refund import refund
from procedures.engine import File, InputError
from procedures.engine.journal.events import EventKind, closing
from procedures.engine.values.files import use_file_store
from procedures.testing.memory import MemoryStore

SAMPLE = CHECKOUT / "docs" / "orders.csv"
HEADER = "order,customer,amount,currency,status,reason\n"
LINE = "7,Ana,31.20,EUR,returned,too small\n"


def start(store: MemoryStore, content: bytes | str, **inputs: Any) -> str:
    with use_file_store(store.files):
        file = File.store("orders.csv", content)
    run_id = store.start(refund, {"orders": file, **inputs})
    store.advance(run_id)
    return run_id


def refusal(
    store: MemoryStore, content: bytes | str, *, field: str = "orders", **inputs: Any
) -> str:
    with pytest.raises(InputError) as refused:
        start(store, content, **inputs)
    [fault] = refused.value.faults
    assert fault.field == field
    return fault.message


def answer(
    store: MemoryStore, run_id: str, *, yes: bool, by: str = "bob", comment: str = ""
) -> None:
    """Answer the question that was asked first of those that are open."""
    key = asked(store, run_id)[0]
    outcome = "approved" if yes else "rejected"
    store.resolve(run_id, key, closing(outcome, yes, responder=by, comment=comment))
    store.advance(run_id)


def asked(store: MemoryStore, run_id: str) -> list[str]:
    """The questions that are open, in the order in which they were asked."""
    return [key for key in store.runs[run_id].waits if "wait_all" not in key]


def result_of(store: MemoryStore, run_id: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(store.runs[run_id].result or "{}")
    return result


def written(store: MemoryStore, run_id: str) -> str:
    """The list that the run has written."""
    with use_file_store(store.files):
        return File(**result_of(store, run_id)["file"]).text()


def refunds(store: MemoryStore, run_id: str, delimiter: str = ",") -> list[dict[str, str]]:
    """The lines of that list."""
    text = re.sub(r"^sep=.\s+", "", written(store, run_id))
    lines = io.StringIO(text, newline="")
    return list(csv.DictReader(lines, delimiter=delimiter))


def verdict(row: dict[str, str]) -> tuple[str, str, str]:
    return row["outcome"], row["decided_by"], row["comment"]


def contents(store: MemoryStore, run_id: str, kind: EventKind) -> list[dict[str, Any]]:
    return [event.content for event in store.runs[run_id].events if event.kind == kind]


def keys(store: MemoryStore, run_id: str, kind: EventKind) -> list[str]:
    return [event.key for event in store.runs[run_id].events if event.kind == kind]
