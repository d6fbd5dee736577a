"""People for tests of Lua programs, and the texts that a run has shown."""

import os
from pathlib import Path
from typing import Any

import pytest

from procedures.engine.kinds.questions import Question
from procedures.testing import Answer, AskedWait, RehearsedRun
from programs.lua.tactus import ScenarioResult

FILES = Path(__file__).parent / "files"
ANSWERS: dict[str, Any] = {"approval": True, "input": "Ulm", "escalation": "Found it."}


def people(asked: AskedWait) -> object:
    """Anybody, who answers each kind of question in the same way."""
    if asked.prompt == "The letter":
        return Answer({"to": "Bonn"}, by="ann", comment="Good.")
    return Answer(value_for(asked.kind, asked.question), by="ann") if asked.question else None


def value_for(kind: str, question: Question) -> Any:
    """Return an answer: yes, some text, the first option or the first decision."""
    if kind == "choice":
        return next(iter(question.options))
    return {"decision": next(iter(question.decisions))} if kind == "review" else ANSWERS[kind]


def text_of(name: str) -> str:
    return (FILES / name).read_text()


def examples(variable: str, pattern: str) -> list[Any]:
    """The files of a checkout that the environment names; one parameter that is skipped without."""
    folder = os.environ.get(variable)
    if not folder:
        reason = f"{variable} names no checkout."
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="no checkout")]
    found = sorted(Path(folder).glob(pattern))
    assert found, f"{variable} names a folder without {pattern}."
    return [pytest.param(path, id=path.name) for path in found]


def seen_of(run: RehearsedRun) -> ScenarioResult:
    """The facts about which a specification of a .tac file asks, from the journal."""
    state: dict[str, Any] = {}
    replies: list[dict[str, Any]] = []
    for event in run.events:
        content = event.content
        if event.kind == "state" and content.get("gone"):
            state.pop(content["name"], None)
        elif event.kind == "state":
            state[content["name"]] = content["value"]
        elif event.kind == "step.succeeded" and event.key.startswith("agent "):
            replies.append(content["result"])
    parts = [part for reply in replies for part in reply["parts"]]
    called = [part["tool"] for part in parts if part["kind"] == "call"]
    return ScenarioResult(run.status == "succeeded", run.result, state, called, len(replies))
