"""What a document says in its Python: each example, and what it tells of its runs."""

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from procedures.engine import Procedure
from procedures.engine.journal.events import RunStatus, closing
from procedures.engine.kinds.questions import Question
from procedures.engine.memory import MemoryStore
from procedures.engine.values.durations import parse_duration

FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CLAIM = re.compile(r"^# (\w+)\((.*)\)((?: · .+?)*) → (.+)$", re.MULTILINE)
MOMENT = timedelta(seconds=10)


@dataclass(frozen=True)
class Claim:
    """What a document says of one run: its inputs, what happens to it, its result."""

    text: str
    procedure: str
    inputs: dict[str, Any]
    happens: tuple[str, ...]
    result: Any


@dataclass(frozen=True)
class Example:
    """One fenced block of Python."""

    source: str

    @property
    def claims(self) -> list[Claim]:
        return [_claim(*found.group(0, 1, 2, 3, 4)) for found in CLAIM.finditer(self.source)]


def examples(path: Path) -> list[Example]:
    return [Example(source) for source in FENCE.findall(path.read_text())]


def _claim(text: str, procedure: str, inputs: str, happens: str, result: str) -> Claim:
    call = ast.parse(f"f({inputs})", mode="eval").body
    assert isinstance(call, ast.Call)
    given = {one.arg or "": ast.literal_eval(one.value) for one in call.keywords}
    return Claim(text, procedure, given, tuple(happens.split(" · ")[1:]), ast.literal_eval(result))


def carried_out(claim: Claim, definitions: Mapping[str, Any]) -> MemoryStore:
    """All that the document says of the run, done; its run is the first of the store."""
    definition = definitions[claim.procedure]
    assert isinstance(definition, Procedure)
    store = MemoryStore()
    store.start(definition, claim.inputs)
    _carry_on(store)
    for happens in claim.happens:
        _let_happen(store, happens)
        _carry_on(store)
    return store


def result_of(store: MemoryStore) -> Any:
    run = next(iter(store.runs.values()))
    assert run.status == RunStatus.SUCCEEDED, (run.status, run.error, list(run.waits))
    return json.loads(run.result or "null")


def _let_happen(store: MemoryStore, happens: str) -> None:
    if happens.startswith("after "):
        store.travel(parse_duration(happens.removeprefix("after ")))
        return
    key, _, text = happens.partition("=")
    value = ast.literal_eval(text)
    run_id, wait = next(
        (run_id, run.waits[key]) for run_id, run in store.runs.items() if key in run.waits
    )
    if wait["wait"] == "signal":
        assert store.signal(run_id, wait["signal"], value, id="1", by="bob")
        return
    question = Question.from_json(wait)
    value = question.check(value)
    outcome = question.outcome_of(value)
    assert store.resolve(run_id, key, closing(outcome, value, responder="bob"))


def _carry_on(store: MemoryStore) -> None:
    """As workers and clock would, up to where people or hours are waited for."""
    store.advance_all()
    while any(run.status == RunStatus.RETRYING for run in store.runs.values()):
        store.travel(MOMENT)
        store.advance_all()
