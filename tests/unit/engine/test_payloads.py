"""Typed contents of events: what they read from JSON they write as the same JSON."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from procedures.engine import Context, Retry, procedure
from procedures.engine.errors import BranchFailedError, StepFailedError
from procedures.engine.journal.events import EventKind, RunStatus, closing
from procedures.engine.journal.payloads import Closing, Opening, StepFailure, StepResult
from procedures.engine.values import canonical
from procedures.testing.memory import MemoryStore

PAYLOADS: Mapping[str, Any] = {
    EventKind.WAIT_OPENED: Opening,
    EventKind.CHILD_STARTED: Opening,
    EventKind.WAIT_CLOSED: Closing,
    EventKind.STEP_SUCCEEDED: StepResult,
    EventKind.STEP_FAILED: StepFailure,
}


def hundredth(number: int) -> int:
    return number // 100


def halve(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd.")
    return number // 2


@procedure(title="A part of something")
def small_part(ctx: Context, number: int) -> int:
    return ctx.step(hundredth, number)


@procedure(title="Everything that rules read")
def everything(ctx: Context) -> None:
    ctx.approve("Go on?", expires="2h", default=True, evidence={"b": 1, "a": 2})
    ctx.sleep("1s", reason="It is early.")
    late = ctx.later.ask("How many?", int, expires="1h", on_timeout="withdraw")
    signal = ctx.signal("paid", int, expires="1d", on_timeout="fail")
    ctx.wait_any(late, signal, keep_open=True)
    ctx.call(small_part, number=700)
    ctx.spawn(small_part, number=100, on_parent_end="abandon")
    ctx.map(small_part, [{"number": 100}, {"number": 300}], at_most=1, on_failure="collect")
    with pytest.raises(StepFailedError):
        ctx.step(halve, 3, retry=Retry(attempts=2, backoff="1s"))
    with pytest.raises(BranchFailedError):
        ctx.gather(fails, succeeds)
    ctx.step(halve, 8, pure=True)


def fails(ctx: Context) -> None:
    ctx.step(halve, 1)


def succeeds(ctx: Context) -> None:
    ctx.approve("Here, too?")


def contents(store: MemoryStore) -> Iterator[tuple[str, dict[str, Any]]]:
    for run in store.runs.values():
        yield from ((event.kind, event.content) for event in run.events)


def test_every_event_that_rules_read_is_written_as_it_was_read() -> None:
    store = MemoryStore()
    run = store.runs[store.start(everything, {})]
    while not run.status.is_end and run.status != RunStatus.QUARANTINED:
        store.advance_all()
        store.travel(timedelta(hours=2))

    assert run.status == RunStatus.SUCCEEDED, run.error
    read = [(kind, content) for kind, content in contents(store) if kind in PAYLOADS]

    assert {kind for kind, _ in read} == PAYLOADS.keys()
    for kind, content in read:
        written = PAYLOADS[kind].read(content).as_json()
        assert canonical.text_of(written) == canonical.text_of(content)


def test_what_no_rule_reads_is_kept_beside_it() -> None:
    content = {**closing("answered", 7, responder="bob"), "channel": "mail", "responder_id": 3}

    closed = Closing.read(content)

    assert closed.rest == {"channel": "mail", "responder_id": 3}
    assert closed.as_json() == content


def test_a_set_a_child_and_a_timer_say_nothing_of_what_silence_does() -> None:
    for wait in ("set", "child", "map", "timer"):
        assert "on_timeout" not in Opening(wait=wait).as_json()
    for wait in ("request", "signal"):
        assert Opening(wait=wait).as_json()["default"] is None
