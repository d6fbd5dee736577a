"""A step runs exactly as its approver saw it, once, and nothing else."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from procedures.engine import (
    Bound,
    Context,
    EvidenceError,
    Procedure,
    Response,
    Retry,
    Step,
    StepFailedError,
    procedure,
)
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.testing.memory import MemoryStore
from tests.unit.engine.binding import (
    Bank,
    Dollars,
    Euros,
    SmallBank,
    Speed,
    bank,
    bind,
    closure,
    did,
    refund,
    show,
    whatever,
)
from tests.unit.engine.running import YES, message, run_through


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    did.clear()


def run_with(store: MemoryStore, body: Callable[[Context], Any]) -> Any:
    """A run of it up to where it waits after the first approval was given, or its end."""

    @procedure(name="bound")
    def definition(ctx: Context) -> None:
        body(ctx)

    run = store.runs[store.start(definition)]
    store.advance(run.facts.run_id)
    for key in list(run.waits):
        store.resolve(run.facts.run_id, key, YES)
    store.advance(run.facts.run_id)
    return run


def other_refund(order: str, amount: int, currency: str = "EUR") -> str:
    did.append(("other", order, amount, currency))
    return order


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (
            lambda ctx: ctx.bind(partial(refund, order="A", amount=31), name="refund"),
            lambda ctx: ctx.bind(partial(refund, order="A", amount=3100), name="refund"),
        ),
        (
            lambda ctx: ctx.bind(partial(refund, "A", 31), name="refund"),
            lambda ctx: ctx.bind(partial(refund, "A", 3100), name="refund"),
        ),
        (
            lambda ctx: ctx.bind(refund, "A", 31),
            lambda ctx: ctx.bind(refund, "A", 31, "USD"),
        ),
        (
            lambda ctx: ctx.bind(refund, "A", 31, name="refund"),
            lambda ctx: ctx.bind(other_refund, "A", 31, name="refund"),
        ),
        (lambda ctx: ctx.bind(show, 1), lambda ctx: ctx.bind(show, value=True)),
        (lambda ctx: ctx.bind(show, 1), lambda ctx: ctx.bind(show, 1.0)),
        (lambda ctx: ctx.bind(show, "1"), lambda ctx: ctx.bind(show, 1)),
        (
            lambda ctx: ctx.bind(show, Euros(amount=31)),
            lambda ctx: ctx.bind(show, Dollars(amount=31)),
        ),
        (
            lambda ctx: ctx.bind(whatever, Euros(amount=31)),
            lambda ctx: ctx.bind(whatever, Dollars(amount=31)),
        ),
        (lambda ctx: ctx.bind(show, "fast"), lambda ctx: ctx.bind(show, Speed.FAST)),
        (lambda ctx: ctx.bind(whatever, a=1), lambda ctx: ctx.bind(whatever, a=2)),
        (lambda ctx: ctx.bind(whatever, "a"), lambda ctx: ctx.bind(whatever, "a", "b")),
        (lambda ctx: ctx.bind(refund, "A", 31), lambda ctx: ctx.bind(refund, "A", 31, name="x")),
        (
            lambda ctx: ctx.bind(Bank.open, "A", 31, name="open"),
            lambda ctx: ctx.bind(SmallBank.open, "A", 31, name="open"),
        ),
        (lambda ctx: {"step": "refund", "order": "A"}, lambda ctx: ctx.bind(refund, "A", 31)),
    ],
)
def test_an_approval_serves_no_other_act(
    store: MemoryStore, first: Callable[[Context], Any], then: Callable[[Context], Any]
) -> None:
    def body(ctx: Context) -> None:
        ok = ctx.approve("Go?", evidence=first(ctx))
        ctx.step(then(ctx), approved_by=ok)

    run = run_with(store, body)

    assert (run.status, did) == (RunStatus.WAITING, [])
    [wait] = run.waits.values()
    assert wait["prompt"] == "Go?"


@pytest.mark.parametrize(
    "again",
    [
        lambda ctx: ctx.bind(refund, order="A", amount=31),
        lambda ctx: ctx.bind(partial(refund, "A"), 31, currency="EUR"),
        lambda ctx: ctx.bind(partial(refund, amount=31), "A", retry=Retry(2)),
    ],
)
def test_the_same_act_written_otherwise_is_the_same(
    store: MemoryStore, again: Callable[[Context], Bound[Any]]
) -> None:
    def body(ctx: Context) -> None:
        ok = ctx.approve("Go?", evidence=ctx.bind(refund, "A", 31))
        ctx.step(again(ctx), approved_by=ok)

    assert run_with(store, body).status == RunStatus.SUCCEEDED
    assert did == [("A", 31, "EUR")]


def test_arguments_changed_after_the_binding_change_nothing(store: MemoryStore) -> None:
    def body(ctx: Context) -> None:
        order = {"amounts": [31]}
        bound = ctx.bind(show, order)
        order["amounts"].append(3100)
        ok = ctx.approve("Go?", evidence=bound)
        order["amounts"].append(31_000)
        ctx.step(bound, approved_by=ok)

    run = run_with(store, body)

    assert (run.status, did) == (RunStatus.SUCCEEDED, [{"amounts": [31]}])


def grow(order: dict[str, list[int]], step: Step) -> None:
    did.append([*order["amounts"]])
    order["amounts"].append(3100)
    if step.attempt < 3:
        raise OSError


def test_each_attempt_is_given_what_was_shown(store: MemoryStore) -> None:
    def body(ctx: Context) -> None:
        bound = ctx.bind(grow, {"amounts": [31]}, retry=Retry(3, "10ms"))
        ok = ctx.approve("Go?", evidence=bound)
        ctx.step(bound, approved_by=ok)

    assert run_with(store, body).status == RunStatus.SUCCEEDED
    assert did == [[31]] * 3


def collect(order: str, into: list[str] = []) -> None:  # noqa: B006 (that is the case)
    into.append(order)
    did.append([*into])


def test_a_default_that_was_changed_meanwhile_is_not_used(store: MemoryStore) -> None:
    def body(ctx: Context) -> None:
        bound = ctx.bind(collect, "A")
        ok = ctx.approve("Go?", evidence=bound)
        defaults = collect.__defaults__
        collect.__defaults__ = (["Z"],)
        try:
            ctx.step(bound, approved_by=ok)
        finally:
            collect.__defaults__ = defaults

    assert run_with(store, body).status == RunStatus.SUCCEEDED
    assert did == [["A"]]


def test_what_is_approved_may_be_called_without_being_bound(store: MemoryStore) -> None:
    def body(ctx: Context) -> None:
        ok = ctx.approve("Go?", evidence=ctx.bind(refund, "A", 31))
        ctx.step(refund, "A", amount=31, approved_by=ok)

    assert run_with(store, body).status == RunStatus.SUCCEEDED
    assert did == [("A", 31, "EUR")]


@pytest.mark.parametrize("fn", [lambda: did.append(1), bank.pay, closure(1)])
def test_without_being_bound_it_must_be_one_that_can_be_shown(
    store: MemoryStore, fn: Callable[..., Any]
) -> None:
    def body(ctx: Context) -> None:
        ok = ctx.approve("Go?")
        ctx.step(fn, name="pay", approved_by=ok)

    assert "can't be shown in full" in message(run_with(store, body))
    assert did == []


@pytest.mark.parametrize("name", ["refund", "the second"])
def test_an_approval_serves_one_step(store: MemoryStore, name: str) -> None:
    def body(ctx: Context) -> None:
        bound = ctx.bind(refund, "A", 31)
        ok = ctx.approve("Go?", evidence=bound)
        ctx.step(bound, approved_by=ok)
        ctx.step(bound, approved_by=ok, name=name)

    run = run_with(store, body)

    assert (run.status, did) == (RunStatus.WAITING, [("A", 31, "EUR")])
    [key] = run.waits
    store.resolve(run.facts.run_id, key, YES)
    assert store.advance(run.facts.run_id) == RunStatus.SUCCEEDED
    assert did == [("A", 31, "EUR")] * 2
    by = [e.content["approved_by"] for e in run.events if e.kind == EventKind.STEP_SUCCEEDED]
    assert by == ["approve", key]


def test_an_approval_serves_one_of_two_branches(store: MemoryStore) -> None:
    @procedure
    def both(ctx: Context) -> None:
        ok = ctx.approve("Go?", evidence=ctx.bind(refund, "A", 31))

        def late(inner: Context) -> None:
            inner.approve("Wait?")
            inner.step(refund, "A", 31, approved_by=ok)

        def early(inner: Context) -> None:
            inner.step(refund, "A", 31, approved_by=ok)

        ctx.gather(late, early)

    run = run_through(store, both)

    assert run.status == RunStatus.SUCCEEDED
    asked = [e.key for e in run.events if e.kind == EventKind.WAIT_OPENED]
    assert asked == ["approve", "gather/late/approve", "gather/late/approval"]
    assert did == [("A", 31, "EUR")] * 2


def fail(order: str) -> None:
    did.append(order)
    raise OSError


def test_a_step_that_failed_leaves_its_approval_for_another_try(store: MemoryStore) -> None:
    def body(ctx: Context) -> None:
        bound = ctx.bind(fail, "A")
        ok = ctx.approve("Go?", evidence=bound)
        for _ in range(2):
            with pytest.raises(StepFailedError):
                ctx.step(bound, approved_by=ok)

    assert run_with(store, body).status == RunStatus.SUCCEEDED
    assert did == ["A", "A"]


@pytest.mark.parametrize(
    "decide",
    [
        lambda ctx, bound: True,
        lambda ctx, bound: {"approved": True},
        lambda ctx, bound: ctx.later.approve("Go?", evidence=bound),
        lambda ctx, bound: ctx.choose("Go?", ["yes", "no"], evidence=bound),
        lambda ctx, bound: ctx.approve("Go?", evidence=bound).value,
    ],
)
def test_what_is_no_yes_or_no_approves_nothing(
    store: MemoryStore, decide: Callable[[Context, Bound[Any]], Any]
) -> None:
    def body(ctx: Context) -> None:
        bound = ctx.bind(refund, "A", 31)
        ctx.step(bound, approved_by=decide(ctx, bound))

    @procedure(name="deciding")
    def definition(ctx: Context) -> None:
        body(ctx)

    run = store.runs[store.start(definition)]
    store.advance(run.facts.run_id)
    for key, wait in list(run.waits.items()):
        said = {**YES, "value": "no"} if wait["kind"] == "choice" else YES
        store.resolve(run.facts.run_id, key, {**said, "outcome": "answered"})
    store.advance(run.facts.run_id)

    assert run.status == RunStatus.FAILED
    assert "approved_by must be an answer from ctx.approve" in message(run)
    assert did == []


def test_a_bound_step_takes_no_more_arguments(store: MemoryStore) -> None:
    @procedure
    def adding(ctx: Context, how: int) -> None:
        bound: Any = ctx.bind(refund, "A", 31)
        [lambda: ctx.step(bound, "B"), lambda: ctx.step(bound, amount=3100)][how]()

    for how in range(2):
        run = run_through(store, adding, how=how)
        assert (run.status, did) == (RunStatus.FAILED, [])
        assert message(run).startswith("A bound step ")


def test_a_response_of_anothers_making_approves_nothing(store: MemoryStore) -> None:
    def body(ctx: Context) -> None:
        ok: Any = Response("yes", "approved", "me", "", ctx.now(), timed_out=False)  # type: ignore[arg-type]
        ctx.step(refund, "A", 31, approved_by=ok)

    assert "wasn't approved" in message(run_with(store, body))
    assert did == []


def test_procedures_are_no_functions_to_be_bound(store: MemoryStore) -> None:
    with pytest.raises(EvidenceError):
        bind(Procedure(refund, "refund", "Refund"), "A", 31, name="x")


def test_of_volatile_evidence_what_was_shown_is_what_is_done(store: MemoryStore) -> None:
    amounts = iter([31, 3100, 31, 31, 31, 31])

    @procedure
    def changing(ctx: Context) -> None:
        bound = ctx.bind(refund, "A", next(amounts))
        ok = ctx.approve("Go?", evidence=bound, volatile=["amount"])
        ctx.step(bound, approved_by=ok)

    run = store.runs[store.start(changing)]
    store.advance(run.facts.run_id)
    store.resolve(run.facts.run_id, "approve", YES)
    assert store.advance(run.facts.run_id) == RunStatus.WAITING
    assert did == []
    [again] = run.waits
    assert run.waits[again]["evidence"]["amount"] == 3100


def test_what_has_been_done_is_not_asked_again(store: MemoryStore) -> None:
    amounts = iter([31, 31, 32])

    @procedure
    def changing(ctx: Context) -> None:
        bound = ctx.bind(refund, "A", next(amounts))
        ok = ctx.approve("Go?", evidence=bound, volatile=["amount"])
        ctx.step(bound, approved_by=ok)
        ctx.approve("Done?", name="done")

    run = run_through(store, changing)

    assert (run.status, did) == (RunStatus.SUCCEEDED, [("A", 31, "EUR")])
    asked = [e.key for e in run.events if e.kind == EventKind.WAIT_OPENED]
    assert asked == ["approve", "done"]
