"""What an author reads who calls the context in a way it does not know."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from procedures.engine import Context, procedure
from procedures.engine.journal import RunStatus
from procedures.engine.memory import MemoryStore
from tests.unit.engine.running import YES, kinds, message, run_through


def charge(order: str, *, key: str = "") -> str:
    return f"{order} {key}"


@procedure
def stepping(ctx: Context, how: str) -> str:
    doing: Any = {"key": "k-1"}
    ways: dict[str, Callable[[], object]] = {
        "step": lambda: ctx.step(charge, "A-7", **doing),
        "bind": lambda: ctx.step(ctx.bind(charge, "A-7", **doing)),
        "bound": lambda: ctx.step(ctx.bind(charge, "A-7"), **doing),
        "compensate": lambda: ctx.compensate(charge, "A-7", **doing),
    }
    return str(ways[how]())


@pytest.mark.parametrize("how", ["step", "bind", "bound", "compensate"])
def test_a_keyword_argument_of_the_function_is_no_option(store: MemoryStore, how: str) -> None:
    run = run_through(store, stepping, how=how)

    assert (run.status, (run.error or {})["type"]) == (RunStatus.FAILED, "TypeError")
    assert message(run).startswith("No step has the option 'key', and ctx.step passes positional")
    assert "functools.partial(charge, key=...)" in message(run)


@procedure
def as_a_partial(ctx: Context) -> str:
    return ctx.step(partial(charge, key="k-1"), "A-7")


def test_a_partial_passes_it(store: MemoryStore) -> None:
    assert run_through(store, as_a_partial).result == '"A-7 k-1"'


@procedure
def nameless_branch(ctx: Context) -> list[Any]:
    return ctx.gather(lambda inner: inner.run_id)


def test_a_branch_needs_a_function_with_a_name(store: MemoryStore) -> None:
    run = run_through(store, nameless_branch)

    assert message(run) == "A branch is known by its function's name: write a def, not <lambda>."


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
    assert "-1 is not between a moment" in message(run_through(store, backwards))


def test_a_moment_that_was_waited_for_is_read_on_every_replay(store: MemoryStore) -> None:
    run_id = store.start(at_noon)
    assert store.advance(run_id) == RunStatus.WAITING
    store.travel(timedelta(hours=4))

    assert store.advance(run_id) == RunStatus.WAITING
    store.resolve(run_id, "approve", {**YES})

    assert store.advance(run_id) == RunStatus.SUCCEEDED
