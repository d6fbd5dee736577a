"""Odd steps, names, errors and results: they work, or they are told in words."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, Field, computed_field

from procedures.engine import Context, Procedure, Retry, StepFailedError, procedure
from procedures.engine.errors import DefinitionError
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import YES, kinds, message, run_through

# Steps


def test_looking_at_arguments_does_not_use_them_up(store: MemoryStore) -> None:
    @procedure
    def summing(ctx: Context) -> int:
        total: int = ctx.step(sum, (number for number in range(4)))
        return total

    assert run_through(store, summing).result == "6"


def test_arguments_that_json_cannot_hold_are_fine(store: MemoryStore) -> None:
    endless: list[object] = []
    endless.append(endless)

    class Reluctant(BaseModel):
        @computed_field
        def shown(self) -> str:
            raise OSError

    @procedure
    def counting(ctx: Context) -> int:
        given = (object(), endless, {1j}, Reluctant())
        return ctx.step(lambda *things: len(things), *given, name="count")

    assert run_through(store, counting).result == "4"


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
    assert "isn't supported" in message(run)


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
        getattr(ctx, say)("a\0b\ud800" + "ü" * 180)

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

    assert "can't be stored as JSON" in message(run)
    assert kinds(run) == ["run.started", "log", "run.failed"]


def test_a_return_type_that_cannot_be_kept_is_told_where_it_is_declared(
    store: MemoryStore,
) -> None:
    def returning(ctx: Context) -> MemoryStore:
        return store

    with pytest.raises(DefinitionError, match="of its result isn't supported"):
        procedure(returning)


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
    assert "The stored result of step load no longer fits: number: Field" in message(
        store.runs[run_id]
    )


@procedure(name="counted")
def counted(ctx: Context) -> int:
    return 7


@procedure(name="counted")
def counted_in_words(ctx: Context) -> Order:
    return Order(7)


@procedure(name="parent")
def calling(ctx: Context) -> Any:
    return ctx.call(counted)


@procedure(name="parent")
def calling_changed(ctx: Context) -> Any:
    return ctx.call(counted_in_words)


@procedure(name="parent")
def mapping(ctx: Context) -> Any:
    return ctx.map(counted, [{}], at_most=1)


@procedure(name="parent")
def mapping_changed(ctx: Context) -> Any:
    return ctx.map(counted_in_words, [{}], at_most=1)


@pytest.mark.parametrize(
    ("before", "now"), [(calling, calling_changed), (mapping, mapping_changed)]
)
def test_a_childs_result_that_no_longer_fits_its_changed_type_quarantines(
    store: MemoryStore, before: Procedure, now: Procedure
) -> None:
    run_id = store.start(before)
    store.advance(run_id)
    store.runs[run_id].procedure = now
    store.advance_all()

    assert store.runs[run_id].status == RunStatus.QUARANTINED
    assert "The stored value of child counted no longer fits:" in message(store.runs[run_id])


@pytest.mark.parametrize("pure", [True, False])
def test_a_result_comes_back_as_on_replay_and_is_the_codes_own(
    store: MemoryStore, *, pure: bool
) -> None:
    found = []

    def things() -> Any:
        return {"late": [], "early": 1}

    @procedure
    def adding(ctx: Context) -> None:
        result = ctx.step(things, pure=pure)
        found.append(list(result.items()))
        result["late"].append("more")  # before a pure step is kept
        found[-1] += result["late"]
        ctx.approve("Go?")

    run_through(store, adding)

    assert found == [[("early", 1), ("late", ["more"]), "more"]] * 2


def test_what_only_python_can_check_is_no_question(store: MemoryStore) -> None:
    @procedure
    def asking(ctx: Context) -> None:
        ctx.ask("Which?", Annotated[str, AfterValidator(str.upper)])

    run = run_through(store, asking)

    assert "constraints that aren't supported for answers" in message(run)
    assert EventKind.WAIT_OPENED not in kinds(run)


def test_a_default_of_a_run_is_not_shared(store: MemoryStore) -> None:
    @procedure
    def collecting(ctx: Context, names: Annotated[list[str], Field(max_length=3)] = []) -> int:  # noqa: B006
        names.append("bob")
        ctx.approve("Go?")
        return len(names)

    assert [run_through(store, collecting).result for _ in range(3)] == ["1"] * 3
