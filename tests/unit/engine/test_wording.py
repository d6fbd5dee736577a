"""Errors for authors who call the context in a way it doesn't know."""

from datetime import datetime, timedelta
from typing import Any

from procedures.engine import Context, procedure
from procedures.engine.journal.events import RunStatus
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import YES, kinds, message, run_through


@procedure
def nameless_branch(ctx: Context) -> list[Any]:
    return ctx.gather(lambda inner: inner.run_id)


def test_a_branch_needs_a_function_with_a_name(store: MemoryStore) -> None:
    run = run_through(store, nameless_branch)

    assert message(run) == (
        "A branch is named after its function. Define it with def, not as <lambda>."
    )


@procedure
def no_sleep(ctx: Context) -> str:
    ctx.sleep(0)
    ctx.sleep(timedelta(0))
    ctx.sleep_until(ctx.now() - timedelta(days=1))
    ctx.approve("Go on?")
    ctx.sleep("0s")
    return "awake"


def test_no_time_is_not_waited_for(store: MemoryStore) -> None:
    run = run_through(store, no_sleep)

    assert run.result == '"awake"'
    assert kinds(run).count("wait.opened") == 1


@procedure
def backwards(ctx: Context) -> None:
    ctx.sleep(-1)


@procedure
def at_noon(ctx: Context) -> str:
    ctx.sleep_until(datetime(2026, 1, 5, 12, tzinfo=ctx.now().tzinfo))
    return str(ctx.approve("Go on?").value)


def test_a_negative_sleep_is_refused(store: MemoryStore) -> None:
    assert "Invalid duration -1" in message(run_through(store, backwards))


def test_a_moment_that_was_waited_for_is_read_on_every_replay(store: MemoryStore) -> None:
    run_id = store.start(at_noon)
    assert store.advance(run_id) == RunStatus.WAITING
    store.travel(timedelta(hours=4))

    assert store.advance(run_id) == RunStatus.WAITING
    store.resolve(run_id, "approve", {**YES})

    assert store.advance(run_id) == RunStatus.SUCCEEDED
