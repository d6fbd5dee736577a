"""Functions that can be steps, and the number of their attempts."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, Never, NoReturn
from weakref import ref

import pytest
from pydantic import SecretStr

from procedures.engine import Context, Retry, Step, procedure
from procedures.engine.declaration.arguments import call_of
from procedures.engine.declaration.signatures import name_of, signature_of
from procedures.engine.declaration.steps import options_of
from procedures.engine.errors import DefinitionError
from procedures.engine.replay.keeping import kept_result
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import cancel, run_through

STEP = Step("pay", "run:pay", 1)


def kept(fn: Callable[..., Any], args: tuple[Any, ...] = ()) -> tuple[Any, Any]:
    """The stored form of a step's result, and the value that comes back."""
    fn, args, kwargs, _ = call_of(fn, args, {})
    signature = signature_of(fn)
    plain, back, _ = kept_result(signature.call(fn, args, kwargs, STEP), signature.returns)
    return plain, back


@dataclass
class Order:
    number: int
    amount: Decimal = Decimal(0)


class Bank:
    def pay(self, amount: int) -> Decimal:
        return Decimal(amount)

    @classmethod
    def open(cls, amount: int) -> Decimal:
        return Decimal(amount)

    def __call__(self, amount: int) -> Decimal:
        return Decimal(amount)


class Unhashable(Bank):
    __hash__ = None  # type: ignore[assignment]


@lru_cache
def cached(amount: int) -> Decimal:
    return Decimal(amount)


def count_up(amount: int) -> Iterator[int]:
    yield from range(amount)


@pytest.mark.parametrize(
    ("fn", "args", "result", "returns"),
    [
        (Bank().pay, (2,), "2", Decimal),
        (Bank.open, (2,), "2", Decimal),
        (Bank(), (2,), "2", Decimal),
        (Unhashable(), (2,), "2", Decimal),
        (partial(Bank().pay, 2), (), "2", Decimal),
        (cached, (2,), "2", Decimal),
        (lambda amount: amount, (2,), 2, Any),
        (len, ("ab",), 2, Any),
        ("a-b".split, ("-",), ["a", "b"], Any),
        (Order, (7,), {"number": 7, "amount": "0"}, Order),
        (Decimal, ("1.5",), "1.5", Decimal),
    ],
)
def test_anything_that_can_be_called_is_a_step(
    fn: Callable[..., Any], args: tuple[Any, ...], result: object, returns: object
) -> None:
    assert kept(fn, args)[0] == result
    assert signature_of(call_of(fn, args, {})[0]).returns == returns


def first(step: Step, amount: int) -> str:
    return f"{amount} {step.attempt}"


def last(amount: int, step: Step) -> str:
    return f"{amount} {step.attempt}"


def between(amount: int, step: Step, unit: str = "EUR") -> str:
    return f"{amount} {unit} {step.attempt}"


def after_a_default(amount: int, unit: str = "EUR", *, step: Step) -> str:
    return f"{amount} {unit} {step.attempt}"


def optional(amount: int, unit: str = "EUR", step: Step = STEP) -> str:
    return f"{amount} {unit} {step.attempt}"


@pytest.mark.parametrize(
    ("fn", "args", "result"),
    [
        (first, (5,), "5 1"),
        (last, (5,), "5 1"),
        (between, (5,), "5 EUR 1"),
        (between, (5, "USD"), "5 USD 1"),
        (after_a_default, (5,), "5 EUR 1"),
        (after_a_default, (5, "USD"), "5 USD 1"),
        (optional, (5,), "5 EUR 1"),
        (optional, (5, "USD"), "5 USD 1"),
        (partial(last, 5), (), "5 1"),
        (partial(last, amount=5), (), "5 1"),
        (partial(last, step=Step("own", "own", 9)), (5,), "5 9"),
    ],
)
def test_a_step_parameter_is_filled_wherever_it_stands(
    fn: Callable[..., Any], args: tuple[Any, ...], result: str
) -> None:
    assert kept(fn, args)[0] == result


@pytest.mark.parametrize("hint", [Never, NoReturn, "NoReturn"])
def test_a_step_may_never_return(hint: object) -> None:
    def fail() -> None:
        raise OSError

    fail.__annotations__["return"] = hint

    assert signature_of(fail).returns is Any


def lazily() -> Generator[int, None, None]:
    yield 1


@pytest.mark.parametrize("fn", [lazily, lambda: (number for number in [1])])
def test_what_a_generator_yields_is_kept_as_a_list(fn: Callable[..., Any]) -> None:
    assert kept(fn)[0] == [1]


def unknown_type() -> "Unheard":  # type: ignore[name-defined]  # noqa: F821
    return None


def a_bank() -> Bank:
    return Bank()


@pytest.mark.parametrize(
    ("fn", "words"),
    [
        (unknown_type, "'Unheard' is not defined"),
        (a_bank, r"of <function a_bank> isn't supported"),
        (Bank, "isn't supported|can't be stored"),
        (count_up, "isn't supported|can't be stored"),
    ],
)
def test_what_cannot_be_a_step_is_refused_before_it_does_anything(
    fn: Callable[..., Any], words: str
) -> None:
    with pytest.raises(DefinitionError, match=words):
        signature_of(fn)


def no_order() -> Order:
    return None  # type: ignore[return-value]


def secretly() -> dict[str, Any]:
    return {"password": SecretStr("open")}


def endlessly() -> Any:
    endless: list[object] = []
    endless.append(endless)
    return endless


@pytest.mark.parametrize(
    ("fn", "words"),
    [
        (no_order, "The result doesn't fit its annotation"),
        (secretly, r"The result can't be stored: it contains a secret\."),
        (endlessly, "The result can't be stored: Circular"),
    ],
)
def test_a_result_that_would_not_come_back_is_an_error(fn: Callable[..., Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kept(fn)


class Chunk:
    """A large value."""


def test_what_a_nested_function_holds_is_free_once_its_step_is_done() -> None:
    left: list[ref[Chunk]] = []

    def upload(ctx: Context) -> ref[Chunk]:
        chunk = Chunk()
        ctx.step(lambda: str(chunk), name="upload", pure=True)
        return ref(chunk)

    @procedure
    def uploads(ctx: Context) -> int:
        left.extend(upload(ctx) for _ in range(3))
        return sum(one() is not None for one in left)

    assert run_through(MemoryStore(), uploads).result == "0"


def test_a_local_type_is_a_type() -> None:
    @dataclass
    class Local:
        number: int

    def make() -> Local:
        return Local(7)

    assert kept(make) == ({"number": 7}, Local(7))


@pytest.mark.parametrize(
    ("fn", "name"), [(len, "len"), (Order, "Order"), (partial(partial(last, 1)), "last")]
)
def test_a_step_has_its_functions_name(fn: Callable[..., Any], name: str) -> None:
    assert name_of(fn) == name


@pytest.mark.parametrize("fn", [lambda: 1, Bank(), partial(Bank())])
def test_what_has_no_name_must_be_given_one(fn: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="Give this step a name"):
        name_of(fn)


# Retry


def test_each_pause_is_longer_up_to_the_longest() -> None:
    retry = Retry(attempts=6, backoff="2s", backoff_factor=3, max_backoff="1m")

    pauses = [retry.pause_after(attempt, OSError(), timedelta(0)) for attempt in range(1, 7)]

    assert pauses == [*(timedelta(seconds=seconds) for seconds in (2, 6, 18, 54, 60)), None]


def test_no_number_of_attempts_is_too_great() -> None:
    retry = Retry(attempts=10**6, backoff="1s", max_backoff="1h")

    assert retry.pause_after(10**5, OSError(), timedelta(0)) == timedelta(hours=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"backoff_factor": 0.5},
        {"backoff_factor": float("nan")},
        {"backoff": "0s"},
        {"backoff": "soon"},
        {"max_backoff": "for ever"},
    ],
)
def test_a_retry_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Retry(**wrong)


def test_jitter_spreads_the_pauses_within_its_share() -> None:
    retry = Retry(attempts=9, backoff="10s", backoff_factor=1, jitter=0.5)

    pauses = [retry.pause_after(1, OSError(), timedelta(0)) for _ in range(50)]

    assert all(pause and timedelta(seconds=5) <= pause <= timedelta(seconds=15) for pause in pauses)
    assert len(set(pauses)) > 1


@pytest.mark.parametrize("jitter", [-0.1, 1.1])
def test_jitter_is_a_share(jitter: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Retry(jitter=jitter)


class Patient(Retry):
    __hash__ = None  # type: ignore[assignment]


def test_options_are_checked_once_where_they_can_be_told_apart() -> None:
    assert options_of({"timeout": 1}) is options_of({"timeout": 1})
    assert options_of({"retry": Patient()}).retry == Patient()
    for _ in range(2):
        with pytest.raises(ValueError, match="can have only one of"):
            options_of({"once": True, "pure": True})


def test_a_step_says_things_and_learns_that_the_run_is_to_end(store: MemoryStore) -> None:
    def look(step: Step) -> bool:
        step.say("Looking.")
        cancel(store, step.idempotency_key.partition(":")[0])
        return step.is_cancelled

    @procedure
    def long_work(ctx: Context) -> None:
        saw = ctx.step(look)
        assert saw
        ctx.step(abs, -1)

    run = run_through(store, long_work)

    told = [(event.kind, event.name) for event in run.events]
    assert ("notice", "Looking.") in told
    assert told[-1][0] == "run.cancelled"
    assert ("step.succeeded", "abs") not in told
