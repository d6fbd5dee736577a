"""What authors write that nobody foresaw: it works, or it is told in words. Nothing is lost."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, Field

from procedures.engine import Context, Procedure, Retry, StepFailedError, procedure
from procedures.engine.errors import Fenced, Interruption, Refused, StorageLost, Suspend
from procedures.engine.execute import advance
from procedures.engine.journal import Batch, Event, EventKind, RunStatus, closing
from procedures.engine.memory import MemoryJournal, MemoryRun, MemoryStore

YES = closing("approved", value=True, responder="bob")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def run_through(store: MemoryStore, definition: Procedure, **inputs: Any) -> MemoryRun:
    """Carry a run on, bob agreeing to everything."""
    run = store.runs[store.start(definition, inputs)]
    while store.advance(run.facts.run_id) == RunStatus.WAITING:
        for key in list(run.waits):
            store.resolve(run.facts.run_id, key, YES)
    return run


def message(run: MemoryRun) -> str:
    assert run.error
    return str(run.error["message"])


def kinds(run: MemoryRun) -> list[str]:
    return [event.kind for event in run.events]


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
    assert "swallowed the suspension at approve" in message(run)
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


# Steps


def test_looking_at_arguments_does_not_use_them_up(store: MemoryStore) -> None:
    @procedure
    def summing(ctx: Context) -> int:
        return ctx.step(sum, (number for number in range(4)))

    assert run_through(store, summing).result == "6"


def test_arguments_that_json_cannot_hold_are_fine(store: MemoryStore) -> None:
    endless: list[object] = []
    endless.append(endless)

    @procedure
    def counting(ctx: Context) -> int:
        return ctx.step(lambda *things: len(things), object(), endless, {1j}, name="count")

    assert run_through(store, counting).result == "3"


@pytest.mark.parametrize("name", ["a#2", "a/b", ":log", "", " ", "a" * 81, "a\0", "a\nb", "\ud800"])
def test_a_name_that_cannot_be_kept_is_refused_before_the_step(
    store: MemoryStore, name: str
) -> None:
    did = []

    @procedure
    def naming(ctx: Context) -> None:
        ctx.step(lambda: did.append(1), name=name)

    run = run_through(store, naming)

    assert (run.status, did) == (RunStatus.FAILED, [])


def test_a_step_that_cannot_be_one_does_nothing(store: MemoryStore) -> None:
    did = []

    class Unkeepable: ...

    def make() -> Unkeepable:
        did.append(1)
        return Unkeepable()

    @procedure
    def making(ctx: Context) -> None:
        ctx.step(make)

    run = run_through(store, making)

    assert (run.status, did) == (RunStatus.FAILED, [])
    assert "cannot be kept" in message(run)


class UntellableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("No words.")


@pytest.mark.parametrize(
    "error",
    [
        UntellableError(),
        ValueError("a\0b\ud800"),
        ValueError("x" * 10**6),
        GeneratorExit(),
        asyncio.CancelledError(),
        RecursionError(),
        ExceptionGroup("several", [ValueError("one")]),
        BaseExceptionGroup("several", [SystemExit(1)]),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("place", ["step", "procedure"])
def test_every_error_is_kept(store: MemoryStore, error: BaseException, place: str) -> None:
    @procedure
    def failing(ctx: Context) -> None:
        def fail() -> None:
            raise error

        if place == "step":
            ctx.step(fail)
        fail()

    run = run_through(store, failing)

    assert run.status == RunStatus.FAILED
    assert type(error).__name__ in str(run.error)


def test_an_error_that_cannot_be_told_fails_early_like_any_other(store: MemoryStore) -> None:
    @procedure(name="asking")
    def asking(ctx: Context) -> None:
        ctx.approve("Go?")

    @procedure(name="asking")
    def failing(ctx: Context) -> None:
        raise UntellableError

    run_id = store.start(asking)
    store.advance(run_id)
    store.resolve(run_id, "approve", YES)
    store.runs[run_id].procedure = failing

    assert store.advance(run_id) == RunStatus.QUARANTINED


def test_a_keyboard_interrupt_ends_the_worker_and_not_the_run(store: MemoryStore) -> None:
    interrupts = [KeyboardInterrupt()]

    def work() -> str:
        if interrupts:
            raise interrupts.pop()
        return "done"

    @procedure
    def working(ctx: Context) -> str:
        return ctx.step(work)

    run_id = store.start(working)
    with pytest.raises(KeyboardInterrupt):
        store.advance(run_id)
    store.clock = store.runs[run_id].leased_until or store.clock

    assert store.advance(run_id) == RunStatus.SUCCEEDED


def test_a_caught_failure_may_be_followed_by_another_try(store: MemoryStore) -> None:
    @procedure
    def trying(ctx: Context) -> str:
        def fail() -> None:
            raise OSError

        for _ in range(2):
            with suppress(StepFailedError):
                ctx.step(fail, name="call", retry=Retry(attempts=2, backoff="10ms"))
        ctx.approve("Go on?")
        return "done"

    run = run_through(store, trying)

    failed = [event.key for event in run.events if event.kind == EventKind.STEP_FAILED]
    assert failed == ["call", "call", "call#2", "call#2"]
    assert run.result == '"done"'


def test_a_large_result_is_kept_whole(store: MemoryStore) -> None:
    @procedure
    def large(ctx: Context) -> int:
        text = ctx.step(lambda: "ü" * 10**6, name="make")
        ctx.approve("Go on?")
        return len(text)

    assert run_through(store, large).result == "1000000"


# What people are shown


@pytest.mark.parametrize("say", ["log", "notify", "stage"])
def test_any_text_can_be_said(store: MemoryStore, say: str) -> None:
    @procedure
    def saying(ctx: Context) -> None:
        getattr(ctx, say)("a\0b\ud800" + "ü" * 1000)

    run = run_through(store, saying)

    assert run.status == RunStatus.SUCCEEDED
    event = run.events[1]
    assert event.name.startswith(r"a␀b\ud800ü")
    assert len(event.name) == 100


def test_a_return_value_that_json_cannot_hold_fails_the_run(store: MemoryStore) -> None:
    @procedure
    def returning(ctx: Context) -> Any:
        ctx.log("kept all the same")
        return object()

    run = run_through(store, returning)

    assert "cannot be kept as JSON" in message(run)
    assert kinds(run) == ["run.started", "log", "run.failed"]


def test_a_return_type_that_cannot_be_kept_is_told_before_anything_happens(
    store: MemoryStore,
) -> None:
    did = []

    @procedure
    def returning(ctx: Context) -> MemoryStore:
        did.append(ctx.step(str, "worked"))
        return store

    run = run_through(store, returning)

    assert "cannot be kept" in message(run)
    assert did == []


# Code that changed


@dataclass
class Order:
    number: int


def load(number: int) -> dict[str, Any]:
    return {"name": number}


def load_order(number: int) -> Order:
    return Order(number)


def test_a_kept_result_that_no_longer_fits_its_type_quarantines(store: MemoryStore) -> None:
    @procedure(name="loading")
    def loading(ctx: Context) -> None:
        ctx.step(load, 7, name="load")
        ctx.approve("Go?")

    @procedure(name="loading")
    def typed(ctx: Context) -> None:
        with suppress(Exception):
            ctx.step(load_order, 7, name="load")
        ctx.approve("Go?")

    run_id = store.start(loading)
    store.advance(run_id)
    store.resolve(run_id, "approve", YES)
    store.runs[run_id].procedure = typed

    assert store.advance(run_id) == RunStatus.QUARANTINED
    assert "The kept result of step load no longer fits: number: Field" in message(
        store.runs[run_id]
    )


def test_what_only_python_can_check_is_no_question(store: MemoryStore) -> None:
    @procedure
    def asking(ctx: Context) -> None:
        ctx.ask("Which?", Annotated[str, AfterValidator(str.upper)])

    run = run_through(store, asking)

    assert "no answer can be checked" in message(run)
    assert EventKind.WAIT_OPENED not in kinds(run)


def test_a_default_of_a_run_is_not_shared(store: MemoryStore) -> None:
    @procedure
    def collecting(ctx: Context, names: Annotated[list[str], Field(max_length=3)] = []) -> int:  # noqa: B006
        names.append("bob")
        ctx.approve("Go?")
        return len(names)

    assert [run_through(store, collecting).result for _ in range(3)] == ["1"] * 3


# A storage that refuses, fails, or is lost


class StubbornJournal(MemoryJournal):
    """Refuses one kind of event."""

    def __init__(self, store: MemoryStore, run_id: str, kind: str, error: BaseException) -> None:
        journal = store.claim(run_id)
        assert journal
        super().__init__(store, journal.row)
        self.kind, self.error = kind, error

    def commit(self, batch: Batch) -> list[Event]:
        if any(draft.kind == self.kind for draft in batch.drafts):
            raise self.error
        return super().commit(batch)


@procedure
def working(ctx: Context) -> str:
    with suppress(Exception):
        ctx.step(str, "work", name="work")
    ctx.approve("Go?")
    return "done"


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("step.succeeded", Refused("Nobody shows it."), "Nobody shows it."),
        ("step.succeeded", ValueError("a\ud800"), r"ValueError: a\ud800"),
        ("step.succeeded", UntellableError(), "UntellableError: "),
        ("wait.opened", Refused("Nobody shows it."), "Nobody shows it."),
    ],
)
def test_what_is_refused_quarantines_and_leaves_nothing(
    store: MemoryStore, kind: str, error: BaseException, words: str
) -> None:
    run_id = store.start(working)
    journal = StubbornJournal(store, run_id, kind, error)

    assert advance(working, journal, store.files) == RunStatus.QUARANTINED

    assert message(store.runs[run_id]) == words
    assert kind not in kinds(store.runs[run_id])


@pytest.mark.parametrize("error", [Fenced("run"), StorageLost("away")])
@pytest.mark.parametrize("kind", ["step.succeeded", "wait.opened"])
def test_a_lost_hold_ends_the_worker_and_changes_nothing(
    store: MemoryStore, kind: str, error: Interruption
) -> None:
    run_id = store.start(working)
    journal = StubbornJournal(store, run_id, kind, error)

    with pytest.raises(type(error)):
        advance(working, journal, store.files)

    assert store.runs[run_id].status == RunStatus.RUNNING
    assert kind not in kinds(store.runs[run_id])
