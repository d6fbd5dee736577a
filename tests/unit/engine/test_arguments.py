"""Calls of steps: by place, by name, with options; and replay's view of their arguments."""

import random
import re
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any

import pytest

from procedures.engine import Context, Retry, Step, procedure
from procedures.engine.declaration.steps import OPTIONS
from procedures.engine.journal.events import RunStatus
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import YES, message, run_through

did: list[Any] = []
AnyRetry: Any = Retry


@pytest.fixture(autouse=True)
def nothing_happened() -> None:
    did.clear()


def send(order: str, unit: str = "kg", *, weight: int = 1) -> str:
    did.append((order, unit, weight))
    return f"{order}: {weight} {unit}"


def fetch(url: str, timeout: int = 9, *, name: str = "") -> str:
    did.append((url, timeout, name))
    return url


def gather(**parts: Any) -> int:
    did.append(parts)
    return len(parts)


def told(step: Step, order: str, weight: int = 1) -> str:
    did.append((step.name, order, weight))
    return order


def early(order: str, /, name: str, retry: int = 0) -> None:
    did.append((order, name, retry))


async def slowly(order: str, *, weight: int) -> str:
    return f"{order}: {weight}"


def logged(fn: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return wrapper


class Scale:
    def weigh(self, order: str, *, weight: int) -> str:
        did.append((order, weight))
        return order

    def __call__(self, order: str, *, fn: int, self_: int = 0) -> str:
        did.append((order, fn, self_))
        return order


def run_of(store: MemoryStore, call: Callable[[Context], Any]) -> Any:
    @procedure(name="calling")
    def calling(ctx: Context) -> Any:
        return call(ctx)

    return run_through(store, calling)


@pytest.mark.parametrize(
    ("call", "done"),
    [
        (lambda ctx: ctx.step(send, "A", weight=3), ("A", "kg", 3)),
        (lambda ctx: ctx.step(send, order="A", unit="g", retry=Retry(2)), ("A", "g", 1)),
        (lambda ctx: ctx.step(partial(send, weight=3), "A", weight=4), ("A", "kg", 4)),
        (lambda ctx: ctx.step(partial(partial(send, "A"), "g"), weight=4), ("A", "g", 4)),
        (lambda ctx: ctx.step(logged(send), "A", weight=4, name="x"), ("A", "kg", 4)),
        (lambda ctx: ctx.step(gather, a=1, self=2, fn=3, name="x"), {"a": 1, "self": 2, "fn": 3}),
        (lambda ctx: ctx.step(told, order="A", weight=2), ("told", "A", 2)),
        (lambda ctx: ctx.step(told, "A", weight=2, name="x"), ("x", "A", 2)),
        (lambda ctx: ctx.step(partial(told, weight=2), "A"), ("told", "A", 2)),
        (lambda ctx: ctx.step(Scale().weigh, "A", weight=2), ("A", 2)),
        (lambda ctx: ctx.step(Scale(), "A", fn=2, name="x"), ("A", 2, 0)),
        (
            lambda ctx: ctx.step(lambda order, *, fn: did.append((order, fn)), "A", fn=1, name="x"),
            ("A", 1),
        ),
        (lambda ctx: ctx.step(ctx.bind(send, "A", weight=3), retry=Retry(2)), ("A", "kg", 3)),
        # a parameter that is named like an option: filled by its place or by a partial
        (lambda ctx: ctx.step(partial(fetch, timeout=3, name=""), "A", timeout="1m"), ("A", 3, "")),
        (lambda ctx: ctx.step(partial(fetch, name="n"), "A", 3, timeout="1m"), ("A", 3, "n")),
        (lambda ctx: ctx.step(early, "A", "n", 3, name="x", retry=None), ("A", "n", 3)),
        (lambda ctx: ctx.step(ctx.bind(fetch, "A"), timeout="1m", name="x"), ("A", 9, "")),
    ],
)
def test_a_step_is_called_as_it_is_written(
    store: MemoryStore, call: Callable[[Context], Any], done: Any
) -> None:
    run = run_of(store, call)

    assert (run.status, did) == (RunStatus.SUCCEEDED, [done])


def test_a_coroutine_takes_names_too(store: MemoryStore) -> None:
    assert run_of(store, lambda ctx: ctx.step(slowly, "A", weight=3)).result == '"A: 3"'


def test_what_undoes_is_called_so_too(store: MemoryStore) -> None:
    def body(ctx: Context) -> None:
        ctx.compensate(partial(send, weight=3), "A", unit="g", name="undo")
        raise OSError

    assert run_of(store, body).status == RunStatus.FAILED
    assert did == [("A", "g", 3)]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda ctx: ctx.step(fetch, "A", timeout="1m"), "fetch has a parameter 'timeout', and st"),
        (lambda ctx: ctx.step(fetch, "A", name="x"), r"functools.partial\(fetch, name=...\)"),
        (lambda ctx: ctx.bind(fetch, "A", timeout=3), "timeout= then sets the option of the step"),
        (
            lambda ctx: ctx.compensate(fetch, "A", timeout=3),
            "timeout= then sets the option of the step",
        ),
        (lambda ctx: ctx.step(early, "A", name="x"), "early has a parameter 'name'"),
        (lambda ctx: ctx.step(send, "A", wieght=3), "no parameter 'wieght'.* mean 'weight'"),
        (
            lambda ctx: ctx.step(send, "A", x=3),
            "no parameter 'x'.* The options of a step are name, once",
        ),
        (
            lambda ctx: ctx.step(send, "A", retry=5),
            "option retry of a step must be a",
        ),
        (lambda ctx: ctx.step(send, "A", once=1), "option once of a step must be True or"),
        (
            lambda ctx: ctx.step(send, "A", strict="no"),
            "option strict of a step must be True or False, not 'no'",
        ),
        (lambda ctx: ctx.step(send, "A", name=3), "option name of a step must be a string, not 3"),
        (lambda ctx: ctx.step(send, "A", timeout="soon"), "Invalid duration 'soon'"),
        (lambda ctx: ctx.step(send, "A", timeout=True), "Invalid duration True"),
        (
            lambda ctx: ctx.bind(send, "A", name="a/b"),
            "Invalid step name 'a/b': use at most 80 printable",
        ),
        (
            lambda ctx: ctx.step(send, "A", retry=AnyRetry(atempts=3)),
            "option 'atempts'.* 'attempts'",
        ),
        (
            lambda ctx: ctx.step(send, "A", retry=AnyRetry("3")),
            "attempts of a Retry must be a whole number, not '3'",
        ),
        (
            lambda ctx: ctx.step(send, "A", retry=AnyRetry(2.5)),
            "attempts of a Retry must be a whole number, not 2.5",
        ),
        (
            lambda ctx: ctx.step(send, "A", retry=AnyRetry(non_retryable=OSError)),
            "non_retryable of a Retry must be a tuple",
        ),
        (
            lambda ctx: ctx.step(send, "A", retry=AnyRetry(non_retryable=("OSError",))),
            "tuple of exception types",
        ),
        (
            lambda ctx: ctx.step(send, "A", retry=AnyRetry(backoff_factor="2")),
            "backoff_factor of a Retry must be a number, not '2'",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_at_the_call(
    store: MemoryStore, call: Callable[[Context], Any], words: str
) -> None:
    run = run_of(store, call)

    assert (run.status, did) == (RunStatus.FAILED, [])
    assert [event.kind for event in run.events] == ["run.started", "run.failed"]
    assert re.search(words, message(run)), message(run)


def misspelt(name: str, chance: random.Random) -> str:
    """The name with one letter left out, doubled, or changed for its neighbour."""
    at = chance.randrange(1, len(name))
    return chance.choice(
        [
            name[:at] + name[at + 1 :],
            name[:at] + name[at - 1] + name[at:],
            name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :],
        ]
    )


@pytest.mark.parametrize("seed", range(60))
def test_a_misspelt_option_is_refused_with_the_nearest_one(store: MemoryStore, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 (no secret: must repeat)
    option = chance.choice(sorted(OPTIONS))
    wrong = misspelt(option, chance)
    if wrong in OPTIONS:
        return
    options: Any = {wrong: None}
    ways: list[Callable[[Context], Any]] = [
        lambda ctx: ctx.step(send, "A", **options),
        lambda ctx: ctx.bind(send, "A", **options),
        lambda ctx: ctx.step(ctx.bind(send, "A"), **options),
        lambda ctx: ctx.compensate(send, "A", **options),
    ]

    run = run_of(store, chance.choice(ways))

    assert (run.status, did) == (RunStatus.FAILED, [])
    assert repr(wrong) in message(run)
    assert f"Did you mean {option!r}?" in message(run)


# What replay sees of the arguments

now: dict[str, Callable[[Context], Any]] = {}


@procedure
def replayed(ctx: Context) -> None:
    now["call"](ctx)
    ctx.approve("Go?")


def after_a_change(
    store: MemoryStore, first: Callable[[Context], Any], then: Callable[[Context], Any]
) -> Any:
    """The run that did its step by the first, and replays it by the second."""
    now["call"] = first
    run = store.runs[store.start(replayed)]
    store.advance(run.facts.run_id)
    store.resolve(run.facts.run_id, "approve", YES)
    now["call"] = then
    store.advance(run.facts.run_id)
    return run


def is_noticed(run: Any) -> bool:
    return "have changed since its result was stored" in str([event.data for event in run.events])


OTHERS: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
    (
        lambda ctx, **o: ctx.step(partial(send, weight=3), "A", **o),
        lambda ctx, **o: ctx.step(partial(send, weight=3100), "A", **o),
    ),
    (
        lambda ctx, **o: ctx.step(send, "A", weight=3, **o),
        lambda ctx, **o: ctx.step(send, "A", weight=3100, **o),
    ),
    (lambda ctx, **o: ctx.step(send, "A", **o), lambda ctx, **o: ctx.step(send, "A", "g", **o)),
    (
        lambda ctx, **o: ctx.step(gather, a=1, **o),
        lambda ctx, **o: ctx.step(gather, b=1, **o),
    ),
    (
        lambda ctx, **o: ctx.step(ctx.bind(send, "A", weight=3), **o),
        lambda ctx, **o: ctx.step(ctx.bind(send, "A", weight=4), **o),
    ),
]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(("first", "then"), OTHERS)
def test_other_arguments_are_seen_however_they_are_given(
    store: MemoryStore, first: Any, then: Any, *, strict: bool
) -> None:
    run = after_a_change(
        store, lambda ctx: first(ctx, strict=strict), lambda ctx: then(ctx, strict=strict)
    )

    assert run.status == (RunStatus.QUARANTINED if strict else RunStatus.SUCCEEDED)
    assert is_noticed(run) or strict
    assert len(did) == 1


def test_another_default_is_seen(store: MemoryStore) -> None:
    def first(order: str, weight: int = 3) -> None:
        did.append(order)

    def then(order: str, weight: int = 3100) -> None:
        did.append(order)

    run = after_a_change(
        store,
        lambda ctx: ctx.step(first, "A", name="send", strict=True),
        lambda ctx: ctx.step(then, "A", name="send", strict=True),
    )

    assert run.status == RunStatus.QUARANTINED


@pytest.mark.parametrize(
    "then",
    [
        lambda ctx: ctx.step(send, order="A", weight=3, strict=True),
        lambda ctx: ctx.step(partial(send, "A"), "kg", weight=3, strict=True),
        lambda ctx: ctx.step(ctx.bind(send, "A", weight=3), strict=True),
    ],
)
def test_the_same_arguments_given_otherwise_are_the_same(store: MemoryStore, then: Any) -> None:
    run = after_a_change(
        store, lambda ctx: ctx.step(send, "A", unit="kg", weight=3, strict=True), then
    )

    assert run.status == RunStatus.SUCCEEDED
    assert not is_noticed(run)


@pytest.mark.parametrize("odd", [object(), open, lambda: 1], ids=["object", "open", "lambda"])
def test_beside_what_json_cannot_hold_the_others_are_seen(store: MemoryStore, odd: Any) -> None:
    def look(thing: Any, weight: int) -> None:
        did.append(weight)

    run = after_a_change(
        store,
        lambda ctx: ctx.step(look, odd, 3),
        lambda ctx: ctx.step(look, odd, 3100),
    )

    assert is_noticed(run)


def letters() -> Iterator[str]:
    yield from "abc"


@pytest.mark.parametrize(
    "nested",
    [
        lambda: [letters()],
        lambda: {"a": (1, letters())},
        lambda: {"a": [{"b": map(str, "abc")}]},
    ],
)
def test_an_iterator_somewhere_in_an_argument_is_not_used_up(
    store: MemoryStore, nested: Callable[[], Any]
) -> None:
    def leaves(value: Any) -> list[Any]:
        if isinstance(value, dict):
            value = value.values()
        return [
            leaf
            for one in value
            for leaf in ([one] if isinstance(one, (str, int)) else leaves(one))
        ]

    run = run_of(store, lambda ctx: ctx.step(leaves, nested(), name="look"))

    assert run.result in {'["a","b","c"]', '[1,"a","b","c"]'}


@pytest.mark.parametrize(
    "odd", [object(), letters(), {1: "a", "1": "b"}, float("nan"), [object()]], ids=range(5)
)
def test_a_strict_step_compares_all_or_is_refused(store: MemoryStore, odd: Any) -> None:
    run = run_of(store, lambda ctx: ctx.step(lambda _: did.append(1), odd, name="x", strict=True))

    assert (run.status, did) == (RunStatus.FAILED, [])
    assert "can't all be compared" in message(run)


def grow(weights: list[int], step: Step) -> None:
    weights.append(step.attempt)
    if step.attempt < 3:
        raise OSError


def test_an_attempt_that_changes_its_arguments_changes_not_what_is_compared(
    store: MemoryStore,
) -> None:
    run = after_a_change(
        store,
        lambda ctx: ctx.step(grow, [1], strict=True, retry=Retry(3, "10ms")),
        lambda ctx: ctx.step(grow, [1], strict=True, retry=Retry(3, "10ms")),
    )

    assert run.status == RunStatus.SUCCEEDED
