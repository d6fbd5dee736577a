"""Verbs that are given what they can't take say so at the call, in the words of the public API."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from procedures.engine import Context, Step, procedure
from procedures.engine.journal.events import RunStatus, closing
from procedures.engine.journal.payloads import Opening
from procedures.engine.kinds.questions import new_question
from procedures.engine.waits.handles import open_wait
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import message, run_through


def act(order: str = "A", *, step: Step) -> None: ...


def undo(order: str) -> None: ...


@procedure
def child(ctx: Context, number: int = 0) -> int:
    return number


CALLS: list[tuple[Callable[[Any], object], str]] = [
    (lambda ctx: ctx.approve("Go?", name=5), "must be a string, not 5"),
    (lambda ctx: ctx.signal(["paid"]), "must be a string, not"),
    (lambda ctx: ctx.patched(5), "must be a string, not 5"),
    (lambda ctx: ctx.approve("Go?", yes="Ok", no=" ok"), "two labels that look alike: 'ok'"),
    (lambda ctx: ctx.choose("Which?", {"a": "Ann", "b": "ann "}), "two labels that look alike"),
    (lambda ctx: ctx.choose("Which?", ["Caf\u00e9", "Cafe\u0301"]), "two labels that look alike"),
    (lambda ctx: ctx.choose("Which?", {"a", "b"}), "a set has no order"),
    (lambda ctx: ctx.choose("Which?", 5), "needs a list of options"),
    (
        lambda ctx: ctx.choose("Which?", ["a"], many="no"),
        "many= of ctx.choose must be True or False",
    ),
    (
        lambda ctx: ctx.review("Fine?", {"total": float("nan")}),
        "'Fine\\?': .*It contains NaN or an infinite number",
    ),
    (lambda ctx: ctx.form("How?", {"grams": int}), "A form must be a model"),
    (
        lambda ctx: ctx.wait_any(ctx.timer(1), keep_open="no"),
        "keep_open= of ctx.wait_any must be True or False, not 'no'",
    ),
    (lambda ctx: ctx.wait_any("paid"), "ctx.wait_any needs handles.* not 'paid'"),
    (lambda ctx: ctx.wait_all([ctx.timer(1)]), "ctx.wait_all needs handles"),
    (lambda ctx: [*ctx.as_finished([5])], "ctx.as_finished needs handles"),
    (lambda ctx: ctx.wait_n(1.0, ctx.timer(1)), "a whole number of handles, not 1.0"),
    (lambda ctx: ctx.wait_n(not 0, ctx.timer(1)), "a whole number of handles"),
    (lambda ctx: ctx.wait_all(timeout=5), r"no option 'timeout'\. It takes none"),
    (lambda ctx: ctx.map(child, [{}], at_most="3"), "must be a whole number of at least 1"),
    (lambda ctx: ctx.map(child, [1, 2]), "inputs of each child by name"),
    (lambda ctx: ctx.map(child, {"number": 1}), "inputs of each child by name"),
    (lambda ctx: ctx.map(child, 7), "inputs of each child by name"),
    (lambda ctx: ctx.step(None), "ctx.step needs a function and its arguments, not None"),
    (lambda ctx: ctx.step(), r"ctx\.step needs a function and its arguments\."),
    (lambda ctx: ctx.step(order="A"), r"ctx\.step needs a function and its arguments\."),
    (lambda ctx: ctx.bind(), r"ctx\.bind: missing a required argument: 'fn'\."),
    (lambda ctx: ctx.compensate(), r"ctx\.compensate: missing a required argument: 'fn'\."),
    (lambda ctx: ctx.request(), r"ctx\.request: missing a required argument: 'kind'\."),
    (lambda ctx: ctx.bind("pay"), "ctx.bind needs a function"),
    (
        lambda ctx: ctx.bind(ctx.bind(act)),
        "To run a step that is already bound, pass it to ctx.step",
    ),
    (lambda ctx: ctx.compensate(None), "ctx.compensate needs a function"),
    (lambda ctx: ctx.compensate(undo), "undo: missing a required argument: 'order'"),
    (lambda ctx: ctx.compensate(undo, "A", "B"), "undo: too many positional arguments"),
]


@pytest.mark.parametrize(("call", "words"), CALLS)
def test_what_a_verb_cannot_take_is_refused_at_the_call(
    call: Callable[[Any], object], words: str
) -> None:
    @procedure
    def misused(ctx: Context) -> None:
        call(ctx)

    run = run_through(MemoryStore(), misused)

    assert run.status == RunStatus.FAILED
    assert re.search(words, message(run)), message(run)


def test_labels_that_an_older_release_let_pass_hold_no_run() -> None:
    options = {"a": "Ann", "b": "ann "}

    @procedure(name="asks")
    def as_kept(ctx: Context) -> None:
        question, line = new_question("choice", "Which?", options), ctx._fiber  # noqa: SLF001 (it checked nothing)
        asked = Opening(wait="request", digest=question.digest, rest={"prompt": question.prompt})
        key = line.scope.key_for("choose")
        open_wait(line, key, asked, lambda _: None, rest=question.as_json).wait()

    @procedure
    def asks(ctx: Context) -> str:
        return str(ctx.choose("Which?", options).value)

    store = MemoryStore()
    run_id = store.start(asks, {})
    store.advance(run_id, as_kept)
    [key] = store.runs[run_id].waits
    store.resolve(run_id, key, closing("answered", "b", responder="bob"))

    assert store.advance(run_id) == RunStatus.SUCCEEDED


def test_what_is_bound_can_undo() -> None:
    @procedure
    def undone(ctx: Context) -> None:
        ctx.compensate(ctx.bind(undo, "A-7"), name="take back")
        raise ValueError

    run = run_through(MemoryStore(), undone)

    assert [event.key for event in run.events if event.kind == "step.succeeded"] == [
        "undo/take back"
    ]
