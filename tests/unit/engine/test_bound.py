"""What an approver saw is what runs: a bound step shows all it will do, or it is refused."""

import functools
import math
import operator
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property, lru_cache, partial, wraps
from pathlib import Path
from types import MethodType
from typing import Any, ClassVar, NamedTuple

import pytest
from pydantic import BaseModel, Field, PrivateAttr, SecretStr, field_serializer

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
from procedures.engine.declaration.arguments import call_of
from procedures.engine.declaration.bound import bound_to_be_shown
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import YES, message, run_through

did: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    did.clear()


def bind(fn: Callable[..., Any], *args: Any, **named: Any) -> Bound[Any]:
    return bound_to_be_shown(call_of(fn, args, named))


def refund(order: str, amount: int, currency: str = "EUR") -> str:
    did.append((order, amount, currency))
    return order


def only_named(order: str, *, amount: int = 31, step: Step) -> str:
    did.append((order, amount, step.name))
    return order


def whatever(*orders: str, **amounts: int) -> None:
    did.append((orders, amounts))


def by_place(order: str, /, **order_of: str) -> None:
    did.append((order, order_of))


def headed(step: str, function: str) -> None:
    did.append((step, function))


async def slowly(order: str, amount: int) -> str:
    did.append((order, amount))
    return order


def logged(fn: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return wrapper


@logged
def decorated(order: str, amount: int = 31) -> None:
    did.append((order, amount))


@lru_cache
def remembered(order: str, amount: int = 31) -> None:
    did.append((order, amount))


class Bank:
    rate = 1

    def __init__(self, owed: int = 31) -> None:
        self.owed = owed

    def pay(self, order: str) -> None:
        did.append((order, self.owed))

    def __call__(self, order: str) -> None:
        did.append((order, self.owed))

    @classmethod
    def open(cls, order: str, amount: int) -> None:
        did.append((cls.__name__, order, amount))

    @staticmethod
    def close(order: str) -> None:
        did.append(order)


class SmallBank(Bank):
    pass


bank = Bank()
a_lambda = lambda order: did.append((order, 1))  # noqa: E731


@dataclass
class Order:
    number: str
    amount: Decimal = field(default=Decimal(1), compare=False)


@dataclass
class Rush(Order):
    fee: int = 0


class Parcel(BaseModel):
    order: Order


class Hiding(BaseModel):
    order: str
    amount: int = Field(default=31, exclude=True)


class Private(BaseModel):
    order: str
    _amount: int = PrivateAttr(default=31)


class Rounding(BaseModel):
    amount: Decimal

    @field_serializer("amount")
    def rounded(self, amount: Decimal) -> str:
        return str(round(amount))


class Account(BaseModel):
    password: SecretStr


class Speed(Enum):
    FAST = "fast"


class Place(NamedTuple):
    x: int
    y: Decimal


class Spot(Place):
    more: int


class SlottedOrder(Order):
    __slots__ = ("more",)
    more: int


class Euros(BaseModel):
    amount: int
    unit: ClassVar[str] = "EUR"


class Dollars(BaseModel):
    amount: int
    unit: ClassVar[str] = "USD"


def growing(value: Any) -> Any:
    """The value with an attribute of which its JSON knows nothing."""
    value.more = 3100
    return value


@dataclass
class Measured:
    sides: tuple[int, int]

    @cached_property
    def area(self) -> int:
        return math.prod(self.sides)


def show(value: Any) -> None:
    did.append(value)


def pay_any(value: Euros | Dollars) -> None:
    did.append(value)


def pay_euros(value: Euros) -> None:
    did.append(value)


HERE = __name__
BOGUS: dict[str, Any] = {"bogus": 1}


def shown(fn: Callable[..., Any], *args: Any, **named: Any) -> dict[str, Any]:
    """What the approver sees, but for the head."""
    evidence = bind(fn, *args, **named).as_evidence()
    return {name: value for name, value in evidence.items() if name not in {"step", "function"}}


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


def closure(amount: int) -> Callable[[str], None]:
    def pay(order: str) -> None:
        did.append((order, amount))

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


def numbers() -> Iterator[int]:
    yield 31


def with_more(order: Order) -> Order:
    order.more = 1  # type: ignore[attr-defined]
    return order


class Name(str):
    amount = 31


endless: list[Any] = []
endless.append(endless)
deep: list[Any] = []
for _ in range(5000):
    deep = [deep]


@pytest.mark.parametrize(
    "value",
    [
        numbers(),
        iter([1]),
        map(str, [1]),
        [numbers()],
        {"a": {"b": (1, numbers())}},
        object(),
        float("nan"),
        [float("inf")],
        "\ud800",
        b"\xff",
        {1: "a", "1": "b"},
        {None: "a", "None": "b"},
        {True: "a", "true": "b"},
        {date(2026, 1, 1): 1, "2026-01-01": 2},
        Parcel(order=Rush("A", fee=31)),
        Hiding(order="A", amount=3100),
        [Rounding(amount=Decimal("31.49"))],
        with_more(Order("A")),
        Account(password=SecretStr("open")),
        SecretStr("open"),
        Name("A"),
        {"A": Bank()},
        len,
        Bank,
        endless,
        deep,
        {1: 1}.keys(),
        range(3),
        partial(refund, "A"),
        Decimal("NaN"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_argument_that_json_does_not_say_whole_is_refused(value: Any) -> None:
    with pytest.raises(EvidenceError, match="can't be shown in full"):
        bind(show, value)


def test_a_private_attribute_is_seen() -> None:
    account = Private(order="A")
    account._amount = 3100  # noqa: SLF001 (that is the case)

    with pytest.raises(EvidenceError, match="JSON leaves out a part of it"):
        bind(show, account)


measured = Measured((2, 3))
assert measured.area == 6


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (Decimal("1.50"), "1.50"),
        (datetime(2026, 1, 5, 9, tzinfo=UTC), "2026-01-05T09:00:00Z"),
        (b"A", "A"),
        (Speed.FAST, "fast"),
        (Place(1, Decimal(2)), [1, "2"]),
        (Order("A", Decimal(2)), {"number": "A", "amount": "2"}),
        (Rush("A", fee=3), {"number": "A", "amount": "1", "fee": 3}),
        (Parcel(order=Order("A")), {"order": {"number": "A", "amount": "1"}}),
        (measured, {"sides": [2, 3]}),
        ({"b": {2, 1}, "a": (1.5, True)}, {"b": [1, 2], "a": [1.5, True]}),
        ({7: date(2026, 1, 5)}, {"7": "2026-01-05"}),
        (Path("/a/b"), "/a/b"),
        (OrderedDict(a=1), {"a": 1}),
        (deque([1, 2]), [1, 2]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_argument_is_shown_as_its_json(value: Any, plain: Any) -> None:
    assert shown(show, value)["value"] == plain
    assert bind(show, value).args[0] == value


@pytest.mark.parametrize(
    ("fn", "value", "told"),
    [
        (show, Dollars(amount=31), f"{HERE}.Dollars"),
        (show, [Euros(amount=31), 5], {"[0]": f"{HERE}.Euros"}),
        (show, {"fee": {"paid": Dollars(amount=31)}}, {"['fee']['paid']": f"{HERE}.Dollars"}),
        (show, Parcel(order=Order("A")), {".order": f"{HERE}.Order", "": f"{HERE}.Parcel"}),
        (show, {Speed.FAST}, {"[]": f"{HERE}.Speed"}),
        (pay_any, Dollars(amount=31), f"{HERE}.Dollars"),
        (pay_any, Euros(amount=31), None),
        (pay_euros, Euros(amount=31), None),
        (show, [Decimal(1), date(2026, 1, 5)], None),
    ],
)
def test_a_class_that_neither_json_nor_annotation_names_is_shown(
    fn: Callable[..., Any], value: Any, told: Any
) -> None:
    assert shown(fn, value).get("value (type)") == told


def test_a_class_that_no_module_holds_is_refused_where_only_it_says_what_is_meant() -> None:
    class Hidden(BaseModel):
        amount: int

    with pytest.raises(EvidenceError, match=r"the class .*Hidden of an argument"):
        bind(show, Hidden(amount=31))


@pytest.mark.parametrize(
    "value", [growing(SlottedOrder("A")), growing(Spot(1, Decimal(2))), growing(Counter("a"))]
)
def test_what_an_object_holds_beside_its_json_is_refused(value: Any) -> None:
    with pytest.raises(EvidenceError, match="its JSON leaves out a part of it"):
        bind(show, value)


def test_a_default_that_cannot_be_shown_is_refused() -> None:
    with pytest.raises(EvidenceError, match=r"refuses_default can't be shown in full\. key is a"):
        bind(refuses_default, "A")

    assert shown(refuses_default, "A", key="B") == {"order": "A", "key": "B"}


def refuses_default(order: str, key: Any = object()) -> None:  # noqa: B008 (that is the case)
    did.append((order, key))


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


# What runs


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
