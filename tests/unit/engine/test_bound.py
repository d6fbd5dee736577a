"""A bound step shows its function and all arguments, or it is refused."""

import functools
import math
import operator
from collections.abc import Callable
from datetime import date
from functools import partial
from types import MethodType
from typing import Any

import pytest

from procedures.engine import Bound, EvidenceError, Retry
from tests.unit.engine.binding import (
    HERE,
    Bank,
    Order,
    SmallBank,
    bank,
    bind,
    by_place,
    closure,
    decorated,
    did,
    headed,
    only_named,
    refund,
    remembered,
    slowly,
    whatever,
)


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    did.clear()


a_lambda = lambda order: did.append((order, 1))  # noqa: E731
BOGUS: dict[str, Any] = {"bogus": 1}


@pytest.mark.parametrize(
    ("bound", "function", "arguments"),
    [
        (lambda: bind(refund, "A", 31), "refund", {"order": "A", "amount": 31, "currency": "EUR"}),
        (
            lambda: bind(refund, amount=31, order="A", currency="USD"),
            "refund",
            {"order": "A", "amount": 31, "currency": "USD"},
        ),
        (
            lambda: bind(partial(refund, order="A", amount=31)),
            "refund",
            {"order": "A", "amount": 31, "currency": "EUR"},
        ),
        (
            lambda: bind(partial(partial(refund, "A"), 31), "USD"),
            "refund",
            {"order": "A", "amount": 31, "currency": "USD"},
        ),
        (
            lambda: bind(partial(partial(refund, amount=1), amount=2), "A", amount=3),
            "refund",
            {"order": "A", "amount": 3, "currency": "EUR"},
        ),
        (lambda: bind(only_named, "A"), "only_named", {"order": "A", "amount": 31}),
        (
            lambda: bind(whatever, "A", "B", x=1, name="both"),
            "whatever",
            {"*orders": ["A", "B"], "**amounts": {"x": 1}},
        ),
        (lambda: bind(whatever), "whatever", {}),
        (
            lambda: bind(by_place, "A", order="B"),
            "by_place",
            {"order": "A", "**order_of": {"order": "B"}},
        ),
        (
            lambda: bind(headed, step="A", function="B"),
            "headed",
            {"step (argument)": "A", "function (argument)": "B"},
        ),
        (lambda: bind(slowly, "A", amount=31), "slowly", {"order": "A", "amount": 31}),
        (lambda: bind(decorated, "A"), "decorated", {"order": "A", "amount": 31}),
        (lambda: bind(remembered, "A"), "remembered", {"order": "A", "amount": 31}),
        (lambda: bind(Bank.open, "A", 31), "Bank.open", {"order": "A", "amount": 31}),
        (lambda: bind(bank.open, "A", 31), "Bank.open", {"order": "A", "amount": 31}),
        (lambda: bind(SmallBank.open, "A", 31), "SmallBank.open", {"order": "A", "amount": 31}),
        (lambda: bind(Bank.close, "A"), "Bank.close", {"order": "A"}),
        (lambda: bind(bank.close, "A"), "Bank.close", {"order": "A"}),
        (lambda: bind(Order, "A"), "Order", {"number": "A", "amount": "1"}),
    ],
)
def test_a_bound_step_shows_its_function_and_every_argument_it_will_be_given(
    bound: Callable[[], Bound[Any]], function: str, arguments: dict[str, Any]
) -> None:
    evidence = bound().as_evidence()

    assert evidence.pop("function") == f"{HERE}.{function}"
    assert evidence.pop("step") in {function.rpartition(".")[2], "both"}
    assert evidence == arguments


@pytest.mark.parametrize(
    ("fn", "args", "function"),
    [
        (abs, (-1,), "builtins.abs"),
        (math.sqrt, (4,), "math.sqrt"),
        (dict.fromkeys, ((1,),), "builtins.dict.fromkeys"),
    ],
)
def test_built_ins_are_found_in_their_modules(
    fn: Callable[..., Any], args: tuple[Any, ...], function: str
) -> None:
    assert bind(fn, *args).as_evidence()["function"].startswith(function)


def inner_function() -> Callable[[str], None]:
    def pay(order: str) -> None:
        did.append(order)

    return pay


def renamed() -> Callable[..., Any]:
    """Says that it is another function."""
    fn = inner_function()
    fn.__qualname__ = "refund"
    return fn


class Doubling(partial[Any]):
    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*args, **{**kwargs, "amount": 3100})


@pytest.mark.parametrize(
    "fn",
    [
        lambda order: did.append((order, 1)),
        a_lambda,
        inner_function(),
        closure(31),
        renamed(),
        bank.pay,
        bank,
        MethodType(refund, "A"),
        MethodType(refund, Bank),
        [].append,
        "a-b".split,
        Doubling(refund, "A"),
        partial(bank.pay),
        partial(lambda order: did.append((order, 1)), "A"),
        operator.itemgetter(1),
        operator.methodcaller("pay", "A"),
        functools.partialmethod(refund),
        date.today,
    ],
    ids=range(18),
)
def test_what_no_name_tells_is_refused(fn: Any) -> None:
    with pytest.raises((EvidenceError, TypeError), match=r"can't be shown|can't be read"):
        bind(fn, "A", name="pay")


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        (lambda: bind(refund, "A"), "refund: missing a required argument: 'amount'"),
        (lambda: bind(refund, "A", 1, "EUR", 4), "refund: too many positional arguments"),
        (lambda: bind(refund, "A", 1, order="B"), "refund: multiple values for argument 'order'"),
        (lambda: bind(refund, "A", amuont=1), "refund has no parameter 'amuont'.*mean 'amount'"),
        (lambda: bind(refund, "A", 1, retyr=Retry()), "no parameter 'retyr'.*mean 'retry'"),
        (lambda: bind(refund, "A", 1, approved_by=1), "refund has no parameter 'approved_by'"),
        (
            lambda: bind(partial(refund, "A", 1, **BOGUS)),
            "unexpected keyword argument 'bogus'",
        ),
    ],
)
def test_a_call_that_would_fail_is_refused(bound: Callable[[], Bound[Any]], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        bound()
