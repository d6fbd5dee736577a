"""Authors' code around suspensions, chance and state: it works, or its error says why not."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import pytest

from procedures.engine import Context, procedure
from procedures.engine.errors import Suspend
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import kinds, message, run_through

# Cleaning up while a suspension passes


def test_a_finally_that_calls_the_context_suspends_again(store: MemoryStore) -> None:
    @procedure
    def tidy(ctx: Context) -> str:
        try:
            ctx.approve("Go?")
        finally:
            ctx.step(str, "tidied")
        return "done"

    run = run_through(store, tidy)

    assert (run.status, run.result) == (RunStatus.SUCCEEDED, '"done"')
    assert kinds(run).count(EventKind.STEP_SUCCEEDED) == 1


def test_a_context_manager_may_keep_steps_on_its_way_out(store: MemoryStore) -> None:
    @contextmanager
    def locked(ctx: Context) -> Iterator[None]:
        ctx.step(str, "lock", name="lock")
        try:
            yield
        finally:
            ctx.step(str, "unlock", name="unlock")

    @procedure
    def careful(ctx: Context) -> None:
        with locked(ctx), ExitStack() as stack:
            stack.callback(ctx.log, "Left.")
            ctx.approve("Go?")

    run = run_through(store, careful)

    steps = [event.key for event in run.events if event.kind == EventKind.STEP_SUCCEEDED]
    assert (run.status, steps) == (RunStatus.SUCCEEDED, ["lock", "unlock"])
    assert kinds(run).count(EventKind.LOG) == 1


@pytest.mark.parametrize("leaving", ["return", "raise", "loop", "group"])
def test_a_suspension_that_does_not_arrive_quarantines(store: MemoryStore, leaving: str) -> None:
    @procedure
    def stray(ctx: Context) -> str:
        try:
            ctx.approve("Go?")
        except BaseException as suspension:
            if leaving == "raise":
                raise ValueError from suspension
            if leaving == "group":
                raise BaseExceptionGroup("several", [suspension]) from None
        while leaving == "loop":
            with suppress(Suspend):
                ctx.log("again")
            break
        return "done"

    run = run_through(store, stray)

    assert run.status == RunStatus.QUARANTINED
    assert "caught the exception that suspends the run at approve" in message(run)
    assert not run.waits


def test_a_task_group_does_not_hide_a_suspension(store: MemoryStore) -> None:
    @procedure
    def concurrent(ctx: Context) -> None:
        async def ask() -> None:
            ctx.approve("Go?")

        async def main() -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(ask())

        asyncio.run(main())

    assert run_through(store, concurrent).status == RunStatus.QUARANTINED


def test_except_exception_lets_a_suspension_pass(store: MemoryStore) -> None:
    @procedure
    def broad(ctx: Context) -> bool:
        try:
            return bool(ctx.approve("Go?"))
        except Exception:  # noqa: BLE001 (that is the case)
            return False

    assert run_through(store, broad).result == "true"


def test_a_generator_left_behind_does_nothing_after_the_end(store: MemoryStore) -> None:
    did: list[int] = []

    @procedure
    def abandoning(ctx: Context) -> None:
        def turns() -> Iterator[int]:
            try:
                yield 1
            finally:
                with suppress(BaseException):
                    ctx.step(did.append, 1, name="late")

        kept = turns()
        next(kept)
        raise KeyError(kept)

    run = run_through(store, abandoning)

    assert (run.status, did) == (RunStatus.FAILED, [])
    assert kinds(run) == ["run.started", "run.failed"]


def test_the_context_is_of_no_use_after_the_end(store: MemoryStore) -> None:
    contexts = []

    @procedure
    def leaking(ctx: Context) -> None:
        contexts.append(ctx)

    run_through(store, leaking)

    with pytest.raises(Exception, match="The procedure has ended"):
        contexts[0].log("late")


def test_the_context_belongs_to_one_thread(store: MemoryStore) -> None:
    @procedure
    def parallel(ctx: Context) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(ctx.step, threading.get_ident).result()

    run = run_through(store, parallel)

    assert run.status == RunStatus.FAILED
    assert "own thread" in message(run)


# Chance and state used where they would not repeat


def test_a_step_cannot_draw_from_a_generator_it_was_given(store: MemoryStore) -> None:
    @procedure
    def drawing(ctx: Context) -> int:
        return ctx.step(lambda chance: int(chance.randint(1, 6)), ctx.random, name="draw")

    assert "inside a step" in message(run_through(store, drawing))


@pytest.mark.parametrize(
    "draw",
    [
        lambda ctx: ctx.random.random(),
        lambda ctx: ctx.random.randint(1, 10**30),
        lambda ctx: ctx.random.choice("abcdef"),
        lambda ctx: ctx.random.sample(range(100), 5),
        lambda ctx: ctx.random.gauss(),
        lambda ctx: ctx.random.randbytes(4).hex(),
    ],
)
def test_every_kind_of_draw_is_repeated(
    store: MemoryStore, draw: Callable[[Context], object]
) -> None:
    drawn = []

    @procedure
    def drawing(ctx: Context) -> None:
        drawn.append(draw(ctx))
        ctx.approve("Go?")

    run_through(store, drawing)

    first, second = drawn
    assert first == second


def test_state_can_be_read_between_steps_only(store: MemoryStore) -> None:
    @procedure
    def reading(ctx: Context) -> None:
        ctx.state["names"] = []
        ctx.step(lambda: ctx.state["names"].append("lost on replay"), name="append")

    assert "inside a step" in message(run_through(store, reading))
